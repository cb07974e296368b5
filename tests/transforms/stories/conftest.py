"""The tests of this folder fold vectors of their own: no sentence model is loaded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from transforms.embedding.model import DIMENSIONS


@pytest.fixture(autouse=True, scope="package")
def _no_theme() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("transforms.stories.fold.theme_of", lambda watch, model: np.zeros(DIMENSIONS))
        yield
