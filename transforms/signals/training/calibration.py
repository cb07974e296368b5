"""How sure a signal is: the reader's logits made into how often they are right, on lessons that it has not learned from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from transforms.signals.network import found_in
from transforms.signals.training.labels import Lesson
from transforms.signals.training.learning import Learner, batches

FLAT = 0.01  # F1 that a more precise threshold may cost
THRESHOLDS = [round(0.3 + 0.02 * i, 2) for i in range(21)]
DECIMALS = 3


def logits(learner: Learner, lessons: Sequence[Lesson], types: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(lessons, types): how strongly each passage says each type, and whether it does."""
    learner.eval()
    found, right = [], []
    for batch in batches(lessons):
        with torch.inference_mode():
            states = learner.states(batch.ids, batch.mask)
            _, said = learner.network.spans(states, batch.mask, found_in(batch.passages, types, batch.ids.shape[1]))
        found.append(said.double().numpy())
        right += [
            [kind in {label.stretch.type for label in lesson.labels} for kind in range(len(types))] for lesson in batch.lessons
        ]
    return np.concatenate(found), np.array(right)


def fitted(found: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset by which a logit says how often it is right (Platt 1999)."""
    model = LogisticRegression(C=100.0).fit(found.reshape(-1, 1), right.reshape(-1))
    return round(float(model.coef_[0][0]), DECIMALS), round(float(model.intercept_[0]), DECIMALS)


def threshold_of(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    """The least confidence of a signal that no good pattern found, and micro F1 of types with it.

    Of thresholds with nearly the same F1 the highest is taken: precision is worth more to who is alerted.
    """
    figures = {t: 2 * (right & (sure >= t)).sum() / (right.sum() + (sure >= t).sum()) for t in THRESHOLDS}
    threshold = max(t for t, f in figures.items() if f >= max(figures.values()) - FLAT)
    return threshold, float(figures[threshold])
