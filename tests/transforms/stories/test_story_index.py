"""The index: exact while it is small, near to exact when it is large, and the same after a restore."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.stories import index as module
from transforms.stories.index import CellIndex

DIMENSIONS = 16


def vector(seed: int) -> np.ndarray:
    """A unit vector of 16 numbers: one of 40 subjects, and something of its own."""
    subject = np.random.default_rng(seed % 40).normal(size=DIMENSIONS)
    own = subject + 0.3 * np.random.default_rng(1_000 + seed).normal(size=DIMENSIONS)
    return np.rint(100_000 * own / np.linalg.norm(own))


def nearest_of_all(keys: set[int], question: np.ndarray, k: int) -> list[int]:
    return sorted(keys, key=lambda key: -float(vector(key) @ question))[:k]


STEPS = st.lists(st.tuples(st.sampled_from(["add", "add", "add", "remove", "restore"]), st.integers(0, 400)), max_size=300)


@pytest.fixture
def small_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that few vectors make many cells."""
    monkeypatch.setattr(module, "CELL", 16)
    monkeypatch.setattr(module, "FEWEST", 2)
    monkeypatch.setattr(module, "PROBES", 6)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(1, 12))
def test_a_restored_index_gives_the_same_answers_for_ever(steps: list[tuple[str, int]], k: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("CELL", 16), ("FEWEST", 2), ("PROBES", 4)):
            patch.setattr(module, name, value)
        undisturbed, restored = CellIndex(DIMENSIONS), CellIndex(DIMENSIONS)
        there: set[int] = set()
        for step, key in steps:
            if step == "restore":
                restored = CellIndex.restore(DIMENSIONS, restored.state(), [(key, vector(key)) for key in sorted(there)])
            elif step == "add" and key not in there:
                there.add(key)
                undisturbed.add(key, vector(key))
                restored.add(key, vector(key))
            elif step == "remove" and key in there:
                there.remove(key)
                undisturbed.remove(key)
                restored.remove(key)
            found = undisturbed.nearest(vector(key + 7), k)
            assert sorted(restored.nearest(vector(key + 7), k)) == sorted(found)
            assert set(found) <= there
            assert len(found) == min(k, len(there))
        assert restored.state() == undisturbed.state()


def test_while_it_is_small_it_finds_the_nearest_of_all() -> None:
    index, there = CellIndex(DIMENSIONS), set(range(900))
    for key in there:
        index.add(key, vector(key))
    for key in range(0, 900, 3):
        index.remove(key)
        there.remove(key)
    for question in map(vector, range(2_000, 2_020)):
        found = index.nearest(question, 10)
        assert len(set(found) & set(nearest_of_all(there, question, 10))) >= 9, "but for the last of 8 bits"


@pytest.mark.usefixtures("small_cells")
def test_when_it_is_large_it_finds_nearly_all_while_looking_at_few() -> None:
    index, there = CellIndex(DIMENSIONS), set(range(800))
    for key in there:
        index.add(key, vector(key))
    hits = [
        len(set(index.nearest(question, 5)) & set(nearest_of_all(there, question, 5)))
        for question in map(vector, range(2_000, 2_040))
    ]
    assert sum(hits) / (5 * len(hits)) > 0.85
    assert len(index.state()) > 50 > 6


@pytest.mark.usefixtures("small_cells")
def test_cells_that_run_empty_are_dissolved() -> None:
    index = CellIndex(DIMENSIONS)
    for key in range(600):
        index.add(key, vector(key))
    cells = len(index.state())
    for key in range(590):
        index.remove(key)
    assert cells > 30
    assert len(index.state()) <= 5
    assert sorted(index.nearest(vector(0), 20)) == list(range(590, 600))


@pytest.mark.usefixtures("small_cells")
def test_many_vectors_that_are_all_the_same_share_cells_and_the_oldest_are_found() -> None:
    index = CellIndex(DIMENSIONS)
    for key in range(40):
        index.add(key, vector(0))
    assert sorted(index.nearest(vector(0), 5)) == [0, 1, 2, 3, 4]


def test_a_key_is_added_once_and_removed_once() -> None:
    index = CellIndex(DIMENSIONS)
    index.add(1, vector(1))
    with pytest.raises(KeyError):
        index.add(1, vector(2))
    index.remove(1)
    with pytest.raises(KeyError):
        index.remove(1)
    assert index.nearest(vector(1), 5) == []


def test_a_state_of_another_size_is_refused() -> None:
    index = CellIndex(DIMENSIONS)
    index.add(1, vector(1))
    with pytest.raises(ValueError, match="16 numbers, not of 96 and 8"):
        CellIndex.restore(8, index.state(), [])
    with pytest.raises(ValueError, match="1 keys without a vector"):
        CellIndex.restore(DIMENSIONS, index.state(), [])
    with pytest.raises(KeyError):
        CellIndex.restore(DIMENSIONS, index.state(), [(2, vector(2))])
