"""How surely a report is about the watch: nearness to its description rather than to its decoys, who is named, and what is said.

    margin     similarity to the nearest description - similarity to the nearest decoy
    evidence   a shift for the sides that the entry names: challenger and target, challenger and a backer, one, none;
               and one for a signal in an entry that names a side
    relevance  logistic((margin + evidence - CENTRE) / SCALE), so 0.5 is the border

Similarity alone decides between one war and another; the names decide between one kind of talk and another, and a signal
between a match or a concert and a threat. The numbers were read off plateaus on 3,000 headlines of one crisis and hold for
any watch: they say how a similarity of this model behaves, not what the watch is about.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable

import numpy as np

from schemas import Report
from schemas.watch import Watch
from transforms.embedding.model import Embedder, Vectors, embedder
from transforms.relevance.gate import names_any, pattern

CENTRE = 0.08
SCALE = 0.05
BOTH_SIDES = 0.12
WITH_BACKER = 0.04
TARGET_ALONE = 0.04
NO_SIDE = -0.12
SIGNAL = 0.06

RELEVANT = "relevant"
NOT_RELEVANT = "not relevant"


class RelevanceScorer:
    """Scores reports that have their actors, their signals and their vector."""

    def __init__(self, watch: Watch, model: Embedder) -> None:
        self._description = model.embed(watch.relevance.description)
        self._decoys = model.embed(watch.relevance.decoys)
        self._challenger = frozenset(watch.sides.challenger)
        self._target = frozenset(watch.sides.target)
        self._backers = frozenset(watch.sides.backers)
        self._places = pattern(watch.gate.places)
        self.threshold = watch.relevance.threshold

    def score(self, report: Report) -> float:
        """Relevance in 0..1, rounded to 4 decimals. Raises ValueError if the report has no vector."""
        if not report.vector:
            raise ValueError("a report is scored after it is embedded, this one has no vector")
        vector = np.frombuffer(report.vector, "<f4")
        margin = _nearest(self._description, vector) - _nearest(self._decoys, vector)
        z = (margin + self._evidence(report) - CENTRE) / SCALE
        return round(1 / (1 + math.exp(-max(-50.0, min(50.0, z)))), 4)

    def outcome(self, relevance: float) -> str:
        return RELEVANT if relevance >= self.threshold else NOT_RELEVANT

    def _evidence(self, report: Report) -> float:
        named = {name for actor in report.actors for name in (actor.name, actor.state)}
        challenger, target, backer = (_any(side, named) for side in (self._challenger, self._target, self._backers))
        target = target or names_any(self._places, report)
        signal = SIGNAL if any(s.sure for s in report.signals) else 0.0
        if challenger and target:
            return BOTH_SIDES + signal
        if challenger and backer:
            return WITH_BACKER + signal
        if target:
            return TARGET_ALONE + signal
        if challenger:
            return signal
        return NO_SIDE + signal if backer else NO_SIDE


@functools.lru_cache(maxsize=8)
def scorer_for(watch: Watch, model: str = "", threads: int = 0) -> RelevanceScorer:
    """The watch's scorer, made once per process. Raises ModelError if the model cannot be loaded."""
    return RelevanceScorer(watch, embedder(model, threads))


def _nearest(texts: Vectors, vector: Vectors) -> float:
    return float((texts @ vector).max()) if len(texts) else 0.0


def _any(side: Iterable[str], named: set[str]) -> bool:
    return any(name in named for name in side)
