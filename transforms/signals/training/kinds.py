"""What is learned of types: the weights, how sure they make a signal, and from what confidence on it is one.

Calibration and threshold come from cross-validation: no entry is judged by weights that learned from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from transforms.embedding.model import Vectors
from transforms.signals.head import VECTOR_SCALE, Head
from transforms.signals.mood import Mood
from transforms.signals.training.labels import Example
from transforms.signals.units import grams

FOLDS = 5
PENALTY = 3.0  # scikit-learn's C, best of 0.5, 1, 3 by cross-validation
FEWEST = 2  # units that a word or pair must stand in
LEAST_WEIGHT = 0.1  # a word that weighs less for every type is left out
DECIMALS = 3
FLAT = 0.015  # F1 that a more precise threshold may cost
THRESHOLDS = [round(0.3 + 0.02 * i, 2) for i in range(21)]


def weighed(learned: Sequence[Example], vectors: Vectors, types: Sequence[str]) -> Head:
    """A head that knows types only, not yet calibrated. `vectors`: one row for each example."""
    counted = Counter(gram for example in learned for gram in set(grams(example.unit.words())))
    words = {gram: i for i, gram in enumerate(sorted(g for g, n in counted.items() if n >= FEWEST))}
    table = sparse.lil_matrix((len(learned), len(words)), dtype=np.float32)
    for i, example in enumerate(learned):
        for gram in set(grams(example.unit.words())) & words.keys():
            table[i, words[gram]] = 1
    features = sparse.hstack([table, sparse.csr_matrix(VECTOR_SCALE * vectors)]).tocsr()
    weights = np.zeros((len(types), features.shape[1]), np.float32)
    bias = np.full(len(types), -30, np.float32)
    for row, kind in enumerate(types):
        told = np.array([kind not in example.unsure for example in learned])
        says = np.array([kind in example.says for example in learned])
        if says[told].sum() >= FEWEST:
            model = LogisticRegression(C=PENALTY, solver="liblinear", max_iter=300).fit(features[told], says[told])
            weights[row], bias[row] = model.coef_[0], model.intercept_[0]
    heavy = [gram for gram, i in words.items() if np.abs(weights[:, i]).max() >= LEAST_WEIGHT]
    return Head(
        types=tuple(types),
        words={gram: i for i, gram in enumerate(heavy)},
        vectors=weights[:, len(words) :].round(DECIMALS),
        word_weights=weights[:, [words[gram] for gram in heavy]].round(DECIMALS),
        bias=bias.round(DECIMALS),
        calibration=(1.0, 0.0, 0.0),
        threshold=0.5,
        mood=Mood((), {}, *(np.zeros((0, 0), np.float32) for _ in range(3))),
        learned_from="",
    )


def cross_validated(learned: Sequence[Example], vectors: Vectors, types: Sequence[str]) -> NDArray[np.float64]:
    """Probabilities (examples, types), each by a head that has not seen the example's entry."""
    out = np.zeros((len(learned), len(types)))
    fold = np.array([example.entry % FOLDS for example in learned])
    for k in range(FOLDS):
        seen, unseen = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        head = weighed([learned[i] for i in seen.tolist()], vectors[seen], types)
        out[unseen] = head.probabilities(vectors[unseen], [learned[i].unit for i in unseen.tolist()])
    return out


def calibrated(head: Head, learned: Sequence[Example], probabilities: NDArray[np.float64]) -> Head:
    """The head with its confidence fitted to how often signals are right, and a threshold.

    Of thresholds with nearly the same F1 of types the highest is taken: precision is worth more to who is alerted.
    """
    cases = _cases(head, learned, probabilities)
    x = np.array([[_logit(p), pattern] for p, pattern, _, _ in cases])
    y = np.array([right for _, _, right, _ in cases])
    model = LogisticRegression(C=100.0).fit(x, y)
    a, b, c = (round(float(x), DECIMALS) for x in (*model.coef_[0], model.intercept_[0]))
    head = replace(head, calibration=(a, b, c))
    figures = {t: figure(head, learned, probabilities, t) for t in THRESHOLDS}
    return replace(head, threshold=max(t for t, f in figures.items() if f >= max(figures.values()) - FLAT))


def _cases(head: Head, learned: Sequence[Example], probabilities: NDArray[np.float64]) -> list[tuple[float, float, bool, int]]:
    """(probability, pattern, right, entry) of each line and type that could be told."""
    out = []
    for rows_of_line in _by_line(learned):
        first = learned[rows_of_line[0]]
        for column, kind in enumerate(head.types):
            if kind in first.says or kind not in first.unsure:
                p = float(probabilities[rows_of_line, column].max())
                out.append((p, first.patterns.get(kind, 0.0), kind in first.says, first.entry))
    return out


def _by_line(learned: Sequence[Example]) -> list[list[int]]:
    """The examples of each line that confidence is fitted to."""
    groups: dict[int, list[int]] = {}
    for i, example in enumerate(learned):
        if example.judged:
            groups.setdefault(example.line, []).append(i)
    return list(groups.values())


def _logit(p: float) -> float:
    p = min(0.999, max(0.001, p))
    return float(np.log(p / (1 - p)))


def figure(head: Head, learned: Sequence[Example], probabilities: NDArray[np.float64], threshold: float) -> float:
    """Micro F1 of the types of entries at a threshold."""
    labelled: dict[int, set[str]] = {}
    found: dict[int, set[str]] = {}
    for rows_of_line in _by_line(learned):
        first = learned[rows_of_line[0]]
        labelled.setdefault(first.entry, set()).update(first.says)
        for column, kind in enumerate(head.types):
            p = float(probabilities[rows_of_line, column].max())
            if head.confidence(p, first.patterns.get(kind, 0.0)) >= threshold:
                found.setdefault(first.entry, set()).add(kind)
    right = sum(len(kinds & found.get(entry, set())) for entry, kinds in labelled.items())
    return 2 * right / max(1, sum(map(len, labelled.values())) + sum(map(len, found.values())))
