"""How near two reports are, beyond the subject that all reports of a watch share.

    affinity = 0.6 x centred cosine + 0.4 x shared words
               - 0.05 x (1 - shared actors) - 0.05 if the numbers differ - 0.1 if the days differ

In a crisis every headline resembles every other. What tells developments apart is what is left when the common part is
taken away: most of each vector's component along the mean direction of the open reports is removed before the cosine is
taken, and a shared word or actor counts the more the fewer open reports have it (inverse document frequency). Both follow
the news and need no training. Until there are enough open reports, the watch's description stands in for them.

Actors, numbers and days only speak against: reports of one development may name others of them, but reports that name other
presidents, other sums and other weekdays are rarely of one. `benchmarks/stories_ablation.py` shows what each part is worth.

All sums are exact: vectors are integers (five decimals) in double precision, so neither the order of folding nor a
restart nor what else is compared at the same time can change a figure.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from transforms.stories.wording import Wording

UNITS = 100_000  # vectors are rounded to five decimals
CENTRING = 0.9  # how much of the component along the common direction is taken away
WORDS = 0.4  # weight of shared words against that of the centred cosine
OTHER_ACTORS = 0.05  # what is taken away where the actors that both name are none of those that tell reports apart ...
OTHER_QUANTITIES = 0.05  # ... where both give numbers, and no number twice ...
OTHER_DAYS = 0.1  # ... and where both name days, and no day twice
PRIOR_MEAN = 20  # the description weighs as much as so many reports
PRIOR_TERMS = 5


@dataclass(frozen=True)
class Features:
    """What an affinity is computed from. `vector` holds integers: the unit vector times UNITS."""

    vector: NDArray[np.float64]
    wording: Wording


class Nearness(NamedTuple):
    """An affinity (-1..1) and what it comes from, rounded to 5 decimals.

    centred  centred cosine, -1..1
    words    share of words, 0..1
    actors   share of actors, 0..1; 1 where one of the two names none
    quantities_differ, days_differ  whether both name some, and none in common
    """

    value: float
    centred: float
    words: float
    actors: float
    quantities_differ: bool
    days_differ: bool


def features_of(vector: bytes, wording: Wording) -> Features:
    """Features of a report's vector bytes. Raises ValueError if they are no unit vector."""
    values = np.rint(np.frombuffer(vector, "<f4").astype(np.float64) * UNITS)
    if not len(values) or not math.isclose(float(values @ values), UNITS**2, rel_tol=1e-2):
        raise ValueError("the report's vector is no unit vector")
    return Features(values, wording)


def cosine(a: Features, b: Features) -> float:
    """Plain cosine similarity, rounded to 5 decimals."""
    return round(float(a.vector @ b.vector) / UNITS**2, 5)


class Common:
    """What the reports of the open stories have in common: their mean vector, and how many use a word or name an actor.

    theme  mean vector of the watch's description times UNITS, as integers; zeros to begin without
    """

    def __init__(self, theme: NDArray[np.float64]) -> None:
        self._sum = PRIOR_MEAN * theme
        self._prior = PRIOR_MEAN if theme.any() else 0
        self._words: Counter[str] = Counter()
        self._actors: Counter[str] = Counter()
        self.count = 0

    def add(self, report: Features) -> None:
        self._sum += report.vector
        self.count += 1
        self._words.update(report.wording.words)
        self._actors.update(report.wording.actors)

    def remove(self, report: Features) -> None:
        self._sum -= report.vector
        self.count -= 1
        _subtract(self._words, report.wording.words)
        _subtract(self._actors, report.wording.actors)

    def to(self, report: Features) -> Affinity:
        """Affinities to one report, as of now."""
        return Affinity(self, report)

    def centring(self) -> tuple[NDArray[np.float64], float]:
        """The common direction (not of unit length), and how much less two vectors are alike for each unit of both along it.

        Taking a share c of its component along the unit direction d away from either vector leaves
        a b - (2 c - c^2) (a d) (b d) of their product.
        """
        length2 = math.fsum(self._sum * self._sum)
        # The direction of few reports is that of a single story: without a description it counts for less.
        share = CENTRING * (self.count + self._prior) / (self.count + PRIOR_MEAN)
        return self._sum, share * (2 - share) / length2 if length2 else 0.0

    def words(self) -> Weights:
        """Weights of words, as of now."""
        return Weights(self._words, self.count)

    def actors(self) -> Weights:
        """Weights of actors, as of now."""
        return Weights(self._actors, self.count)


class Weights:
    """Weights of terms by how many of `count` reports use them. Few counts occur, so each logarithm is taken once."""

    def __init__(self, used: Counter[str], count: int) -> None:
        self._used = used
        self._by_use = _Logarithms(count)

    def of(self, term: str) -> float:
        return self._by_use[self._used[term]]

    def total(self, terms: Iterable[str]) -> float:
        """Sum over the terms: a few thousand an entry, so no line of Python may run for each."""
        return math.fsum(map(self._by_use.__getitem__, map(self._used.__getitem__, terms)))


class _Logarithms(dict[int, float]):
    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count

    def __missing__(self, used: int) -> float:
        weight = self[used] = math.log((self._count + 1 + PRIOR_TERMS) / (used + 0.5))
        return weight


class Affinity:
    """Affinities of open reports to one that is not among them."""

    def __init__(self, common: Common, report: Features) -> None:
        self._report = report
        self._direction, self._less = common.centring()
        self._along = report.vector @ self._direction
        self._rest = math.sqrt(report.vector @ report.vector - self._less * self._along**2)
        self._words = _Shared(report.wording.words, common.words())
        self._actors = _Shared(report.wording.actors, common.actors())

    def of(self, others: Sequence[Features]) -> list[Nearness]:
        """The affinity of each of the others. One call for many costs less than many calls."""
        vectors = np.stack([other.vector for other in others])
        along = vectors @ self._direction
        rests = np.sqrt(np.einsum("ij,ij->i", vectors, vectors) - self._less * along**2)
        centred = (vectors @ self._report.vector - self._less * self._along * along) / (self._rest * rests)
        return [self._nearness(c, other.wording) for c, other in zip(centred.tolist(), others, strict=True)]

    def rarest(self, words: Iterable[str]) -> list[str]:
        """The words, those that the fewest open reports use first."""
        return sorted(words, key=lambda word: (-self._words.weights.of(word), word))

    def _nearness(self, centred: float, other: Wording) -> Nearness:
        own = self._report.wording
        words = self._words.of(other.words)
        actors = self._actors.of(other.actors) if own.actors and other.actors else 1.0
        quantities_differ = bool(own.quantities) and _differ(own.quantities, other.quantities)
        days_differ = _differ(own.days, other.days)
        value = (
            (1 - WORDS) * centred
            + WORDS * words
            - OTHER_ACTORS * (1 - actors)
            - OTHER_QUANTITIES * quantities_differ
            - OTHER_DAYS * days_differ
        )
        return Nearness(round(value, 5), round(centred, 5), round(words, 5), round(actors, 5), quantities_differ, days_differ)


class _Shared:
    """How much of the terms of a report another one has, by their weights, 0..1 (cosine of the weighted sets)."""

    def __init__(self, terms: frozenset[str], weights: Weights) -> None:
        self.weights = weights
        self._terms = terms
        self._total = weights.total(terms)

    def of(self, others: frozenset[str]) -> float:
        shared = others & self._terms
        return self.weights.total(shared) / math.sqrt(self._total * self.weights.total(others)) if shared else 0.0


def _differ(a: frozenset[Any], b: frozenset[Any]) -> bool:
    return bool(a and b) and a.isdisjoint(b)


def _subtract(counter: Counter[str], terms: frozenset[str]) -> None:
    for term in terms:
        counter[term] -= 1
        if not counter[term]:
            del counter[term]
