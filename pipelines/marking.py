"""Marks on a text that may overlap, cut into pieces that do not: what the terminal and the page draw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

ACTOR, SIGNAL = "actor", "signal"


@dataclass(frozen=True)
class Mark:
    """Code points [start, end) of a text are about the `number`th actor or signal of an explanation."""

    kind: str  # ACTOR or SIGNAL
    number: int
    start: int
    end: int


@dataclass(frozen=True)
class Piece:
    """A stretch of text under the same marks; `ending` are those of them that end with it, the innermost first."""

    text: str
    marks: tuple[Mark, ...]
    ending: tuple[Mark, ...]


def pieces(text: str, marks: Iterable[Mark]) -> Iterator[Piece]:
    """The text in pieces that, joined, are the text again. Marks outside the text are cut to it."""
    inside = sorted((m for m in marks if m.start < m.end), key=lambda m: (m.start, -m.end, m.kind, m.number))
    edges = sorted({0, len(text), *(min(max(e, 0), len(text)) for m in inside for e in (m.start, m.end))})
    for start, end in pairwise(edges):
        over = tuple(m for m in inside if m.start < end and start < m.end)
        ending = tuple(m for m in reversed(over) if m.end == end or (m.end > len(text) == end))
        yield Piece(text[start:end], over, ending)
