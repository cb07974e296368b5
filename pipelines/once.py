"""Each id once: the memory that turns "at least once" into one line for each alert."""

from __future__ import annotations

import fcntl
import os
from collections import OrderedDict
from pathlib import Path
from typing import IO

REMEMBERED = 100_000
"""Ids: months of alerts, and 10 MB of memory. Pub/Sub keeps a message 31 days at the most."""


class Once:
    """Remembers the last ids that it was given, as many as `size`, for as long as the process lives."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._size = size

    def __contains__(self, id_: str) -> bool:
        return id_ in self._ids

    def add(self, id_: str) -> None:
        self._ids[id_] = None
        self._ids.move_to_end(id_)
        if len(self._ids) > self._size:
            self._ids.popitem(last=False)

    def close(self) -> None:
        """Nothing more will be added."""


class OnceFile(Once):
    """The same in a file, an id to a line: it survives the process, however that ends (a loss of power aside).

    The file never holds more than twice `size` lines. Raises BlockingIOError if another process has it.
    """

    def __init__(self, path: Path, size: int = REMEMBERED) -> None:
        super().__init__(size)
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = path.with_name(f"{path.name}.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise
        if path.exists():
            *whole, _ = path.read_text(encoding="utf-8", errors="replace").split("\n")  # the last may be half a line
            for id_ in whole:
                super().add(id_)
        self._file = self._rewritten()

    def add(self, id_: str) -> None:
        super().add(id_)
        self._file.write(f"{id_}\n")
        self._file.flush()
        self._lines += 1
        if self._lines > 2 * self._size:
            self._file.close()
            self._file = self._rewritten()

    def close(self) -> None:
        self._file.close()
        self._lock.close()

    def _rewritten(self) -> IO[str]:
        """The file with what is remembered and nothing else, open at its end."""
        new = self._path.with_name(f"{self._path.name}.new")
        new.write_text("".join(f"{id_}\n" for id_ in self._ids), encoding="utf-8")
        os.replace(new, self._path)
        self._lines = len(self._ids)
        return self._path.open("a", encoding="utf-8")
