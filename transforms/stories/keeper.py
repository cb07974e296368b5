"""Keeper: makes, caches and writes down the ledgers of a pipeline, one for each watch.

The ledger in memory is a cache of the runner's state, which has a generation. The DirectRunner makes a new DoFn for each
bundle, so the cache belongs to the process.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

from apache_beam.metrics import Metrics

from schemas.records import iso
from schemas.report import Report
from schemas.watch import Watch
from transforms.alerts.policy import AlertPolicy
from transforms.checkpoints import Checkpoints, Mark
from transforms.stories.cells import Cells, DamagedState, Head, Writing
from transforms.stories.fold import Fold
from transforms.stories.journal import Journal, read_ledger
from transforms.stories.ledger import StoryLedger

logger = logging.getLogger(__name__)
_CACHED_LEDGERS = 8


class Generation(NamedTuple):
    """How many reports a ledger has seen, and a digest of which: a retried bundle may bring others in their place."""

    seen: int = 0
    digest: str = ""

    def after(self, report: Report) -> Generation:
        entry = report.entry
        history = "\x1f".join((self.digest, entry.id, entry.content_hash))
        return Generation(self.seen + 1, hashlib.sha256(history.encode()).hexdigest()[:16])

    def __str__(self) -> str:
        return f"{self.seen} {self.digest}"

    @classmethod
    def read(cls, text: str | None) -> Generation:
        seen, _, digest = (text or "0 ").partition(" ")
        return cls(int(seen), digest)


@dataclass
class Held:
    """What this process holds of a key: the ledger, what there is of it in files, and a snapshot it is writing."""

    ledger: StoryLedger
    journal: Journal
    writing: Writing | None = None


_held: OrderedDict[tuple[str, str], tuple[Generation, Held]] = OrderedDict()


@dataclass
class Keeper:
    """Makes, caches and writes down the ledgers; for most fields see FoldStories.

    instance  tells the caches of different pipelines in a process apart
    """

    watch: Watch
    policy: AlertPolicy
    checkpoints: Checkpoints
    checkpoint_every: int
    mute_until: int
    log_from: int = 0
    model: str = ""
    instance: str = field(default_factory=lambda: uuid.uuid4().hex)

    def fresh(self) -> StoryLedger:
        return StoryLedger(self.watch, self.policy, self.mute_until, Fold(self.watch, self.policy, model=self.model))

    def holding(self, key: str, ledger: StoryLedger, mark: Mark | None = None) -> Held:
        return Held(ledger, Journal(self.checkpoints, key, self.watch.config_hash, self.checkpoint_every, mark))

    def from_checkpoint(self, key: str, upto: Mark | None = None) -> tuple[StoryLedger, Mark] | None:
        return read_ledger(self.watch, self.policy, self.checkpoints, key, upto)

    def restarted(self, key: str) -> Held | None:
        """What a process starts from of which the runner's state knows nothing: the files, None if there are none.

        Raises DamagedState if they end before the place from which the log is read: what lies between would be lost.
        """
        found = self.from_checkpoint(key)
        if self.log_from and (found is None or found[0].position < self.log_from):
            there = f"ends at {iso(found[0].position)}" if found else "cannot be read"
            raise DamagedState(
                f"the checkpoint of watch {key} {there}, but the log is read from {iso(self.log_from)}: start again, and if it "
                f"stays so, delete the watch's files in {self.checkpoints.directory}, and the whole log is read"
            )
        if found is None:
            return None
        ledger, mark = found
        held = self.holding(key, ledger, mark)
        if held.journal.outweighed(ledger, mark.segments):  # nothing leans on them yet
            self.write_down(key, held, in_segments=False)
            held.journal.mark = held.journal.mark or mark
        return held

    def rebuilt(self, key: str, cells: Cells, head: Head) -> Held:
        """The ledger that the runner's state speaks of. What leans on a checkpoint goes on with its segments.

        Raises DamagedState if it cannot be had.
        """
        if head.chunks:
            held = self.holding(key, StoryLedger.restore(self.watch, self.policy, cells.snapshot(head)))
        elif head.origin:
            found = self.from_checkpoint(key, Mark.read(head.origin))
            if found is None:
                raise DamagedState(f"the checkpoint that watch {key} started from is not there any more")
            held = self.holding(key, *found)
        else:
            held = self.holding(key, self.fresh())
        for trace in cells.since(head):
            held.ledger.retrace(trace)
            held.journal.folded(trace)
        return held

    def taken(self, key: str, generation: Generation, begun: str = "") -> Held | None:
        """What is cached of the key, if it is what the runner's state speaks of: of that generation, and writing the snapshot
        that was begun there. It is cached no longer: whoever takes it changes it, and `cache`s it when all of that is done."""
        entry = _held.pop((self.instance, key), None)
        if entry is None or entry[0] != generation:
            return None
        held = entry[1]
        return held if (held.writing.id if held.writing else "") == begun else None

    def cache(self, key: str, generation: Generation, held: Held) -> None:
        _held[self.instance, key] = (generation, held)
        _held.move_to_end((self.instance, key))
        while len(_held) > _CACHED_LEDGERS:
            _held.popitem(last=False)

    def write_down(self, key: str, held: Held, in_segments: bool) -> None:
        try:
            if held.journal.write(held.ledger, in_segments):
                Metrics.counter("stories", "checkpoints").inc()
        except OSError as e:
            Metrics.counter("stories", "checkpoints_failed").inc()
            logger.warning("the checkpoint of watch %s could not be written; a restart will read more of the log: %s", key, e)
