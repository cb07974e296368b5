"""The log: everything that must outlive the process, in one SQLite file, or in memory with nothing to outlive.

    topics ──► messages ──► bodies        a message once, whoever is owed it
                  ▲
                owed ◄── subscriptions, snapshots       one row for each message that a holder has not let go

What the broker does is buffered and written by `commit` in one transaction, so that a thousand messages cost one. Nothing
may leave the server before what it rests on is committed: service.py waits for that, `GroupCommit` arranges it.

The file is in WAL mode. With `synchronous=NORMAL` a commit reaches the operating system, which is what survives a kill of
the process at any moment; a loss of power may take the last commits before the next checkpoint (never the integrity of the
file). `sync=True` waits for the disk at each commit (`synchronous=FULL`). Source: https://sqlite.org/pragma.html and wal.html.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

VERSION = 1  # of the tables below
CHECKPOINT_BYTES = 16 * 1024 * 1024  # written before a checkpoint is due
WAL_BYTES = 128 * 1024 * 1024  # a log that long is ended by the writer itself: it would never meet a pause under load
READ_CACHE_KB = 32 * 1024

_TABLES = """
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE topics (id INTEGER PRIMARY KEY, settings BLOB);  -- no settings: deleted, but its messages are still owed
CREATE TABLE messages (
    topic INTEGER NOT NULL, position INTEGER NOT NULL, published INTEGER NOT NULL, size INTEGER NOT NULL, key TEXT NOT NULL,
    PRIMARY KEY (topic, position)
) WITHOUT ROWID;
CREATE TABLE bodies (position INTEGER PRIMARY KEY, raw BLOB NOT NULL);
CREATE TABLE subscriptions (
    id INTEGER PRIMARY KEY, topic INTEGER NOT NULL, since INTEGER NOT NULL, epoch TEXT NOT NULL, settings BLOB NOT NULL
);
CREATE TABLE snapshots (id INTEGER PRIMARY KEY, topic INTEGER NOT NULL, since INTEGER NOT NULL, settings BLOB NOT NULL);
CREATE TABLE owed (
    holder INTEGER NOT NULL, position INTEGER NOT NULL, failures INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (holder, position)
) WITHOUT ROWID;
CREATE TABLE policies (id INTEGER PRIMARY KEY, policy BLOB NOT NULL);  -- of the topic, subscription or snapshot of that id
CREATE TABLE schemas (number INTEGER PRIMARY KEY, revision BLOB NOT NULL);
"""


class StoreError(OSError):
    """The store can't be opened: another server has it, it is of another version, or it is no store."""


class Row(NamedTuple):
    """A message without its body. `published` is in microseconds since the epoch, `size` in bytes."""

    position: int
    published: int
    size: int
    key: str


class Store:
    """The tables, in `directory`/pubsub.db, or in memory if it is None. Of one thread.

    `fresh` empties it first. `on_change` is called at the first change after each commit. Raises StoreError if the
    directory can't be used.
    """

    def __init__(self, directory: Path | None = None, sync: bool = False, fresh: bool = False) -> None:
        self.directory = directory
        self.on_change: Callable[[], None] = lambda: None
        self.dirty = False
        self._writes = Writes()
        self._unchecked = 0
        self._lock = _lock(directory) if directory else None
        path = directory / "pubsub.db" if directory else None
        try:
            if directory and fresh:
                for old in directory.glob("pubsub.db*"):
                    old.unlink()
            self._sql = _open(path, sync)
        except BaseException:
            self._unlock()
            raise
        self._checkpointer = Checkpointer(path) if path else None
        self._wal = directory / "pubsub.db-wal" if directory else None

    # What is written often is buffered ...

    def add(self, topic: int, row: Row, raw: bytes) -> None:
        """A message of a topic, with its body."""
        self._writes.messages.append((topic, *row))
        self._writes.bodies.append((row.position, raw))
        self._unchecked += len(raw)
        self._changed()

    def owe(self, holder: int, positions: Iterable[int]) -> None:
        """The subscription or snapshot holds the messages from now on."""
        self._writes.owed.extend((holder, position) for position in positions)
        self._changed()

    def failed(self, holder: int, position: int, failures: int) -> None:
        """The message has come back so often from the subscription's consumers."""
        self._writes.failures.append((failures, holder, position))
        self._changed()

    def finish(self, holder: int, position: int) -> None:
        """The holder lets the message go."""
        self._writes.finished.append((holder, position))
        self._changed()

    def forget(self, topic: int, position: int) -> None:
        """Nobody needs the message any more."""
        self._writes.forgotten.append((topic, position))
        self._changed()

    def count(self, name: str, value: int) -> None:
        """A counter that must never go back."""
        self._writes.counters[name] = value
        self._changed()

    # ... and what is written seldom goes through at once, into the same transaction.

    def put(self, table: str, id_: int, **columns: Any) -> None:
        """A row of `topics`, `subscriptions`, `snapshots`, `policies` or `schemas`, new or in place of the one of this id."""
        key = "number" if table == "schemas" else "id"
        names, marks = ", ".join([key, *columns]), ", ".join("?" * (len(columns) + 1))
        self._execute(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", (id_, *columns.values()))

    def drop(self, table: str, id_: int) -> None:
        """Removes such a row, and what it held."""
        self._execute(f"DELETE FROM {table} WHERE {'number' if table == 'schemas' else 'id'} = ?", (id_,))
        if table != "schemas":
            self._execute("DELETE FROM policies WHERE id = ?", (id_,))
        if table in ("subscriptions", "snapshots"):
            self._execute("DELETE FROM owed WHERE holder = ?", (id_,))

    def replace_owed(self, holder: int, positions: Iterable[int]) -> None:
        """The holder holds these and nothing else: what a seek does."""
        self._execute("DELETE FROM owed WHERE holder = ?", (holder,))
        self.owe(holder, positions)

    def commit(self) -> None:
        """Makes all of it durable. Raises sqlite3.Error if it can't: then nothing of it is."""
        if not self.dirty:
            return
        self._flush()
        self._sql.execute("COMMIT")
        self.dirty = False
        if self._checkpointer and self._unchecked > CHECKPOINT_BYTES:
            self._unchecked = 0
            self._checkpointer.checkpoint(self._sql)

    def close(self) -> None:
        """Commits, leaves one tidy file, and lets another server have the directory."""
        try:
            self.commit()
            if self._checkpointer:
                self._checkpointer.stop()
                self._sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._sql.close()
            self._unlock()

    # Reading sees what is buffered.

    def raw(self, position: int) -> bytes:
        """The body of a message, a serialized PubsubMessage."""
        if self._writes.bodies:
            self._flush()
        raw: bytes = self._sql.execute("SELECT raw FROM bodies WHERE position = ?", (position,)).fetchone()[0]
        return raw

    def counters(self) -> dict[str, int]:
        """All counters by name."""
        return dict(self._sql.execute("SELECT name, value FROM counters"))

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """All rows of such a table, by id."""
        return self._sql.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()

    def owed(self, holder: int, topic: int) -> Iterator[tuple[Row, int]]:
        """What the holder holds, in publish order, each with its failures."""
        self._flush()
        found = self._sql.execute(
            "SELECT m.position, m.published, m.size, m.key, o.failures FROM owed o "
            "JOIN messages m ON m.topic = ? AND m.position = o.position WHERE o.holder = ? ORDER BY o.position",
            (topic, holder),
        )
        for *row, failures in found:
            yield Row(*row), failures

    def log(self, topic: int, after: int, published: int = 0, limit: int = -1) -> list[Row]:
        """The topic's messages behind position `after` and published at `published` or later, in publish order, at most
        `limit` of them if it is not negative."""
        self._flush()
        found = self._sql.execute(
            "SELECT position, published, size, key FROM messages WHERE topic = ? AND position > ? AND published >= ? "
            "ORDER BY position LIMIT ?",
            (topic, after, published, limit),
        )
        return [Row(*row) for row in found]

    def volume(self, topic: int) -> tuple[int, int]:
        """How many messages of the topic there are, and their bytes."""
        self._flush()
        count, size = self._sql.execute("SELECT count(*), total(size) FROM messages WHERE topic = ?", (topic,)).fetchone()
        return count, int(size)

    def bytes(self) -> int:
        """What the store takes, in bytes."""
        (size,) = self._sql.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()").fetchone()
        return int(size) + (self._wal.stat().st_size if self._wal and self._wal.exists() else 0)

    def _changed(self) -> None:
        if not self.dirty:
            self._sql.execute("BEGIN IMMEDIATE")
            self.dirty = True
            self.on_change()

    def _execute(self, statement: str, values: tuple[Any, ...]) -> None:
        self._changed()
        self._flush()
        self._sql.execute(statement, values)

    def _flush(self) -> None:
        self._writes.to(self._sql)

    def _unlock(self) -> None:
        if self._lock:
            self._lock.close()


class Writes:
    """Buffered changes, in an order in which they may be carried out kind by kind."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, int, int, int, str]] = []
        self.bodies: list[tuple[int, bytes]] = []
        self.owed: list[tuple[int, int]] = []
        self.failures: list[tuple[int, int, int]] = []
        self.finished: list[tuple[int, int]] = []
        self.forgotten: list[tuple[int, int]] = []
        self.counters: dict[str, int] = {}

    def to(self, sql: sqlite3.Connection) -> None:
        """Writes them, and is empty."""
        for statement, rows in (
            ("INSERT INTO messages VALUES (?, ?, ?, ?, ?)", self.messages),
            ("INSERT INTO bodies VALUES (?, ?)", self.bodies),
            ("INSERT INTO owed (holder, position) VALUES (?, ?)", self.owed),
            ("UPDATE owed SET failures = ? WHERE holder = ? AND position = ?", self.failures),
            ("DELETE FROM owed WHERE holder = ? AND position = ?", self.finished),
        ):
            if rows:
                sql.executemany(statement, rows)  # type: ignore[arg-type]
                rows.clear()  # type: ignore[attr-defined]
        if self.forgotten:
            sql.executemany("DELETE FROM messages WHERE topic = ? AND position = ?", self.forgotten)
            sql.executemany("DELETE FROM bodies WHERE position = ?", [(position,) for _, position in self.forgotten])
            self.forgotten.clear()
        if self.counters:
            sql.executemany("INSERT OR REPLACE INTO counters VALUES (?, ?)", self.counters.items())
            self.counters.clear()


class Checkpointer:
    """Moves what the WAL has gathered into the file, on a thread and a connection of its own: it waits for the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wal = path.with_name(f"{path.name}-wal")
        self._due = threading.Event()
        self._ended = False
        self._one = threading.Lock()  # a second checkpoint at the same time would do nothing
        self._thread = threading.Thread(target=self._run, name="localpubsub-checkpoints", daemon=True)
        self._thread.start()

    def checkpoint(self, writer: sqlite3.Connection) -> None:
        """Begins one. If the writer is so busy that the WAL never comes to an end, the writer makes one itself."""
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


def _open(path: Path | None, sync: bool) -> sqlite3.Connection:
    try:
        sql = sqlite3.connect(path or ":memory:", timeout=30, isolation_level=None)
        version = sql.execute("PRAGMA user_version").fetchone()[0]
        empty = not sql.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if version != VERSION and not empty:
            sql.close()
            raise StoreError(f"{path} was written by another version of this server: move it away, or choose another directory")
        if path:
            sql.execute("PRAGMA page_size = 8192")  # a page holds several messages of news, and little is written twice
            sql.execute("PRAGMA journal_mode = WAL")
            sql.execute(f"PRAGMA synchronous = {'FULL' if sync else 'NORMAL'}")
            sql.execute("PRAGMA wal_autocheckpoint = 0")
            sql.execute(f"PRAGMA journal_size_limit = {CHECKPOINT_BYTES}")
            sql.execute(f"PRAGMA cache_size = -{READ_CACHE_KB}")
        if empty:
            sql.executescript(f"BEGIN;{_TABLES}PRAGMA user_version = {VERSION};COMMIT;")
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path} cannot be used as a store: {error}") from error
    return sql


def _lock(directory: Path) -> IO[str]:
    """The directory for this process alone: the lock ends with the process, however that ends."""
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
