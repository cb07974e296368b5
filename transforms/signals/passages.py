"""Passages: what is read for meaning at a time: the title and summary of an entry together, or one sentence of its text.

    [CLS] Tanks roll north [SEP] Talks go on , the minister says . [SEP]
          '----- title ----'     '----------- summary -----------'

A passage is a row of word pieces. Each piece knows the characters that it stands for; the actors, and what the patterns
found, are places among the pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tokenizers import Encoding, Tokenizer

from schemas.report import Actor
from transforms.signals.lines import Line, acting
from transforms.signals.rules import Hit

HEADING = ("title", "summary")
MOST = 64  # passages of one entry; news say first what they have to say, and what stands behind is left to the patterns
NOWHERE = -1

Places = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """Code points [start, end) of a field, in one of the passage's lines (NOWHERE between them)."""

    field: str
    start: int
    end: int
    line: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a pattern found: pieces that say something of a type, and how sure the pattern is."""

    type: str
    pieces: Places
    confidence: float


@dataclass(frozen=True)
class Passage:
    """A row of word pieces.

    ids       of the pieces in the model's vocabulary
    spots     where each piece stands, None for [CLS] and [SEP]
    lines     the lines that it holds
    names     of the actors that it names, as sources and targets bear them, in no particular order
    mentions  of each name, as pieces
    found     by the patterns
    """

    ids: Sequence[int]
    spots: Sequence[Spot | None]
    lines: Sequence[Line]
    names: tuple[str, ...]
    mentions: tuple[tuple[Places, ...], ...]
    found: tuple[Found, ...]

    def pieces(self, field: str, start: int, end: int) -> Places:
        """The pieces that stand for any of the code points [start, end) of a field."""
        return tuple(i for i, s in enumerate(self.spots) if s and s.field == field and s.start < end and s.end > start)

    def index(self, name: str | None) -> int:
        """The place of a name among `names`, NOWHERE if it is not there."""
        return self.names.index(name) if name in self.names else NOWHERE


@dataclass(frozen=True)
class Stretch:
    """Pieces of a passage that say something of a type, and what the rules make of them.

    passage   its place among those that are looked at together
    type      its number
    modality  number of the one that the cues have, NOWHERE if they were not asked
    sources   places of names in `Passage.names` that the rules have for the source, NOWHERE for nobody; targets alike
    """

    passage: int
    type: int
    pieces: Places
    modality: int = NOWHERE
    sources: frozenset[int] = frozenset()
    targets: frozenset[int] = frozenset()


def passages(
    texts: Mapping[str, str], found: Sequence[tuple[Line, Sequence[Hit]]], actors: Iterable[Actor], tokenizer: Tokenizer
) -> list[Passage]:
    """The passages of an entry, MOST at most: its heading, as much as the model reads at a time, and each other line by itself.

    texts   field -> what it holds
    found   the lines that may say something, in order, each with what the patterns found in it
    """
    actors = tuple(actors)
    encoded = tokenizer.encode(texts[HEADING[0]], texts[HEADING[1]])
    ends = {field: _end(encoded, part) for part, field in enumerate(HEADING)}
    heading = [each for each in found if each[0].tokens[-1].end <= ends.get(each[0].field, -1)]
    groups = [(encoded, HEADING, (0, 0), heading)] if heading else []
    for line, hits in found:
        if len(groups) == MOST:
            break
        if line.tokens[-1].end > ends.get(line.field, -1):
            start, end = line.tokens[0].start, line.tokens[-1].end
            groups.append((tokenizer.encode("", texts[line.field][start:end]), ("", line.field), (0, start), [(line, hits)]))
    return [_passage(*group, actors) for group in groups]


def _end(encoded: Encoding, part: int) -> int:
    """Where the pieces of the first or second text end: a model reads so many and no more."""
    places = zip(encoded.offsets, encoded.sequence_ids, strict=True)
    return max((end for (_, end), of in places if of == part), default=0)


def _passage(
    encoded: Encoding,
    fields: tuple[str, str],
    starts: tuple[int, int],
    found: Sequence[tuple[Line, Sequence[Hit]]],
    actors: tuple[Actor, ...],
) -> Passage:
    lines = [line for line, _ in found]
    spots: list[Spot | None] = []
    for (start, end), part in zip(encoded.offsets, encoded.sequence_ids, strict=True):
        if part is None:
            spots.append(None)
            continue
        field, start, end = fields[part], start + starts[part], end + starts[part]
        spots.append(Spot(field, start, end, _line(lines, field, start)))
    bare = Passage(encoded.ids, spots, lines, (), (), ())
    mentions: dict[str, list[Places]] = {}
    for actor in actors:
        for m in actor.mentions:
            if m.field in fields and (pieces := bare.pieces(m.field, m.start, m.end)):
                mentions.setdefault(acting(actor), []).append(pieces)
    read = tuple(
        Found(hit.kind.type, pieces, hit.spec.confidence)
        for line, hits in found
        for hit in hits
        if (pieces := bare.pieces(line.field, line.tokens[hit.left].start, line.tokens[hit.right - 1].end))
    )
    return Passage(encoded.ids, spots, lines, tuple(mentions), tuple(map(tuple, mentions.values())), read)


def _line(lines: Sequence[Line], field: str, at: int) -> int:
    for i, line in enumerate(lines):
        if line.field == field and line.tokens[0].start <= at < line.tokens[-1].end:
            return i
    return NOWHERE


def words(line: Line, start: int, end: int) -> tuple[int, int] | None:
    """The range of words of a line that code points [start, end) of its field cover, None if there are none."""
    inside = [i for i, token in enumerate(line.tokens) if token.start < end and token.end > start]
    return (inside[0], inside[-1] + 1) if inside else None
