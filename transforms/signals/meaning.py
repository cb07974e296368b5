"""Meaning: what passages say, with the patterns' hits heard as evidence; what patterns found that a passage does not say.

The reader says how surely a passage says something of each type, and which pieces say it. Above the threshold the
strongest stretch of pieces becomes a hit, and others beside it if they are strong as well and have other parties. Its
modality and its parties are the reader's too, which heard what the cues and the rules have for them; where it is in doubt of
the modality, or does not know a name because only a town stands for it, cues and rules decide. Where sentences are parsed
(syntax.py), the parse has a say in who is a party beside the likeliest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from schemas.report import Actor
from schemas.taxonomy import PatternSpec, SignalType
from transforms.signals.lines import BREAK, Line
from transforms.signals.modality import modality
from transforms.signals.passages import HEADING, NOWHERE, Passage, Places, Stretch, passages, words
from transforms.signals.roles import Cast, Pair, roles
from transforms.signals.rules import Hit, Rules, best_of_each_place

if TYPE_CHECKING:
    from transforms.signals.reader import Reader, Seen
    from transforms.signals.syntax import Sentences, Syntax, Ties

BY_MEANING = "(by meaning)"  # instead of a pattern, in the spec of a hit that no pattern found
BESIDE = 0.3  # of the weight of a stretch's strongest piece, for its neighbours to belong to it
TOLD = 0.85  # least confidence of a pattern that is believed although the reader is less sure than it must be alone
DOUBTED = 0.3  # what it must still be
SECOND = 0.6  # least weight of the strongest piece of another stretch
SHARE = 0.5  # least share of it in the first's
ALSO = 0.3  # least probability of a further party
IN_LIST = 0.15  # the same where a parse has it in one list with the likeliest,
IN_NO_LIST = 0.4  # and where a parse has it not; tuned on the examples that are held out, the open set and our recording
UNDERGOING = 0.25  # what the odds of a source are multiplied by whom a parse has it done to: a passive subject (the same sets)
NAMED = 0.2  # least probability of whom the rules have, where the reader thinks that nobody is likelier
CERTAIN = 0.75  # least probability of the reader's modality; below it that of the cues holds where a pattern matched

FINISH = 4  # most words by which evidence is lengthened
_OWNERS = frozenset({"its", "his", "her", "their"})
_MARKS = frozenset({",", "-", BREAK})

Read = tuple[Line, Sequence[Hit]]


@dataclass(frozen=True)
class _Entry:
    """What is known of an entry while it is read: what patterns found in each line (by id), who plays, its year, its parse."""

    found: Mapping[int, Sequence[Hit]]
    cast: Cast
    year: int
    sentences: Sentences | None


class Meaning:
    """Reads entries with a reader over the patterns of a taxonomy, and with a parse if there is a syntax."""

    def __init__(self, rules: Rules, kinds: Sequence[SignalType], reader: Reader, syntax: Syntax | None = None) -> None:
        self._rules, self._reader, self._syntax = rules, reader, syntax
        self._kinds: Mapping[str, SignalType] = {kind.type: kind for kind in kinds}

    def hits(self, texts: Mapping[str, str], read: Sequence[Read], actors: Iterable[Actor], cast: Cast, year: int) -> list[Hit]:
        """What an entry of `year` says: hits with modality and parties. `read`: its lines, and what patterns found in each.

        Of a type that the reader has not learned, and behind the last passage that it reads of a long text, the patterns'
        hits are taken as they are.
        """
        parts = passages(texts, self._worth(read), actors, self._reader.tokenizer)
        weighed = {id(line) for part in parts for line in part.lines}
        found = {id(line): hits for line, hits in read}
        out = [
            hit
            for line, hits in read
            for hit in best_of_each_place(hits)
            if hit.kind.type not in self._reader.types or id(line) not in weighed
        ]
        with self._syntax.reading(texts) if self._syntax else nullcontext() as sentences:
            entry = _Entry(found, cast, year, sentences)
            for part, seen in zip(parts, self._reader.seen(parts), strict=True):
                for name in self._reader.types:
                    if kind := self._kinds.get(name):
                        out += self._of_kind(kind, part, seen, entry)
        return out

    def left(self, texts: Mapping[str, str], read: Sequence[Read], actors: Iterable[Actor]) -> int:
        """How many lines that may say something stand behind the last passage that the reader reads."""
        worth = self._worth(read)
        parts = passages(texts, worth, actors, self._reader.tokenizer)
        return len(worth) - sum(len(part.lines) for part in parts)

    def _worth(self, read: Sequence[Read]) -> list[Read]:
        """The lines that may say something; of title and summary all or none."""
        telling = {line.field for line, hits in read if self._may_say(line, hits)}
        heading = bool(telling & {*HEADING})
        return [each for each in read if (heading if each[0].field in HEADING else self._may_say(*each))]

    def _may_say(self, line: Line, hits: Sequence[Hit]) -> bool:
        """Whether a line is worth reading: it has a hit, or a word that some pattern looks for."""
        return bool(hits) or self._rules.knows(line.words)

    def _of_kind(self, kind: SignalType, part: Passage, seen: Seen, entry: _Entry) -> Iterator[Hit]:
        column = self._reader.types.index(kind.type)
        sure = float(seen.confidence[column])
        told = any(each.type == kind.type and each.confidence >= TOLD for each in part.found)
        if sure < (min(DOUBTED, self._reader.threshold) if told else self._reader.threshold):
            return
        said: list[tuple[str | None, str | None]] = []
        for pieces in stretches(part, seen.pieces[:, column]):
            hit = located(kind, part, pieces, entry.found)
            if hit.spec.find == BY_MEANING and kind.type in self._rules.barred(hit.line):
                continue
            hit = self._judged(hit, part, seen, Stretch(0, column, pieces), entry)
            if hit.modality in kind.void:
                continue
            pairs = [pair for pair in hit.pairs or () if not said or (None not in pair and not _known(pair, said, kind.pair))]
            if pairs:
                said += pairs
                line, left, right = _words(part, pieces)
                left, right = _ended(line, left, right, self._rules.quoting.trimmed)
                yield replace(hit, left=left, right=right, confidence=sure, pairs=tuple(pairs))

    def _judged(self, hit: Hit, part: Passage, seen: Seen, stretch: Stretch, entry: _Entry) -> Hit:
        by_rules, _ = roles(hit, self._rules, entry.cast)
        stretch = ruled(stretch, by_rules, modality(hit, self._rules, entry.year), part, self._reader.modalities)
        (judged,) = self._reader.roles(part, seen, [stretch])
        how = int(judged.modality.argmax())
        if judged.modality[how] < CERTAIN and hit.spec.find != BY_MEANING:
            how = stretch.modality
        ties = entry.sentences.ties(part, stretch.pieces) if entry.sentences else None
        sources, targets = in_two_minds(judged.sources, stretch.sources), in_two_minds(judged.targets, stretch.targets)
        pairs = parties(part.names, sources, targets, ties)
        return replace(hit, modality=self._reader.modalities[how], pairs=tuple(_filled(pairs, by_rules, part.names)))


def in_two_minds(chances: NDArray[np.float64], by_rules: Collection[int]) -> NDArray[np.float64]:
    """The probabilities of a role, with none for nobody where that is the likeliest, but whom the rules have is likely too."""
    if int(chances.argmax()) or not any(chances[i + 1] >= NAMED for i in by_rules if i != NOWHERE):
        return chances
    named = chances.copy()
    named[0] = 0.0
    return named / named.sum()


def stretches(part: Passage, weights: NDArray[np.float64]) -> Iterator[Places]:
    """The stretches of a passage that say something of a type, the strongest first, by the weights of its pieces for it."""
    left = np.array([w if s and s.line != NOWHERE else 0.0 for w, s in zip(weights, part.spots, strict=True)])
    most = left.max(initial=0.0)
    least = 0.0
    while left.max(initial=0.0) > least:
        pieces = _around(part, left, int(left.argmax()))
        yield pieces
        left[list(pieces)] = 0.0
        least = max(SECOND, SHARE * most)


def _around(part: Passage, weights: NDArray[np.float64], top: int) -> Places:
    """The pieces around the strongest that belong to it: in its line, heavy enough or between such, in whole words."""
    spots, least = part.spots, BESIDE * weights[top]
    line = spots[top]
    assert line is not None

    def inside(i: int) -> bool:
        spot = spots[i] if 0 <= i < len(spots) else None
        return spot is not None and spot.line == line.line

    def heavy(i: int) -> bool:
        return inside(i) and weights[i] >= least

    def glued(i: int) -> bool:
        """Whether pieces i and i + 1 are parts of one word."""
        a, b = (spots[i], spots[i + 1]) if inside(i) and inside(i + 1) else (None, None)
        return a is not None and b is not None and a.end == b.start and _one_word(part, a.end, a.line)

    first = last = top
    while heavy(first - 1) or (inside(first - 1) and heavy(first - 2)):
        first -= 1
    while heavy(last + 1) or (inside(last + 1) and heavy(last + 2)):
        last += 1
    while first > 0 and glued(first - 1):
        first -= 1
    while last + 1 < len(spots) and glued(last):
        last += 1
    return tuple(range(first, last + 1))


def _one_word(part: Passage, at: int, line: int) -> bool:
    """Whether a word of the line goes on over code point `at` of its field."""
    return any(token.start < at < token.end for token in part.lines[line].tokens if token.phrase is None)


def located(kind: SignalType, part: Passage, pieces: Places, found: Mapping[int, Sequence[Hit]]) -> Hit:
    """The hit for a stretch: a pattern's own if one of the type overlaps it, else one without a pattern."""
    line, left, right = _words(part, pieces)
    own = [h for h in found[id(line)] if h.kind.type == kind.type and h.left < right and left < h.right]
    if own:
        return max(own, key=lambda h: (len(h.slots), h.spec.confidence, h.end - h.start, -h.start))
    return Hit(kind, PatternSpec(find=BY_MEANING), line, left, right, left, right, {}, 0.0)


def _words(part: Passage, pieces: Places) -> tuple[Line, int, int]:
    """The line that the pieces stand in, and which of its words they stand for, without marks at their ends."""
    first, last = part.spots[pieces[0]], part.spots[pieces[-1]]
    assert first is not None
    assert last is not None
    line = part.lines[first.line]
    left, right = words(line, first.start, last.end) or (0, len(line.tokens))
    while right - left > 1 and line.tokens[right - 1].text in _MARKS:
        right -= 1
    while right - left > 1 and line.tokens[left].text in _MARKS:
        left += 1
    return line, left, right


def _ended(line: Line, left: int, right: int, joining: frozenset[str]) -> tuple[int, int]:
    """Evidence [left, right) of a line that neither begins with a joining word ("after talks") nor ends on a word that leads
    to the next ("open about its")."""
    dangling = joining | _OWNERS

    def leads_on(i: int) -> bool:
        phrase = line.tokens[i].phrase
        return line.tokens[i].text in dangling or (phrase is not None and phrase.adjective)

    limit = min(right + FINISH, len(line.tokens))
    while right < limit and leads_on(right - 1):
        if line.tokens[right].text in _MARKS or line.clause[right] != line.clause[right - 1]:
            break
        right += 1
    while right - left > 1 and line.tokens[right - 1].text in dangling:
        right -= 1
    while right - left > 1 and line.tokens[left].text in joining and line.tokens[left + 1].text != "many":  # "as many as"
        left += 1
    return left, right


def ruled(stretch: Stretch, pairs: Iterable[Pair], how: str, part: Passage, modalities: Sequence[str]) -> Stretch:
    """The stretch with the parties and the modality that rules and cues have for it."""
    sources, targets = zip(*pairs, strict=True)
    return replace(
        stretch,
        modality=modalities.index(how),
        sources=frozenset(map(part.index, sources)),
        targets=frozenset(map(part.index, targets)),
    )


def parties(
    names: Sequence[str], sources: NDArray[np.float64], targets: NDArray[np.float64], ties: Ties | None = None
) -> list[Pair]:
    """The (source, target) pairs by the probabilities of nobody and each name: the likeliest two, nobody its own target, and
    others that are likely too; how likely, depends on the ties between the names, where they are known."""
    of: list[str | None] = [None, *names]
    if ties and ties.undergoes:
        sources = _less_of_the_done_to(sources, ties)
    source = int(sources.argmax())
    open_to = targets.copy()
    if source:
        open_to[source] = 0.0
    target = int(open_to.argmax())
    more_sources = [i for i in _more(sources, source, ties) if i != target]
    more_targets = _more(open_to, target, ties)
    pairs = [(source, target), *((i, target) for i in more_sources), *((source, i) for i in more_targets)]
    return [(of[a], of[b]) for a, b in dict.fromkeys(pairs)]


def _less_of_the_done_to(sources: NDArray[np.float64], ties: Ties) -> NDArray[np.float64]:
    """The probabilities with less for those whom it is done to."""
    odds = sources.copy()
    odds[[i + 1 for i in ties.undergoes]] *= UNDERGOING
    return odds / odds.sum()


def _more(chances: NDArray[np.float64], first: int, ties: Ties | None) -> list[int]:
    """Who is likely beside the first, by place; nobody has none beside him."""
    if not first:
        return []

    def least(i: int) -> float:
        return ALSO if ties is None else IN_LIST if i - 1 in ties.lists[first - 1] else IN_NO_LIST

    return [i for i in range(1, len(chances)) if chances[i] >= least(i)]


def _filled(pairs: Iterable[Pair], by_rules: Iterable[Pair], named: Collection[str]) -> Iterator[Pair]:
    """The pairs; where one has nobody, whom the rules have though the passage does not name him: a town names its state."""
    sources, targets = zip(*by_rules, strict=True)
    source, target = (next((name for name in role if name and name not in named), None) for role in (sources, targets))
    for a, b in pairs:
        yield a or (source if source != b else None), b or (target if target != a else None)


def _known(pair: Pair, said: Iterable[Pair], either_way: bool) -> bool:
    return any(pair == other or (either_way and {*pair} == {*other}) for other in said)
