"""How near two reports are, beyond the subject that all reports of a watch share.

In a crisis every headline resembles every other. What tells developments apart is what is left when the common part is
taken away: the mean of the vectors of the open stories is subtracted from both before the cosine is taken, and a shared
word counts the more the fewer open reports use it (inverse document frequency). Both come from the open stories alone,
so they follow the news and need no training.

All sums are exact: vectors are integers (five decimals) in double precision, so neither the order of folding nor a
restart can change a figure.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transforms.stories.wording import Wording

UNITS = 100_000  # vectors are rounded to five decimals
CENTRING = 0.8  # how much of the common part is taken away
WORDS = 0.4  # weight of shared words against that of the centred cosine
PRIOR_MEAN = 20  # reports: the mean of fewer is trusted less
PRIOR_WORDS = 5


@dataclass(frozen=True)
class Features:
    """What an affinity is computed from. `vector` holds integers: the unit vector times UNITS."""

    vector: NDArray[np.float64]
    wording: Wording


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
    """What the reports of the open stories have in common: their mean vector and how many use a word."""

    def __init__(self, dimensions: int) -> None:
        self._sum = np.zeros(dimensions, np.float64)
        self._count = 0
        self._words: Counter[str] = Counter()

    def add(self, report: Features) -> None:
        self._sum += report.vector
        self._count += 1
        self._words.update(report.wording.words)

    def remove(self, report: Features) -> None:
        self._sum -= report.vector
        self._count -= 1
        for word in report.wording.words:
            self._words[word] -= 1
            if not self._words[word]:
                del self._words[word]

    def to(self, report: Features) -> Affinity:
        """Affinities to one report, as of now."""
        return Affinity(self, report)

    def centred(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Unit vectors, one to a row, of what the rows have beyond the common part."""
        rest = vectors - CENTRING * self._sum / (self._count + PRIOR_MEAN)
        return rest / np.linalg.norm(rest, axis=-1, keepdims=True)

    def weight(self, word: str) -> float:
        return math.log((self._count + 1 + PRIOR_WORDS) / (self._words[word] + 0.5))


class Affinity:
    """Affinities of open reports to one that is not among them."""

    def __init__(self, common: Common, report: Features) -> None:
        self._common = common
        self._vector = common.centred(report.vector)
        self._words = report.wording.words
        self._weight = self._total(self._words)

    def of(self, others: Sequence[Features]) -> list[float]:
        """For each of the others, -1..1, rounded to 5 decimals: weighted mean of centred cosine and overlap of words."""
        near = self._common.centred(np.stack([other.vector for other in others])) @ self._vector
        return [
            round((1 - WORDS) * float(n) + WORDS * self._overlap(other.wording.words), 5)
            for n, other in zip(near, others, strict=True)
        ]

    def _overlap(self, words: frozenset[str]) -> float:
        shared = words & self._words
        return self._total(shared) / math.sqrt(self._weight * self._total(words)) if shared else 0.0

    def _total(self, words: frozenset[str]) -> float:
        return math.fsum(map(self._common.weight, words))
