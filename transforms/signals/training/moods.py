"""What is learned of modalities: a softmax over the features of mood.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from transforms.embedding.model import Vectors
from transforms.signals.modality import modality
from transforms.signals.mood import VECTOR_SCALE, Mood, features
from transforms.signals.rules import Rules
from transforms.signals.training.labels import Saying

FOLDS = 5
PENALTY = 0.3  # scikit-learn's C
FEWEST = 2  # signals that must have a feature
LEAST_WEIGHT = 0.05  # a feature that weighs less for every modality is left out
DECIMALS = 3


def learned_moods(said: Sequence[Saying], names: Sequence[set[str]], vectors: Vectors) -> Mood:
    """The weights. `names` and `vectors`: features and sentence vector of each signal."""
    counted = Counter(name for each in names for name in each)
    known = {name: i for i, name in enumerate(sorted(n for n, count in counted.items() if count >= FEWEST))}
    table = sparse.lil_matrix((len(said), len(known)), dtype=np.float32)
    for i, each in enumerate(names):
        for name in each & known.keys():
            table[i, known[name]] = 1
    model = LogisticRegression(C=PENALTY, max_iter=400)
    model.fit(sparse.hstack([table, sparse.csr_matrix(VECTOR_SCALE * vectors)]).tocsr(), [s.modality for s in said])
    weights = model.coef_.astype(np.float32)
    heavy = [name for name, i in known.items() if np.abs(weights[:, i]).max() >= LEAST_WEIGHT]
    return Mood(
        modalities=tuple(map(str, model.classes_)),
        features={name: i for i, name in enumerate(heavy)},
        vectors=weights[:, len(known) :].round(DECIMALS),
        weights=weights[:, [known[name] for name in heavy]].round(DECIMALS),
        bias=model.intercept_.astype(np.float32).round(DECIMALS),
    )


def accuracy(said: Sequence[Saying], names: Sequence[set[str]], vectors: Vectors, rules: Rules) -> float:
    """Share of right modalities, each decided by weights that have not seen the signal's entry, or by cues."""
    right = 0
    for fold in range(FOLDS):
        seen = [i for i, s in enumerate(said) if s.entry % FOLDS != fold]
        mood = learned_moods([said[i] for i in seen], [names[i] for i in seen], vectors[seen])
        unseen = (i for i, s in enumerate(said) if s.entry % FOLDS == fold)
        decided = ((said[i], mood.of(names[i], vectors[i])) for i in unseen)
        right += sum((how or modality(s.hit, rules, s.year)) == s.modality for s, how in decided)
    return right / len(said)


def features_of(said: Sequence[Saying], rules: Rules) -> list[set[str]]:
    """The features of each signal."""
    return [features(s.hit, rules, s.year) for s in said]
