"""A mapping that keeps what was not used lately as bytes: a fold may hold a million stories, and uses few of them at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Shelf(MutableMapping[K, V]):
    """Values by key, in the order in which the keys came.

    pack, unpack  a value as bytes and back; the value that comes back equals the one that went in. Values are never
                  changed in place
    open_at_most  values that are held as they are
    """

    def __init__(self, pack: Callable[[V], bytes], unpack: Callable[[bytes], V], open_at_most: int) -> None:
        self._pack, self._unpack, self._open_at_most = pack, unpack, open_at_most
        self._packed: dict[K, bytes | None] = {}  # None: open, and not packed yet
        self._open: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._packed)

    def __iter__(self) -> Iterator[K]:
        return iter(self._packed)

    def __contains__(self, key: object) -> bool:
        return key in self._packed

    def __getitem__(self, key: K) -> V:
        if key in self._open:
            self._open.move_to_end(key)
            return self._open[key]
        packed = self._packed[key]
        assert packed is not None
        value = self._open[key] = self._unpack(packed)
        self._close_the_oldest()
        return value

    def __setitem__(self, key: K, value: V) -> None:
        self._packed[key] = None
        self._open[key] = value
        self._open.move_to_end(key)
        self._close_the_oldest()

    def __delitem__(self, key: K) -> None:
        del self._packed[key]
        self._open.pop(key, None)

    def packed(self) -> Iterator[bytes]:
        """All values as bytes, in order."""
        for key in self._packed:
            yield self._bytes_of(key)

    def fill(self, packed: Iterable[tuple[K, bytes]]) -> None:
        """Take in values that are packed already."""
        self._packed.update(packed)

    def _close_the_oldest(self) -> None:
        while len(self._open) > self._open_at_most:
            key = next(iter(self._open))
            self._bytes_of(key)
            del self._open[key]

    def _bytes_of(self, key: K) -> bytes:
        packed = self._packed[key]
        if packed is None:
            packed = self._packed[key] = self._pack(self._open[key])
        return packed
