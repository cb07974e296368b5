"""FoldStories: reports in, stories out, with the state that outlives a worker and a process.

    log ──► report ──► [ ledger of the watch ] ──► report completed, story's new revision
                          │          ▲
             deltas, snapshot     rebuilt when the cache
             (Beam state)         does not match the state
                          │
                     checkpoint (file, every so many reports)

The ledger in memory is a cache of Beam's state. The state is a snapshot and the reports folded since (the deltas), with a
generation that counts the reports and tells one history of them from another. The cache is used only if its
generation is the state's; otherwise (another worker, a retried bundle) it is rebuilt from snapshot and deltas. The
DirectRunner makes a new DoFn for each bundle, so the cache belongs to the process.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam import coders
from apache_beam.metrics import Metrics
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec
from apache_beam.typehints import KV
from apache_beam.utils.windowed_value import WindowedValue

import schemas.rows  # noqa: F401  Beam encodes records as rows
from schemas.failure import Failure, failure
from schemas.records import to_json
from schemas.report import Report
from schemas.story import Story
from schemas.watch import Watch
from transforms.alerts.policy import AlertPolicy
from transforms.checkpoints import Checkpoint, Checkpoints
from transforms.stories.ledger import StoryLedger

logger = logging.getLogger(__name__)

KIND = "stories"
STORIES = "stories"
FAILURES = "failures"
DELTAS_PER_SNAPSHOT = 500
ENTRIES_PER_CHECKPOINT = 20
"""A checkpoint is due when a twentieth as many reports as the window holds are not in it: writing one costs a few ms for each
of them then, and a restart has no more than that to do again."""
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


_ledgers: OrderedDict[tuple[str, str], tuple[Generation, StoryLedger]] = OrderedDict()


@dataclass
class FoldStories(beam.PTransform):
    """PCollection[Report] -> reports, stories and failures.

    `reports` holds every report that came in, the relevant ones completed with relation, story and duplicate; `stories`
    every new revision, judged by the alert policy.

    watch              the watch; all of its relevant reports are folded under one key
    in_order           the input is bounded: it is sorted by time, then id, before it is folded. Holds all relevant
                       reports of the input in memory
    alert_on_backfill  see AlertPolicy
    state_dir          where checkpoints are written, "" for none
    checkpoint_every   folded reports between two checkpoints, at the least (a twentieth of the window, if that is more)
    mute_until         see StoryLedger: used where no checkpoint of the same configuration is found
    """

    watch: Watch
    in_order: bool = False
    alert_on_backfill: bool = False
    state_dir: str = ""
    checkpoint_every: int = 100
    mute_until: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, reports: beam.PCollection[Report]) -> dict[str, beam.PCollection[Any]]:
        key_relevant = beam.ParDo(_KeyRelevant()).with_output_types(KV[str, Report], others=Report)
        sorted_out = reports | "KeyByWatch" >> key_relevant.with_outputs("others", main="relevant")
        keyed = sorted_out.relevant
        keeper = _Keeper(
            self.watch,
            AlertPolicy(self.watch, self.alert_on_backfill),
            Checkpoints(self.state_dir, KIND),
            self.checkpoint_every,
            self.mute_until,
        )
        dofn = _FoldInOrder(keeper) if self.in_order else _Fold(keeper)
        fold = (
            beam.ParDo(dofn)
            .with_output_types(Report, stories=Story, failures=Failure)
            .with_outputs(STORIES, FAILURES, main="reports")
        )
        if self.in_order:
            keyed = keyed | "CollectAll" >> beam.GroupByKey()
        folded = keyed | "Fold" >> fold
        return {
            "reports": (folded.reports, sorted_out.others) | "AllReports" >> beam.Flatten(),
            "stories": folded[STORIES],
            "failures": folded[FAILURES],
        }


class _KeyRelevant(beam.DoFn):
    """Relevant reports go to the fold. Of the others it hears once a bundle, by the last of them: it must not read them all
    again after a restart."""

    def start_bundle(self) -> None:
        self.last: WindowedValue | None = None

    def process(
        self, report: Report, timestamp: Any = beam.DoFn.TimestampParam, window: Any = beam.DoFn.WindowParam
    ) -> Iterator[Any]:
        Metrics.counter("stories", report.outcome.replace(" ", "_") or "unscored").inc()
        if report.relevant:
            yield report.watch, report
        else:
            yield beam.pvalue.TaggedOutput("others", report)
            if report.position:  # it came from a log
                self.last = WindowedValue((report.watch, report), timestamp, (window,))

    def finish_bundle(self) -> Iterator[WindowedValue]:
        if self.last is not None:
            yield self.last


@dataclass
class _Keeper:
    """Makes, caches and writes down the ledgers. `instance` tells the caches of different pipelines in a process apart."""

    watch: Watch
    policy: AlertPolicy
    checkpoints: Checkpoints
    checkpoint_every: int
    mute_until: int
    instance: str = field(default_factory=lambda: uuid.uuid4().hex)

    def fresh(self) -> StoryLedger:
        return StoryLedger(self.watch, self.policy, self.mute_until)

    def from_checkpoint(self, key: str) -> tuple[StoryLedger, bytes] | None:
        """The ledger and its state as written down."""
        checkpoint = self.checkpoints.read(key)
        if checkpoint is None or checkpoint.config_hash != self.watch.config_hash:
            return None
        try:
            return StoryLedger.restore(self.watch, self.policy, checkpoint.state), checkpoint.state
        except (ValueError, KeyError, TypeError) as e:
            logger.warning("the checkpoint of watch %s is of another release and is ignored: %s", key, e)
            return None

    def cached(self, key: str, generation: Generation) -> StoryLedger | None:
        entry = _ledgers.get((self.instance, key))
        return entry[1] if entry and entry[0] == generation else None

    def cache(self, key: str, generation: Generation, ledger: StoryLedger) -> None:
        _ledgers[self.instance, key] = (generation, ledger)
        _ledgers.move_to_end((self.instance, key))
        while len(_ledgers) > _CACHED_LEDGERS:
            _ledgers.popitem(last=False)

    def forget(self, key: str) -> None:
        _ledgers.pop((self.instance, key), None)

    def write_checkpoint(self, key: str, ledger: StoryLedger) -> None:
        ledger.unsaved = ledger.passed = 0  # also if it fails: the next try comes when the next checkpoint is due
        try:
            self.checkpoints.write(key, Checkpoint(ledger.state(), ledger.position, self.watch.config_hash))
            Metrics.counter("stories", "checkpoints").inc()
        except OSError as e:
            Metrics.counter("stories", "checkpoints_failed").inc()
            logger.warning("the checkpoint of watch %s could not be written; a restart will read more of the log: %s", key, e)


def _reports_per_snapshot(size: int) -> int:
    """The more there is to write, the rarer: what a snapshot costs for each report is bounded."""
    every = DELTAS_PER_SNAPSHOT
    while 2 * every <= size // 10:
        every *= 2
    return every


def _folded(ledger: StoryLedger, report: Report) -> Iterator[Any]:
    completed, story = ledger.fold(report)
    Metrics.counter("stories", f"relation_{completed.relation}").inc()
    yield completed
    if story is not None:
        yield beam.pvalue.TaggedOutput(STORIES, story)


def _dead(report: Report, error: Exception) -> beam.pvalue.TaggedOutput:
    logger.exception("entry %s could not be folded", report.entry.id)
    sentence = f"{type(error).__name__}: {error}"
    return beam.pvalue.TaggedOutput(
        FAILURES, failure("FoldStories", "not-folded", sentence, report.entry.id, to_json(report.entry))
    )


class _FoldInOrder(beam.DoFn):
    def __init__(self, keeper: _Keeper) -> None:
        self.keeper = keeper

    def process(self, element: tuple[str, Iterable[Report]]) -> Iterator[Any]:
        _, reports = element
        ledger = self.keeper.fresh()
        relevant = [report for report in reports if report.relevant]
        for report in sorted(relevant, key=lambda r: (r.entry.time, r.entry.id, r.entry.version)):
            try:
                yield from _folded(ledger, report)
            except Exception as e:  # one entry must not end the watch: it becomes a dead letter
                yield _dead(report, e)


class _Fold(beam.DoFn):
    """State over time, with 2 deltas to a snapshot:

    report   generation   deltas      snapshot
    -        0            -           -
    r1       1            r1          -
    r2       2            -           after r2
    r3       3            r3          after r2
    """

    SNAPSHOT = ReadModifyWriteStateSpec("snapshot", coders.BytesCoder())
    DELTAS = BagStateSpec("deltas", coders.registry.get_coder(Report))
    GENERATION = ReadModifyWriteStateSpec("generation", coders.StrUtf8Coder())

    def __init__(self, keeper: _Keeper) -> None:
        self.keeper = keeper

    def process(
        self,
        element: tuple[str, Report],
        snapshot: Any = beam.DoFn.StateParam(SNAPSHOT),  # noqa: B008
        deltas: Any = beam.DoFn.StateParam(DELTAS),  # noqa: B008
        generation: Any = beam.DoFn.StateParam(GENERATION),  # noqa: B008
    ) -> Iterator[Any]:
        key, report = element
        now = Generation.read(generation.read())
        ledger = self.keeper.cached(key, now)
        if ledger is None and now.seen:
            ledger = self._rebuild(snapshot.read(), deltas.read())
        if ledger is None:
            restart = self.keeper.from_checkpoint(key)
            if restart is not None:  # the runner knows nothing of the key: this process is a restart
                ledger, state = restart
                snapshot.write(state)
                for story in ledger.unconfirmed():
                    yield beam.pvalue.TaggedOutput(STORIES, story)
        if ledger is None:
            ledger = self.keeper.fresh()

        try:
            outputs = list(_folded(ledger, report)) if report.relevant else ledger.pass_on(report.position)
        except Exception as e:  # Dataflow would retry the bundle for ever: the entry becomes a dead letter
            self.keeper.forget(key)
            yield _dead(report, e)
            return
        now = now.after(report)
        generation.write(str(now))
        if now.seen % _reports_per_snapshot(ledger.fold_.size) == 0:
            snapshot.write(ledger.state())
            deltas.clear()
        elif report.relevant:  # a position that is lost costs a restart a little more reading
            deltas.add(report)
        self.keeper.cache(key, now, ledger)
        yield from outputs
        if ledger.due >= max(self.keeper.checkpoint_every, ledger.fold_.size // ENTRIES_PER_CHECKPOINT):
            self.keeper.write_checkpoint(key, ledger)

    def _rebuild(self, snapshot: bytes | None, deltas: Iterable[Report]) -> StoryLedger:
        if snapshot:
            ledger = StoryLedger.restore(self.keeper.watch, self.keeper.policy, snapshot)
        else:
            ledger = self.keeper.fresh()
        for report in deltas:
            ledger.fold(report)
        return ledger
