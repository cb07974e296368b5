"""Meaning: what sentences say whose words no pattern knows, and what patterns found that the sentence does not say.

Each sentence that may carry a signal is cut into units (units.py), each unit is embedded, and the head says how likely it
is of each type. With the patterns' hits that makes one confidence for each sentence and type: below the head's threshold a
hit is dropped, above it a type without a hit becomes a hit of its own, whose words are the unit that says it best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from schemas.taxonomy import PatternSpec, SignalType
from transforms.embedding.model import Embedder
from transforms.signals.evidence import quoted
from transforms.signals.head import Head
from transforms.signals.lines import Line
from transforms.signals.modality import cue
from transforms.signals.mood import features
from transforms.signals.rules import Hit, Rules
from transforms.signals.units import Unit, units

MOST_UNITS = 64  # of one entry; news say first what they have to say
NEARLY = 0.5  # of the probability of the surest unit, for a shorter one to be the evidence
DROP = 0.1
# No fact is told in words that have one of these among them, whatever the sentence is like.
_NOT = frozenset(
    {"not", "never", "cannot", "won't", "didn't", "doesn't", "don't", "isn't", "aren't", "wasn't", "hasn't", "haven't"}
)
BY_MEANING = "(by meaning)"  # instead of a pattern, in the spec of a hit that no pattern found


@dataclass(frozen=True)
class Read:
    """A line, the field it stands in, and what the patterns found in it."""

    line: Line
    text: str
    hits: tuple[Hit, ...]


class Meaning:
    """The semantic layer over a sentence model and a head."""

    def __init__(self, rules: Rules, kinds: Sequence[SignalType], head: Head, model: Embedder) -> None:
        self._rules, self._head, self._model = rules, head, model
        self._kinds: Mapping[str, SignalType] = {kind.type: kind for kind in kinds}

    def judged(self, read: Sequence[Read], year: int) -> list[Sequence[Hit]]:
        """For each line of an entry of `year` the hits that hold, how surely, and those that only the meaning tells."""
        said = [units(r.line, r.text, ((h.left, h.right) for h in r.hits)) if self._may_say(r) else [] for r in read]
        flat = [unit for group in said for unit in group][:MOST_UNITS]
        texts = list(dict.fromkeys(unit.text for unit in flat))
        of_text = dict(zip(texts, self._model.embed(texts), strict=True))
        vectors = np.array([of_text[unit.text] for unit in flat], np.float32).reshape(len(flat), self._head.vectors.shape[1])
        probabilities = self._head.probabilities(vectors, flat)
        out: list[Sequence[Hit]] = []
        at = 0
        for r, group in zip(read, said, strict=True):
            mine = probabilities[at : at + len(group)]
            hits = self._of_line(r, group[: len(mine)], mine) if len(mine) else r.hits
            out.append([self._said(hit, vectors[at], year) for hit in hits] if len(mine) else hits)
            at += len(mine)
        return out

    def _may_say(self, read: Read) -> bool:
        """Whether a sentence is worth a vector: it has a hit, or a word that some pattern looks for."""
        return bool(read.hits) or self._rules.knows(read.line.words)

    def _of_line(self, read: Read, said: Sequence[Unit], probabilities: NDArray[np.float64]) -> list[Hit]:
        out: list[Hit] = []
        for column, name in enumerate(self._head.types):
            kind = self._kinds.get(name)
            if kind is None:
                continue
            most = float(probabilities[:, column].max())
            hits = [hit for hit in read.hits if hit.kind.type == name]
            sure = self._head.confidence(most, max((hit.spec.confidence for hit in hits), default=0.0))
            if sure < (DROP if hits else self._head.threshold) or (not hits and self._rules.bars(name, read.line)):
                continue
            out += [replace(hit, confidence=sure) for hit in hits] or [
                self._proposed(kind, _tellingest(said, probabilities[:, column]), sure)
            ]
        return out

    def _said(self, hit: Hit, sentence: NDArray[np.float32], year: int) -> Hit:
        learned = self._head.mood.of(features(hit, self._rules, year), sentence)
        found = cue(hit, self._rules, year) if learned == "asserted" else None
        if found and found.modality == "negated" and found.start >= hit.start and hit.line.tokens[found.start].text in _NOT:
            return hit
        return replace(hit, modality=learned)

    def _proposed(self, kind: SignalType, unit: Unit, sure: float) -> Hit:
        """A hit for what a unit says: its heart are the words that weigh most for the type, its evidence is the unit."""
        start, end = _heart(self._head.weights_of(kind.type, unit.words()))
        line = unit.line
        left, right = quoted(line, *_unsaid(unit, start + unit.start, end + unit.start, self._rules), self._rules.quoting)
        return Hit(kind, PatternSpec(find=BY_MEANING), line, start + unit.start, end + unit.start, left, right, {}, sure)


def _tellingest(said: Sequence[Unit], probabilities: NDArray[np.float64]) -> Unit:
    """The shortest unit that says a thing nearly as surely as the surest."""
    near = [unit for unit, p in zip(said, probabilities, strict=True) if p >= NEARLY * probabilities.max()]
    return min(near, key=lambda unit: (unit.end - unit.start, unit.start))


def _heart(weights: Sequence[float]) -> tuple[int, int]:
    """The range of words with the largest sum of weights, the first of equals, never empty."""
    best, best_range = -np.inf, (0, 1)
    total, start = 0.0, 0
    for i, weight in enumerate(weights):
        if total <= 0:
            total, start = 0.0, i
        total += weight
        if total > best:
            best, best_range = total, (start, i + 1)
    return best_range


def _unsaid(unit: Unit, start: int, end: int, rules: Rules) -> tuple[int, int]:
    """The unit without the words for who says so, where these stand at its ends ("..., officials said")."""
    left, right = unit.start, unit.end
    tokens = unit.line.tokens
    for i in range(unit.start, start):
        if tokens[i].text in rules.speech or tokens[i].text == "¦":
            left = i + 1
    for i in range(end, unit.end):
        if tokens[i].text in {",", "¦"} or tokens[i].text in rules.speech:
            right = i
            break
    return left, max(right, end)
