"""The desk that takes requests in and gives entries out, with a memory that outlives a process.

    request     asked before, or too old? else: remember it, begin to read its page
    tick k      checkpoint of what was remembered after tick k-1 ──► hand out what has ended, forget that it is pending
    start       no memory ──► checkpoint ──► what was pending is begun again at the next tick

So a crash between "handed out" and "published" reads a page a second time, and none is lost. Nothing here waits.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from schemas.entry import Entry
from schemas.failure import Failure
from schemas.records import from_dict, to_dict
from transforms.checkpoints import Checkpoint, Checkpoints
from transforms.feeds.identity import canonical
from transforms.feeds.schedule import DAY, SECOND
from transforms.fulltext.pages import Pages

logger = logging.getLogger(__name__)
REMEMBERED = 10_000  # addresses that were asked for
OLDEST = DAY * SECOND  # an entry seen before that is no news: a detector may be reading its whole log again


@dataclass(frozen=True)
class Memory:
    """`asked`: 16 hex digits of each address, the oldest first; `pending`: entries whose pages are being read."""

    asked: tuple[str, ...] = ()
    pending: tuple[Entry, ...] = ()
    saved: bool = True

    def pack(self) -> bytes:
        record = {"asked": "".join(self.asked), "pending": [to_dict(e) for e in self.pending], "saved": self.saved}
        return json.dumps(record).encode("ascii")

    @classmethod
    def unpack(cls, data: bytes) -> Memory:
        """Raises ValueError if it is none."""
        try:
            record = json.loads(data)
            asked = tuple(record["asked"][i : i + 16] for i in range(0, len(record["asked"]), 16))
            return cls(asked, tuple(from_dict(Entry, e) for e in record["pending"]), record["saved"])
        except (KeyError, TypeError) as e:
            raise ValueError(f"it is no memory of requests: {type(e).__name__}: {e}") from None


@dataclass(frozen=True)
class Handed:
    """What a request or a tick yielded. `memory` is None if nothing changed."""

    memory: bytes | None = None
    entries: tuple[Entry, ...] = ()
    failures: tuple[Failure, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)


class Desk:
    """The requests of one shard. It may be thrown away at any time: what it keeps is in what it is given."""

    def __init__(
        self, key: str, pages: Pages, checkpoints: Checkpoints, clock: Callable[[], int], checkpoint_every: float = 0.0
    ) -> None:
        self._key, self._pages, self._checkpoints, self._clock = key, pages, checkpoints, clock
        self._pause, self._next_checkpoint = int(checkpoint_every * SECOND), 0

    def ask(self, data: bytes | None, entry: Entry) -> Handed:
        """Take a request in; `data` is the memory that the last call gave, None if there is none."""
        memory = self._remembered(data)
        address = hashlib.sha256(canonical(entry.url).encode("utf-8", "surrogatepass")).hexdigest()[:16]
        if address in memory.asked:
            return Handed(counts=Counter({"asked-before": 1}))
        if self._clock() - entry.seen_at > OLDEST:
            return Handed(counts=Counter({"too-old": 1}))
        self._pages.start(entry)
        asked = (*memory.asked, address)[-REMEMBERED:]
        memory = Memory(asked, (*memory.pending, entry), saved=False)
        return Handed(memory.pack(), counts=Counter({"requests": 1}))

    def tick(self, data: bytes | None) -> Handed:
        """Hand out the pages that have been read since the last tick."""
        before = self._remembered(data)
        memory = self._save(before)
        for entry in memory.pending:
            if not self._pages.is_running(entry.id):  # another process began it
                self._pages.start(entry)
        done = dict(self._pages.finished(entry.id for entry in memory.pending))
        if done:
            memory = replace(memory, pending=tuple(e for e in memory.pending if e.id not in done), saved=False)
        entries = tuple(found for found in done.values() if isinstance(found, Entry))
        failures = tuple(found for found in done.values() if isinstance(found, Failure))
        counts = Counter({"pages": len(entries)}) + Counter(found.reason for found in failures)
        return Handed(None if memory is before and data is not None else memory.pack(), entries, failures, counts)

    def _remembered(self, data: bytes | None) -> Memory:
        if data is None:
            checkpoint = self._checkpoints.read(self._key)
            data = checkpoint.state if checkpoint else Memory().pack()
        try:
            return Memory.unpack(data)
        except ValueError as e:
            logger.error("the requests of shard %s are ignored: %s", self._key, e)
            return Memory()

    def _save(self, memory: Memory) -> Memory:
        now = self._clock()
        if memory.saved or not self._checkpoints.directory or now < self._next_checkpoint:
            return memory
        self._next_checkpoint = now + self._pause
        memory = replace(memory, saved=True)
        try:
            self._checkpoints.write(self._key, Checkpoint(memory.pack(), 0, ""))
        except OSError as e:
            logger.error("the checkpoint of the requests of shard %s could not be written: %s", self._key, e)
            return replace(memory, saved=False)
        return memory
