"""The head: what a sentence vector and the words of a unit say of each type of signal. A logistic regression for each type.

    probability of type t  =  logistic(vector . V[t]  +  sum of W[t] over the unit's words and pairs  +  bias[t])
    confidence             =  logistic(A * logit(probability)  +  B * (confidence of the pattern that matched, else 0)  +  C)

The weights come from transforms/signals/training.py, which learns them from watches/shared/examples and stores them with the
hash of what they were learned from. They are plain arrays: nothing but numpy is needed to use them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from transforms.embedding.model import Vectors
from transforms.signals.mood import Mood
from transforms.signals.units import Unit, grams

FILE = "head.npz"
VECTOR_SCALE = 4.0
"""What a unit vector is multiplied by: it then weighs as much as the words do (best of 2..8 by cross-validation)."""
DECIMALS = 3
"""Of probabilities: a decision must not hang on the last bits of a vector."""


@dataclass(frozen=True)
class Head:
    """Learned weights.

    types         names of the types, in the order of the rows
    words         word or pair -> column of `word_weights`
    vectors       (types, dimensions of the sentence model)
    word_weights  (types, words)
    bias          (types,)
    calibration   A, B and C of the confidence
    threshold     least confidence of a signal
    mood          what is learned of modalities
    learned_from  SHA-256 of the examples
    """

    types: tuple[str, ...]
    words: dict[str, int]
    vectors: NDArray[np.float32]
    word_weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    calibration: tuple[float, float, float]
    threshold: float
    mood: Mood
    learned_from: str

    def probabilities(self, vectors: Vectors, said: Sequence[Unit]) -> NDArray[np.float64]:
        """How likely each unit says something of each type: (units, types), without looking at patterns."""
        z = VECTOR_SCALE * (vectors @ self.vectors.T) + self.bias
        for row, unit in enumerate(said):
            z[row] += self.word_weights[:, self._columns(grams(unit.words()))].sum(axis=1)
        return np.round(1 / (1 + np.exp(-np.clip(z.astype(np.float64), -30, 30))), DECIMALS)

    def confidence(self, probability: float, pattern: float) -> float:
        """How sure a signal is: `probability` by meaning, `pattern` the confidence of the pattern that matched, 0 if none did."""
        a, b, c = self.calibration
        p = min(1 - 10**-DECIMALS, max(10**-DECIMALS, probability))
        return round(float(1 / (1 + np.exp(-(a * np.log(p / (1 - p)) + b * pattern + c)))), 2)

    def weights_of(self, kind: str, words: list[str]) -> list[float]:
        """What each word adds to a type, a pair half to each of its words: where in a unit the type is said."""
        row = self.word_weights[self.types.index(kind)]
        out = [float(row[self.words[w]]) if w in self.words else 0.0 for w in words]
        for i, pair in enumerate(pairwise(words)):
            column = self.words.get(" ".join(pair))
            if column is not None:
                out[i] += float(row[column]) / 2
                out[i + 1] += float(row[column]) / 2
        return out

    def _columns(self, features: Iterable[str]) -> list[int]:
        return sorted({self.words[f] for f in features if f in self.words})

    def save(self, path: Path) -> None:
        """Write the weights; the same weights give the same bytes."""
        np.savez_compressed(
            path,
            types=np.array(self.types),
            words=np.array(sorted(self.words, key=self.words.__getitem__)),
            vectors=self.vectors,
            word_weights=self.word_weights,
            bias=self.bias,
            calibration=np.array(self.calibration),
            threshold=np.array(self.threshold),
            modalities=np.array(self.mood.modalities),
            features=np.array(sorted(self.mood.features, key=self.mood.features.__getitem__)),
            mood_vectors=self.mood.vectors,
            mood_weights=self.mood.weights,
            mood_bias=self.mood.bias,
            learned_from=np.array(self.learned_from),
        )


def load(path: Path) -> Head:
    """The head that `save` wrote. Raises OSError or ValueError if there is none."""
    with np.load(path, allow_pickle=False) as f:
        a, b, c = map(float, f["calibration"])
        return Head(
            types=tuple(map(str, f["types"])),
            words={str(word): i for i, word in enumerate(f["words"])},
            vectors=f["vectors"].astype(np.float32),
            word_weights=f["word_weights"].astype(np.float32),
            bias=f["bias"].astype(np.float32),
            calibration=(a, b, c),
            threshold=float(f["threshold"]),
            mood=Mood(
                modalities=tuple(map(str, f["modalities"])),
                features={str(name): i for i, name in enumerate(f["features"])},
                vectors=f["mood_vectors"].astype(np.float32),
                weights=f["mood_weights"].astype(np.float32),
                bias=f["mood_bias"].astype(np.float32),
            ),
            learned_from=str(f["learned_from"]),
        )


@functools.cache
def shipped() -> Head:
    """The head that comes with the package, read once per process."""
    with resources.as_file(resources.files("transforms.signals") / FILE) as path:
        return load(path)
