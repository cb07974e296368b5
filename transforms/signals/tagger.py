"""Read the signals of an entry: what is said, how surely, by whom, about whom, with the words that say it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from schemas.entry import Entry
from schemas.records import iso
from schemas.report import Actor, Signal
from schemas.watch import Watch
from transforms.relevance.gate import pattern
from transforms.signals.attribution import attribution
from transforms.signals.dates import resolved
from transforms.signals.details import place, when
from transforms.signals.evidence import whole
from transforms.signals.lines import acting, lines
from transforms.signals.meaning import Meaning, Read
from transforms.signals.modality import modality
from transforms.signals.quantities import quantity
from transforms.signals.roles import Cast, roles
from transforms.signals.rules import Hit, best_of_each_place, overlap, rules_of

if TYPE_CHECKING:
    from transforms.signals.reader import Reader
    from transforms.signals.syntax import Syntax

FIELDS = ("title", "summary", "text")
_PREFERRED = ("summary", "title", "text")  # a summary says the same as its title in full sentences
MAX_CHARACTERS = 50_000  # of one field; what stands behind is not read


# type, source, target and, in a long text, how many
Claim = tuple[str, str | None, str | None, int | None]


@dataclass(frozen=True)
class Reading:
    """A signal and what it is ranked by against others of the same claim."""

    signal: Signal
    hit: Hit
    rank: tuple[float, ...]


@dataclass(frozen=True)
class Unread:
    """What of a long entry is not read in full.

    characters  field -> how many at its end are not read at all
    sentences   how many that may say something are read by the patterns only, because so many stand before them
    """

    characters: dict[str, int]
    sentences: int


class SignalTagger:
    """Tags signals by the patterns of the watch's taxonomy, the meaning of what is said and the sides of the watch."""

    def __init__(self, watch: Watch, reader: Reader | None = None, syntax: Syntax | None = None) -> None:
        """reader: what reads for meaning, None to ask the patterns only; syntax: what parses for it, None for nothing."""
        self.sides = watch.sides
        self.rules = rules_of(watch.taxonomy)
        self.places = pattern(watch.gate.places)
        self.meaning = Meaning(self.rules, watch.taxonomy.types, reader, syntax) if reader else None

    def tag(self, entry: Entry, actors: tuple[Actor, ...]) -> tuple[Signal, ...]:
        """The entry's signals in order of place; `actors` are the entry's own, as TagActors found them.

        One signal for each type, source and target, in `text` also for each number ("90,000 troops", "up to 175,000").
        Raises ValueError if an actor's mention lies outside its field.
        """
        return _without_repeats(self.readings(entry, actors))

    def readings(self, entry: Entry, actors: tuple[Actor, ...]) -> list[Reading]:
        """All that is read in the entry, each with the hit that says why, before repeats are dropped."""
        day = date.fromisoformat(iso(entry.time)[:10])
        cast = self.cast(entry, actors)
        texts, read = self._lines(entry, actors)
        if self.meaning:
            found = self.meaning.hits(texts, read, actors, cast, day.year)
        else:
            found = [hit for _, hits in read for hit in best_of_each_place(hits)]
        return [reading for hit in found for reading in self._read(hit, texts[hit.line.field], cast, day)]

    def unread(self, entry: Entry, actors: tuple[Actor, ...]) -> Unread:
        """What of the entry `tag` does not read in full: nothing, unless it is long."""
        beyond = {field: len(getattr(entry, field)) - MAX_CHARACTERS for field in FIELDS}
        left = self.meaning.left(*self._lines(entry, actors), actors) if self.meaning else 0
        return Unread({field: more for field, more in beyond.items() if more > 0}, left)

    def _lines(self, entry: Entry, actors: tuple[Actor, ...]) -> tuple[dict[str, str], list[Read]]:
        """What is read of each field, and its lines with what patterns find in each."""
        texts = {field: getattr(entry, field)[:MAX_CHARACTERS] for field in FIELDS}
        read: list[Read] = [
            (line, tuple(self.rules.hits(line)))
            for field, text in texts.items()
            for line in lines(field, text, actors, self.rules.grammar)
        ]
        return texts, read

    def cast(self, entry: Entry, actors: tuple[Actor, ...]) -> Cast:
        """Who plays in the entry."""
        return Cast(self._named(entry, actors), self.sides)

    def _named(self, entry: Entry, actors: tuple[Actor, ...]) -> tuple[str, ...]:
        """The names that sources and targets may bear, in order of first mention; a town of the target names the target."""
        first = {a.id: min(((FIELDS.index(m.field), m.start) for m in a.mentions), default=(len(FIELDS), 0)) for a in actors}
        names = dict.fromkeys(acting(a) for a in sorted(actors, key=lambda a: first[a.id]))
        if self.places and any(self.places.search(getattr(entry, field)[:MAX_CHARACTERS]) for field in FIELDS):
            names |= dict.fromkeys(self.sides.target[:1])
        return tuple(names)

    def _read(self, hit: Hit, text: str, cast: Cast, day: date) -> list[Reading]:
        kind = hit.kind
        how = hit.modality or modality(hit, self.rules, day.year)
        if how in kind.void:
            return []
        pairs, sure = (hit.pairs, False) if hit.pairs is not None else roles(hit, self.rules, cast)
        left, right = whole(hit.line, hit.left, hit.right, text, self.rules.quoting)
        start, end = hit.line.tokens[left].start, hit.line.tokens[right - 1].end
        size = quantity(hit, text, self.rules.units)
        coming = when(hit, text, how, self.rules)
        earliest, latest = resolved(coming, day)
        codes = kind.codes_of(how)
        confidence = round(min(1.0, hit.confidence + 0.05 * sure), 2)
        out = []
        for source, target in pairs:
            signal = Signal(
                type=kind.type,
                direction=kind.direction,
                modality=how,
                source=source,
                target=target,
                field=hit.line.field,
                start=start,
                end=end,
                evidence=text[start:end],
                attributed_to=attribution(hit, text, self.rules),
                quantity=size.number,
                unit=size.unit,
                bound=size.bound,
                when=coming,
                earliest=earliest,
                latest=latest,
                place=place(hit, text),
                plover=codes.plover,
                cameo=codes.cameo,
                confidence=confidence,
            )
            rank = (
                -(kind.pair and how == "planned"),  # of talks held and talks to come the latter are the news
                -(size.number is not None),
                -len(hit.slots),
                -(source is not None) - (target is not None),
                -round(confidence, 1),  # news say first what they have to say: a hundredth does not outweigh that
                _PREFERRED.index(hit.line.field),
                start,
            )
            out.append(Reading(signal, hit, rank))
        return out


@functools.lru_cache(maxsize=8)
def tagger_for(watch: Watch, model: str | None = None) -> SignalTagger:
    """The tagger of a watch, made once per process (a runner makes its DoFns anew for each bundle). It parses if the watch has
    a parser.

    model: directory of the sentence model, "" to look for it on the machine, None to ask only the patterns

    Raises ModelError or SyntaxModelError if a model cannot be loaded.
    """
    if model is None:
        return SignalTagger(watch)
    # Imported here: it takes a second, and only those who read for meaning should wait for it.
    from transforms.signals.reader import reader

    if watch.parser is None:
        return SignalTagger(watch, reader(model))
    from transforms.signals.syntax import syntax_of

    return SignalTagger(watch, reader(model), syntax_of(watch.parser))


def _without_repeats(readings: list[Reading]) -> tuple[Signal, ...]:
    """One signal for each claim; one that knows less than another of its type says nothing new."""
    best: dict[Claim, Reading] = {}
    for r in sorted(readings, key=lambda r: r.rank):
        s = r.signal
        if _excluded(r, readings) or any(_covers(r.hit.kind.pair, known, s) for known in best):
            continue
        best[_claim(s)] = r
    chosen = [r.signal for claim, r in best.items() if not any(o != claim and _covers(False, o, r.signal) for o in best)]
    return tuple(sorted(chosen, key=lambda s: (FIELDS.index(s.field), s.start, s.end, s.type, s.source or "", s.target or "")))


def _claim(s: Signal) -> Claim:
    """What a signal claims: in a long text each number of the same thing is a claim of its own."""
    return s.type, s.source, s.target, s.quantity if s.field == "text" else None


def _excluded(r: Reading, readings: list[Reading]) -> bool:
    """Whether another reading of the same words or sentence says that this one is none (see SignalType)."""
    kind = r.hit.kind
    for o in readings if kind.yields_to else ():
        here = o.signal.type in kind.yields_to and o.hit.line is r.hit.line
        if here and (r.signal.modality == "conditional" or (o.signal.modality == "conditional" and overlap(o.hit, r.hit))):
            return True
    if r.signal.modality != "historical" and kind.gives_way_to:
        return any(o.signal.type in kind.gives_way_to and overlap(o.hit, r.hit) for o in readings)
    return False


def _covers(pair: bool, known: Claim, s: Signal) -> bool:
    """Whether a known claim says at least as much as `s`; of a pair the order says nothing."""
    kind, source, target, quantity = known
    if kind != s.type or _claim(s)[3] not in (None, quantity):
        return False
    if pair and {source, target} == {s.source, s.target}:
        return True
    return s.source in (None, source) and s.target in (None, target)
