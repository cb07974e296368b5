"""A directory for one process alone."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from localpubsub.errors import StoreError


def lock_of(directory: Path) -> IO[str]:
    """The lock of the directory, which is made if it is missing; it ends with the process, however that ends.

    Raises StoreError if another process has it, or the directory can't be used.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = (directory / "lock").open("a+")
    except OSError as error:
        raise StoreError(f"{directory} cannot be used as a store: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        owner = lock.read().strip()
        lock.close()
        raise StoreError(
            f"{directory} is in use by another server (process {owner}): stop it, or choose another directory"
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock
