"""Nearest vectors: an index over the members of open stories, in cells of neighbours.

    a vector goes to the cell with the nearest centre
    a full cell splits in two (2-means), and the vectors around go to the centres that are now the nearest to them
    a nearly empty cell is dissolved

    a question looks into the PROBES cells whose centres are nearest: into all, where there are no more

That is how SPFresh keeps an index fresh (Xu et al. 2023). So the cost of a question hardly grows with the members, and a
watch of some thousand gets exact answers (of 8 bits; the fold rescores them). Centres follow the news, in a watch on one
subject as well as on all, and are part of the state: after a restart the same questions get the same answers. All sums are
of whole numbers and so exact, ties go to the lower key.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from transforms.embedding.integers import BASE, product, stored

CELL = 96  # vectors at most in a cell: small cells find more for the same work
FEWEST = CELL // 16  # at least, but for a lone one
PROBES = 160  # recall and cost: benchmarks/folding.py
AROUND = 16  # cells that take part in a split
_ROUNDS = 4  # of 2-means
_CODE = 127
_QUESTION = 63 * BASE

Vector = NDArray[np.float64]
Codes = NDArray[np.int8]


class CellIndex:
    """Vectors by key, with `dimensions` numbers each."""

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._homes: dict[int, int] = {}  # cell by key
        self._cells = 0
        # By cell: its centre, as codes and what makes them a unit vector, and its vectors: a vector is its codes times its scale.
        self._centres = np.zeros((1, dimensions), np.int8)
        self._units = np.zeros(1, np.float32)
        self._counts = np.zeros(1, np.int32)
        self._codes = np.zeros((1, CELL, dimensions), np.int8)
        self._scales = np.zeros((1, CELL), np.float32)
        self._keys = np.full((1, CELL), -1, np.int64)

    def __len__(self) -> int:
        return len(self._homes)

    def add(self, key: int, vector: Vector) -> None:
        if key in self._homes:
            raise KeyError(f"{key} is in the index already")
        self._place(key, *_coded(vector))

    def remove(self, key: int) -> None:
        cell = self._homes.pop(key)
        self._take(cell, key)
        last = self._counts[cell]
        if not last or (last < FEWEST and self._cells > 1):
            self._dissolve(cell)

    def nearest(self, vector: Vector, k: int) -> list[int]:
        """Keys of the (about) `k` vectors nearest by inner product, in no particular order."""
        if not self._homes:
            return []
        # All cells are looked at where they lie; of more, the nearest are brought together.
        cells = slice(self._cells) if self._cells <= PROBES else self._nearest_cells(vector, PROBES)
        keys = self._keys[cells].ravel()
        held = np.flatnonzero(keys >= 0)
        keys = keys[held]
        if len(keys) <= k:
            return [int(key) for key in keys]
        products = _products(self._codes[cells].reshape(-1, self._dimensions), vector[None])[:, 0]
        similarity = products[held] * self._scales[cells].ravel()[held]
        least = np.partition(similarity, -k)[-k]
        above, at = keys[similarity > least], np.sort(keys[similarity == least])
        return [*map(int, above), *map(int, at[: k - len(above)])]

    def state(self) -> list[dict[str, str]]:
        """The cells, for JSON: everything that `restore` needs beside the vectors."""
        return [
            {"centre": _text(self._centres[cell]), "keys": _text(np.sort(self._keys[cell, : self._counts[cell]]).astype("<i8"))}
            for cell in range(self._cells)
        ]

    @classmethod
    def restore(cls, dimensions: int, state: Iterable[dict[str, Any]], vectors: Iterable[tuple[int, Vector]]) -> CellIndex:
        """The index whose `state` this is, with all of its vectors by key. Raises ValueError or KeyError if it is none."""
        index = cls(dimensions)
        homes: dict[int, int] = {}
        for record in state:
            centre = np.frombuffer(base64.b64decode(record["centre"]), np.int8)
            keys = np.frombuffer(base64.b64decode(record["keys"]), "<i8").tolist()
            if len(centre) != dimensions or len(keys) > CELL:
                raise ValueError(
                    f"a cell of {len(keys)} vectors of {len(centre)} numbers, not of {CELL} and {dimensions} at most"
                )
            homes.update(dict.fromkeys(keys, index._new(centre)))
        for key, vector in vectors:
            index._put(homes.pop(key), key, *_coded(vector))
        if homes:
            raise ValueError(f"{len(homes)} keys without a vector")
        return index

    def _nearest_cells(self, vector: NDArray[Any], count: int) -> NDArray[np.int64]:
        if self._cells <= count:
            return np.arange(self._cells)
        nearness = self._nearness(vector)
        least = np.partition(nearness, -count)[-count]
        above, at = np.flatnonzero(nearness > least), np.flatnonzero(nearness == least)
        return np.concatenate([above, at[: count - len(above)]])

    def _nearness(self, vector: NDArray[Any]) -> NDArray[np.float64]:
        """Of each centre, on a common scale."""
        products = _products(self._centres[: self._cells], vector[None])[:, 0]
        return np.multiply(products, self._units[: self._cells], dtype=np.float64)

    def _place(self, key: int, codes: Codes, scale: float) -> None:
        cell = int(np.argmax(self._nearness(codes))) if self._cells else self._new(codes)
        if self._counts[cell] == CELL:
            cell = self._split(cell, codes)
        self._put(cell, key, codes, scale)

    def _put(self, cell: int, key: int, codes: Codes, scale: float) -> None:
        row = self._counts[cell]
        self._codes[cell, row], self._scales[cell, row], self._keys[cell, row] = codes, scale, key
        self._counts[cell] += 1
        self._homes[key] = cell

    def _take(self, cell: int, key: int) -> tuple[Codes, float]:
        """A vector out of its cell. The last one takes its row."""
        last = self._counts[cell] - 1
        row = int(np.flatnonzero(self._keys[cell] == key)[0])
        taken = self._codes[cell, row].copy(), float(self._scales[cell, row])
        for column in (self._codes, self._scales, self._keys):
            column[cell, row] = column[cell, last]
        self._scales[cell, last], self._keys[cell, last] = 0, -1
        self._counts[cell] = last
        return taken

    def _new(self, centre: Codes) -> int:
        """An empty cell."""
        if self._cells == len(self._counts):
            for name in ("_centres", "_units", "_counts", "_codes", "_scales", "_keys"):
                column = getattr(self, name)
                setattr(self, name, np.concatenate([column, np.zeros_like(column)]))
            self._keys[self._cells :] = -1
        cell = self._cells
        self._cells += 1
        self._set_centre(cell, centre)
        return cell

    def _set_centre(self, cell: int, centre: Codes) -> None:
        wide = centre.astype(np.int64)
        self._centres[cell], self._units[cell] = centre, 1 / np.sqrt(wide @ wide)

    def _split(self, cell: int, codes: Codes) -> int:
        """Make two cells of one; the one in which a vector belongs."""
        order = np.argsort(self._keys[cell])
        members = [column[cell, order] for column in (self._keys, self._codes, self._scales)]
        first, second, nearer = _two_means(members[1])
        self._scales[cell], self._keys[cell], self._counts[cell] = 0, -1, 0
        self._set_centre(cell, first)
        other = self._new(second)
        for key, member, scale, near in zip(*members, nearer, strict=True):
            self._put(cell if near else other, int(key), member, scale)
        self._settle(cell)
        pair = np.array([cell, other])
        nearness = _products(self._centres[pair], codes[None])[:, 0] * self._units[pair]
        return int(pair[np.argmax(nearness)])

    def _settle(self, cell: int) -> None:
        """Vectors in and around a cell go to the nearest centre, the oldest first, where there is room."""
        around = np.sort(self._nearest_cells(self._centres[cell], AROUND))
        keys = self._keys[around].ravel()
        nearness = _products(self._codes[around].reshape(-1, self._dimensions), self._centres[around]) * self._units[around]
        nearest = around[nearness.argmax(1)]
        moved = np.flatnonzero((keys >= 0) & (nearest != np.repeat(around, CELL)))
        for n in moved[np.argsort(keys[moved])]:
            key, there = int(keys[n]), int(nearest[n])
            here = self._homes[key]
            if self._counts[there] < CELL * 3 // 4 and self._counts[here] > FEWEST:
                self._put(there, key, *self._take(here, key))

    def _dissolve(self, cell: int) -> None:
        """Give a cell's vectors to its neighbours: cells that run empty would be looked into for nothing."""
        count = int(self._counts[cell])
        order = np.argsort(self._keys[cell, :count])
        members = [column[cell, order] for column in (self._keys, self._codes, self._scales)]
        last = self._cells = self._cells - 1
        for column in (self._centres, self._units, self._counts, self._codes, self._scales, self._keys):
            column[cell] = column[last]
        for key in self._keys[cell, : self._counts[cell]].tolist():
            self._homes[key] = cell
        self._counts[last], self._scales[last], self._keys[last] = 0, 0, -1
        for key, codes, scale in zip(*members, strict=True):
            self._place(int(key), codes, scale)


def _products(rows: Codes, questions: NDArray[Any]) -> NDArray[np.int32]:
    """Products of rows of codes with each question (shape (questions, dimensions)), which is rounded to 14 bits.

    A question's codes are two digits, as in integers.py: 128 high + low.
    """
    largest = np.abs(questions).max(axis=1, keepdims=True).clip(1e-30)
    whole = np.rint(questions * (_QUESTION / largest))
    high = np.rint(whole / BASE)
    low = whole - BASE * high
    side = torch.from_numpy(rows)
    if len(questions) > 1:
        digits = np.concatenate([high, low]).astype(np.int8)
        products = product(side, stored(torch.from_numpy(digits))).numpy()
        found: NDArray[np.int32] = BASE * products[:, : len(questions)] + products[:, len(questions) :]
        return found
    # A matrix by one column is several times cheaper than by two.
    first, second = (product(side, stored(torch.from_numpy(d.astype(np.int8)))).numpy() for d in (high, low))
    first *= BASE
    first += second
    return first


def _two_means(codes: Codes) -> tuple[Codes, Codes, NDArray[np.bool_]]:
    """Two centres, and whether a vector is nearer to the first. It begins with the two vectors that lie farthest apart."""
    values = codes.astype(np.float64)
    farthest = values[int(np.argmin(values @ values.sum(0)))]
    first, second = farthest, values[int(np.argmin(values @ farthest))]
    for _ in range(_ROUNDS):
        # Unit vectors to so few digits that the sums below are exact.
        margin = values @ (np.rint(1024 * _unit(first)) - np.rint(1024 * _unit(second)))
        nearer = margin >= 0
        if not 2 * FEWEST <= nearer.sum() <= len(values) - 2 * FEWEST:  # few strangers, or all the same
            nearer = np.argsort(np.argsort(-margin, kind="stable")) < len(values) // 2
        first, second = values[nearer].sum(0), values[~nearer].sum(0)
    return _coded(first)[0], _coded(second)[0], nearer


def _coded(vector: Vector) -> tuple[Codes, float]:
    """A vector's numbers in 8 bits, and what one unit of them is worth."""
    largest = float(np.abs(vector).max()) or 1.0
    return np.rint(vector * (_CODE / largest)).astype(np.int8), largest / _CODE


def _unit(vector: Vector) -> Vector:
    length = np.sqrt(vector @ vector)
    return vector / length if length else vector


def _text(column: NDArray[Any]) -> str:
    return base64.b64encode(column.tobytes()).decode("ascii")
