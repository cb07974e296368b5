"""One tick of one shard: polls what is due, remembers it, and never loses an entry to a crash.

    tick k      state ──► checkpoint of round k-1 (state and outbox) ──► round k ──► entries leave, state and outbox are kept
    crash       somewhere here: entries of round k may or may not have been published
    start       no state ──► checkpoint of round k-1 ──► its outbox is emitted again, then the round polls as politely as ever:
                what was new in round k is new again, under the same ids

A checkpoint is written at the beginning of a tick, when the round before has left the shard, and not at its end, when the
entries have yet to be published. What is emitted twice has the same id and content hash: a replay, which is passed over.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from schemas.entry import Entry
from schemas.failure import Failure, failure
from transforms.checkpoints import Checkpoint, Checkpoints
from transforms.feeds.intake import STAGE
from transforms.feeds.memory import OUTBOX_ROUNDS, Memory, pack, unpack
from transforms.feeds.opml import Feed, FeedList, shard_of
from transforms.feeds.poller import Poller, Round
from transforms.feeds.schedule import SECOND

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tick:
    """What a tick yielded. `memory` is None if nothing changed and the state need not be written."""

    memory: bytes | None
    entries: tuple[Entry, ...] = ()
    failures: tuple[Failure, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)
    lateness: tuple[float, ...] = ()


class Shard:
    """The feeds of one shard. It may be thrown away at any time: what it keeps is a copy of what `tick` is given.

    clock             gives microseconds since 1970
    checkpoint_every  seconds at least between two checkpoints; after a crash, what was polled since the last is polled again
    """

    def __init__(
        self,
        key: str,
        shards: int,
        feed_list: FeedList,
        poller: Poller,
        checkpoints: Checkpoints,
        clock: Callable[[], int],
        checkpoint_every: float = 0.0,
    ) -> None:
        self._key, self._shards = key, shards
        self._list, self._poller = feed_list, poller
        self._checkpoints, self._clock = checkpoints, clock
        self._pause, self._next_checkpoint = int(checkpoint_every * SECOND), 0
        self._copy: tuple[bytes, Memory] = (b"", Memory())
        self._all: tuple[Feed, ...] | None = None
        self._own: list[Feed] = []

    def tick(self, moment: int, data: bytes | None) -> Tick:
        """Poll what is due; `data` is what the last tick gave as memory, None if there is none."""
        counts = Counter({"ticks": 1})
        restored: tuple[Entry, ...] = ()
        failures: list[Failure] = []
        memory = self._remembered(data) if data is not None else None
        if memory is None:
            memory = self._from_checkpoint()
            restored = tuple(entry for entries in memory.outbox for entry in entries)
            counts["restored-entries"] = len(restored)
        elif moment <= memory.finished:
            return Tick(None, counts=Counter({"ticks": 1, "ticks-dropped": 1}))
        before = memory
        memory = self._save(memory, counts)
        feeds = self._feeds(failures)
        if feeds is not None:
            result = self._poller.round(feeds, memory.states, self._clock(), group=self._key)
            counts += result.counts
            failures += result.failures
            memory = self._after(memory, result)
            _log(result)
        else:
            result = Round((), (), {})
        unchanged = memory is before and data is not None
        return Tick(
            None if unchanged else self._keep(memory), restored + result.entries, tuple(failures), counts, result.lateness
        )

    def _after(self, memory: Memory, result: Round) -> Memory:
        """The memory after a round; the very same if nothing has changed."""
        states = result.states
        if states.keys() == memory.states.keys() and all(states[url] is state for url, state in memory.states.items()):
            return memory
        outbox = (*memory.outbox, result.entries)[-OUTBOX_ROUNDS:] if result.entries else memory.outbox
        return Memory(self._clock(), states, outbox, saved=False)

    def _feeds(self, failures: list[Failure]) -> Sequence[Feed] | None:
        error = self._list.refresh()
        if error:
            logger.error("the list of feeds has errors, the last good one stays in force: %s", error)
            failures.append(failure(STAGE, "feed-list", str(error), self._list.path))
        if self._list.feeds is not self._all:
            self._all = self._list.feeds
            self._own = [feed for feed in self._all or () if str(shard_of(feed.host, self._shards)) == self._key]
        return self._own if self._all is not None else None

    def _from_checkpoint(self) -> Memory:
        checkpoint = self._checkpoints.read(self._key)
        if checkpoint is None:
            return Memory()
        try:
            return replace(unpack(checkpoint.state), saved=True)
        except ValueError as e:
            logger.warning("the checkpoint of shard %s is ignored: %s", self._key, e)
            return Memory()

    def _remembered(self, data: bytes) -> Memory | None:
        try:
            if data != self._copy[0]:
                self._copy = (data, unpack(data))
            return self._copy[1]
        except ValueError as e:
            logger.error("the state of shard %s is ignored: %s", self._key, e)
            return None

    def _save(self, memory: Memory, counts: Counter[str]) -> Memory:
        now = self._clock()
        if memory.saved or not self._checkpoints.directory or now < self._next_checkpoint:
            return memory
        self._next_checkpoint = now + self._pause
        memory = replace(memory, saved=True)
        try:
            self._checkpoints.write(self._key, Checkpoint(pack(memory), memory.finished, ""))
        except OSError as e:
            logger.error("the checkpoint of shard %s could not be written: %s", self._key, e)
            counts["checkpoints-failed"] += 1
            return replace(memory, saved=False)
        counts["checkpoints"] += 1
        return memory

    def _keep(self, memory: Memory) -> bytes:
        data = pack(memory)
        self._copy = (data, memory)
        return data


def _log(result: Round) -> None:
    for failed in result.failures:
        logger.warning("%s: %s (%s)", failed.subject, failed.error, failed.reason)
    if result.counts["polls"]:
        logger.info(
            "feeds polled: %d, entries: %d, polls still running: %d", result.counts["polls"], len(result.entries), result.running
        )
