"""Moving what SQLite's write-ahead log has gathered into the file, without making the event loop wait for the disk."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path

CHECKPOINT_BYTES, CHECKPOINT_ROWS = 16 * 1024 * 1024, 10_000  # written before a checkpoint is due, whichever is first
JOURNAL_BYTES = 16 * 1024 * 1024  # what is left of the log's file when it begins anew
WAL_BYTES = 128 * 1024 * 1024  # a log that long is ended by the writer itself: it would never meet a pause under load


class Checkpointer:
    """Moves what the WAL has gathered into the file, on a thread and a connection of its own: it waits for the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wal = path.with_name(f"{path.name}-wal")
        self._due = threading.Event()
        self._ended = False
        self._bytes, self._rows = 0, 0  # written since the last one was due, and rows changed until then
        self._one = threading.Lock()  # a second checkpoint at the same time would do nothing
        self._thread = threading.Thread(target=self._run, name="localpubsub-checkpoints", daemon=True)
        self._thread.start()

    def wrote(self, added: int, writer: sqlite3.Connection) -> None:
        """The writer has committed bodies of so many bytes, and what else it did: a checkpoint begins if it is due.

        If the writer is so busy that the log never comes to an end, the writer makes one itself, and waits for it.
        """
        self._bytes += added
        if self._bytes < CHECKPOINT_BYTES and writer.total_changes < self._rows + CHECKPOINT_ROWS:
            return
        self._bytes, self._rows = 0, writer.total_changes
        if self._wal.stat().st_size < WAL_BYTES:
            self._due.set()
            return
        with self._one:
            writer.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def stop(self) -> None:
        """Returns once nothing runs any more."""
        self._ended = True
        self._due.set()
        self._thread.join()

    def _run(self) -> None:
        with contextlib.closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as sql:
            while True:
                self._due.wait()
                self._due.clear()
                if self._ended:
                    return
                # A checkpoint that fails (a full disk, say) loses nothing: the WAL keeps it, and the next commit will fail too.
                with contextlib.suppress(sqlite3.OperationalError), self._one:
                    sql.execute("PRAGMA wal_checkpoint(PASSIVE)")
