"""The theme: what all reports of a watch are near to, as one vector."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from schemas.watch import Watch
from transforms.embedding.model import embedder
from transforms.stories.affinity import UNITS

Theme = NDArray[np.float64]


@functools.lru_cache(maxsize=8)
def theme_of(watch: Watch, model: str = "") -> Theme:
    """Mean vector of the watch's description times UNITS, as integers. Raises ModelError if there is no model."""
    mean: Theme = np.rint(embedder(model).embed(watch.relevance.description).astype(np.float64).mean(axis=0) * UNITS)
    return mean
