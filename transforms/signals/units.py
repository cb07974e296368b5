"""Units: the stretches of a sentence that are read for meaning: the sentence, its clauses, and what patterns found in it.

    "Japan sends troops north, | while talks in Geneva go on"   ->   the sentence, both halves, and "sends troops north"

A sentence of news says several things, and one vector of it says none of them well. Clauses are cut roughly: where a line's
clauses end, at commas and at "and", "but", "that"; what is too short to say anything stays with the stretch before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from transforms.signals.lines import BREAK, Line

FEWEST_WORDS = 4
_CUTS = frozenset({",", "and", "but", "that"})
_AROUND = " \t\n,;:–—-"


@dataclass(frozen=True)
class Unit:
    """Words [start, end) of a line, and the text that they stand in."""

    line: Line
    start: int
    end: int
    text: str

    def words(self) -> list[str]:
        """The unit's words as the head knows them: stems, "@" for an actor, "^" for another name, "#" for a number."""
        return [_word(self, i) for i in range(self.start, self.end)]


def units(line: Line, text: str, found: Iterable[tuple[int, int]] = ()) -> list[Unit]:
    """The units of a line of the field `text`, the whole sentence first; `found`: the words that patterns found."""
    cuts = [0, *(i for i in range(1, len(line.tokens)) if _cut(line, i)), len(line.tokens)]
    parts: list[tuple[int, int]] = []
    for start, end in pairwise(cuts):
        if parts and min(end - start, parts[-1][1] - parts[-1][0]) < FEWEST_WORDS:
            parts[-1] = (parts[-1][0], end)
        else:
            parts.append((start, end))
    spans = dict.fromkeys([(0, len(line.tokens)), *parts, *found])
    return [
        Unit(line, start, end, text[line.tokens[start].start : line.tokens[end - 1].end].strip(_AROUND)) for start, end in spans
    ]


def grams(words: list[str]) -> Iterator[str]:
    """The words and the pairs of neighbours."""
    yield from words
    for first, second in pairwise(words):
        yield f"{first} {second}"


def stem(word: str) -> str:
    """A word without the common endings of English, roughly: "troops", "trooping" -> "troop"."""
    for ending in ("ings", "ing", "ied", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


def _cut(line: Line, i: int) -> bool:
    return line.clause[i] != line.clause[i - 1] or line.tokens[i].text in _CUTS


def _word(unit: Unit, i: int) -> str:
    token = unit.line.tokens[i]
    if token.phrase is not None:
        return "@"
    if token.text[0].isdigit():
        return "#"
    if token.text == BREAK or not token.text[0].isalpha():
        return BREAK if token.text != "," else ","
    return stem(token.text)
