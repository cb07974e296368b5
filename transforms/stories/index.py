"""Nearest vectors: an index over the members of open stories.

The fold rescores what an index proposes with exact arithmetic, so an index may be approximate, and another one may take
the place of this one as long as it finds near neighbours.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]


class Index(Protocol):
    """Vectors by key."""

    def add(self, key: int, vector: Vector) -> None: ...

    def remove(self, key: int) -> None: ...

    def nearest(self, vector: Vector, k: int) -> list[int]:
        """Keys of the (about) `k` vectors nearest by inner product, in no particular order."""
        ...


class BruteForceIndex:
    """All vectors in one matrix; a removed one leaves its row to the next."""

    def __init__(self, dimensions: int) -> None:
        self._matrix = np.zeros((64, dimensions), np.float32)
        self._keys = np.full(64, -1, np.int64)
        self._rows: dict[int, int] = {}
        self._free: list[int] = []
        self._used = 0

    def add(self, key: int, vector: Vector) -> None:
        if key in self._rows:
            raise KeyError(f"{key} is in the index already")
        if self._free:
            row = self._free.pop()
        else:
            row, self._used = self._used, self._used + 1
            if row == len(self._matrix):
                self._matrix = np.vstack([self._matrix, np.zeros_like(self._matrix)])
                self._keys = np.concatenate([self._keys, np.full_like(self._keys, -1)])
        self._matrix[row], self._keys[row], self._rows[key] = vector, key, row

    def remove(self, key: int) -> None:
        row = self._rows.pop(key)
        self._matrix[row], self._keys[row] = 0, -1
        self._free.append(row)

    def nearest(self, vector: Vector, k: int) -> list[int]:
        if not self._rows:
            return []
        keys = self._keys[: self._used]
        similarity = np.where(keys >= 0, self._matrix[: self._used] @ vector, -np.inf)
        if len(keys) > k:
            chosen = np.argpartition(-similarity, k - 1)[:k]
            return [int(key) for key in keys[chosen] if key >= 0]
        return [int(key) for key in keys if key >= 0]
