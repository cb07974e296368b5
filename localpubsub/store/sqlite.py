"""The log: everything that must outlive the process, in one SQLite file, or in memory with nothing to outlive.

    topics ──► messages ──► bodies        a message once, whoever is owed it
                  ▲
                owed ◄── subscriptions, snapshots       one row for each message that a holder has not let go

What the broker does is buffered and written by `commit` in one transaction, so that a thousand messages cost one. Nothing
may leave the server before what it rests on is committed: rpc/committing.py arranges that.

The file is in WAL mode. With `synchronous=NORMAL` a commit reaches the operating system, which is what survives a kill of
the process at any moment; a loss of power may take the last commits before the next checkpoint (never the integrity of the
file). `sync=True` waits for the disk at each commit (`synchronous=FULL`). Source: https://sqlite.org/pragma.html and wal.html.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from localpubsub.errors import StoreError
from localpubsub.store.lock import lock_of
from localpubsub.store.wal import JOURNAL_BYTES, Checkpointer

VERSION = 1  # of the tables below
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
        self.broken = False  # set by who saw an error: memory and disk may differ now
        self._writes = Writes()
        self._added = 0
        self._lock = lock_of(directory) if directory else None
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
        self._added += len(raw)
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
        if self._checkpointer:
            self._checkpointer.wrote(self._added, self._sql)
        self._added = 0

    def close(self) -> None:
        """Commits, leaves one tidy file, and lets another server have the directory. After a failure only the last: what
        was not committed was confirmed to nobody."""
        try:
            if not self.broken:
                self.commit()
            if self._checkpointer:
                self._checkpointer.stop()
            if self._checkpointer and not self.broken:
                with contextlib.suppress(
                    sqlite3.OperationalError
                ):  # the disk is full, say: the WAL keeps all, and is read at a start
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
            sql.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES}")
            sql.execute(f"PRAGMA cache_size = -{READ_CACHE_KB}")
        if empty:
            sql.executescript(f"BEGIN;{_TABLES}PRAGMA user_version = {VERSION};COMMIT;")
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path} cannot be used as a store: {error}") from error
    return sql
