"""The brute-force index against sorting everything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.stories.index import BruteForceIndex


def unit(seed: int) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=16).astype(np.float32)
    return vector / np.linalg.norm(vector)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 150)), max_size=200), st.integers(1, 12))
def test_it_finds_the_nearest_of_those_that_are_there(steps: list[tuple[bool, int]], k: int) -> None:
    index, there = BruteForceIndex(16), set()
    for add, key in steps:
        if add and key not in there:
            index.add(key, unit(key))
            there.add(key)
        elif not add and key in there:
            index.remove(key)
            there.remove(key)
    query = unit(1_000)
    expected = sorted(there, key=lambda key: -float(unit(key) @ query))[:k]
    found = index.nearest(query, k)
    assert set(expected) <= set(found) <= there


def test_a_key_is_added_once_and_removed_once() -> None:
    index = BruteForceIndex(16)
    index.add(1, unit(1))
    with pytest.raises(KeyError):
        index.add(1, unit(2))
    index.remove(1)
    with pytest.raises(KeyError):
        index.remove(1)
    assert index.nearest(unit(1), 5) == []
