"""Why a signal was read: the pattern that found its words, the words that set its modality, and those that name its sides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.entry import Entry
from schemas.records import iso
from schemas.report import Actor, Signal
from transforms.signals.modality import cue
from transforms.signals.rules import Hit
from transforms.signals.tagger import SignalTagger


@dataclass(frozen=True)
class Place:
    """Code points [start, end) of the signal's field, and the words that stand there."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Reason:
    """Why a signal was read.

    pattern  the pattern as signals.yaml has it; in round brackets what found it instead, where no pattern did
    needs    what the sentence had to say as well, "" for nothing
    cue      the words that set the modality, None where it is the pattern's or the type's own
    roles    "source", "target" or "both" -> the words that stand in this role of the pattern
    """

    pattern: str
    needs: str = ""
    cue: Place | None = None
    roles: dict[str, tuple[Place, ...]] = field(default_factory=dict)


def reasons(tagger: SignalTagger, entry: Entry, actors: tuple[Actor, ...], signals: Iterable[Signal]) -> list[Reason | None]:
    """For each of the entry's signals why it was read, None for one that the tagger does not read in the entry."""
    year = int(iso(entry.time)[:4])
    hits: dict[Signal, Hit] = {}
    for reading in sorted(tagger.readings(entry, actors), key=lambda r: r.rank):
        hits.setdefault(reading.signal, reading.hit)
    return [_reason(hits[s], tagger, getattr(entry, s.field), year) if s in hits else None for s in signals]


def _reason(hit: Hit, tagger: SignalTagger, text: str, year: int) -> Reason:
    found = cue(hit, tagger.rules, year)
    if found and hit.modality and found.modality != hit.modality:  # the whole passage has it otherwise
        found = None
    roles = {role: tuple(_place(hit, i, i + 1, text) for i in words) for role, words in hit.slots.items()}
    return Reason(hit.spec.find, hit.spec.needs, _place(hit, found.start, found.end, text) if found else None, roles)


def _place(hit: Hit, first: int, after: int, text: str) -> Place:
    start, end = hit.line.tokens[first].start, hit.line.tokens[after - 1].end
    return Place(start, end, text[start:end])
