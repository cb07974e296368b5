"""How near two reports are, beyond the subject that all reports of a watch share.

In a crisis every headline resembles every other. What tells developments apart is what is left when the common part is
taken away: most of each vector's component along the mean direction of the open reports is removed before the cosine is
taken, and a shared word counts the more the fewer open reports use it (inverse document frequency). Both follow the news
and need no training. Until there are enough open reports, the watch's description stands in for them.

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
CENTRING = 0.9  # how much of the component along the common direction is taken away
WORDS = 0.4  # weight of shared words against that of the centred cosine
PRIOR_MEAN = 20  # the description weighs as much as so many reports
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
    """What the reports of the open stories have in common: their mean vector and how many use a word.

    theme  mean vector of the watch's description times UNITS, as integers; zeros to begin without
    """

    def __init__(self, theme: NDArray[np.float64]) -> None:
        self._sum = PRIOR_MEAN * theme
        self._prior = PRIOR_MEAN if theme.any() else 0
        self._words: Counter[str] = Counter()
        self.count = 0

    def add(self, report: Features) -> None:
        self._sum += report.vector
        self.count += 1
        self._words.update(report.wording.words)

    def remove(self, report: Features) -> None:
        self._sum -= report.vector
        self.count -= 1
        for word in report.wording.words:
            self._words[word] -= 1
            if not self._words[word]:
                del self._words[word]

    def to(self, report: Features) -> Affinity:
        """Affinities to one report, as of now."""
        return Affinity(self, report)

    def centred(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Unit vectors, one to a row, of what the rows have beyond the common part."""
        length = np.linalg.norm(self._sum)
        if not length:
            return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
        direction = self._sum / length
        # The direction of few reports is that of a single story: without a description it counts for less.
        share = CENTRING * (self.count + self._prior) / (self.count + PRIOR_MEAN)
        rest = vectors - share * np.multiply.outer(vectors @ direction, direction)
        return rest / np.linalg.norm(rest, axis=-1, keepdims=True)

    def weight(self, word: str) -> float:
        return math.log((self.count + 1 + PRIOR_WORDS) / (self._words[word] + 0.5))


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
