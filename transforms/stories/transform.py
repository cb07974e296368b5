"""FoldStories: reports in, stories out, with the state that outlives a worker and a process.

    log ──► report ──► [ ledger of the watch ] ──► report completed, story's new revision
                          │          ▲
          the runner's state      rebuilt when the cache
          (cells.py)              does not match the state
                          │
          files for a restart (journal.py)

The ledger in memory is a cache of the runner's state. The state is a snapshot and the reports folded since, with a
generation that counts the reports and tells one history of them from another. The cache is used only if its
generation is the state's; otherwise (another worker, a retried bundle) it is rebuilt from snapshot and reports (keeper.py).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

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
from transforms.stories.cells import BUNDLE, Cells, Head, Writing
from transforms.stories.journal import story_checkpoints
from transforms.stories.keeper import Generation, Held, Keeper
from transforms.stories.ledger import Trace, trace_coder, trace_of

logger = logging.getLogger(__name__)

STORIES = "stories"
FAILURES = "failures"
DELTAS_PER_SNAPSHOT = 500
_NUMBERED = coders.TupleCoder([coders.VarIntCoder(), trace_coder()])


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
    checkpoint_every   folded reports between two writings of checkpoints or segments of them
    mute_until         see StoryLedger: used where no checkpoint of the same configuration is found
    log_from           position from which the log is read, because the checkpoint was seen to reach so far; 0: its beginning,
                       or there is no log
    model              directory of the sentence model that reads the watch's description, "" for the one installed
    """

    watch: Watch
    in_order: bool = False
    alert_on_backfill: bool = False
    state_dir: str = ""
    checkpoint_every: int = 100
    mute_until: int = 0
    log_from: int = 0
    model: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, reports: beam.PCollection[Report]) -> dict[str, beam.PCollection[Any]]:
        key_relevant = beam.ParDo(_KeyRelevant()).with_output_types(KV[str, Report], others=Report)
        sorted_out = reports | "KeyByWatch" >> key_relevant.with_outputs("others", main="relevant")
        keyed = sorted_out.relevant
        keeper = Keeper(
            self.watch,
            AlertPolicy(self.watch, self.alert_on_backfill),
            story_checkpoints(self.state_dir),
            self.checkpoint_every,
            self.mute_until,
            self.log_from,
            self.model,
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


def _reports_per_snapshot(size: int) -> int:
    """The more there is to write, the rarer: what a snapshot costs for each report is bounded."""
    every = DELTAS_PER_SNAPSHOT
    while 2 * every <= size // 10:
        every *= 2
    return every


def _outputs(completed: Report, story: Story | None) -> Iterator[Any]:
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
    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper

    def process(self, element: tuple[str, Iterable[Report]]) -> Iterator[Any]:
        _, reports = element
        ledger = self.keeper.fresh()
        relevant = [report for report in reports if report.relevant]
        for report in sorted(relevant, key=lambda r: (r.entry.time, r.entry.id, r.entry.version)):
            try:
                yield from _outputs(*ledger.fold(report))
            except Exception as e:  # one entry must not end the watch: it becomes a dead letter
                yield _dead(report, e)


class _Fold(beam.DoFn):
    """State over time: see cells.py."""

    HEAD = ReadModifyWriteStateSpec("head", coders.StrUtf8Coder())
    SNAPSHOT_0 = BagStateSpec("snapshot_0", coders.BytesCoder())
    SNAPSHOT_1 = BagStateSpec("snapshot_1", coders.BytesCoder())
    REPORTS_0 = BagStateSpec("reports_0", _NUMBERED)
    REPORTS_1 = BagStateSpec("reports_1", _NUMBERED)

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper

    def start_bundle(self) -> None:
        self.budget = BUNDLE
        self.leaning: set[str] = set()  # keys whose state, as it was before this bundle, needs a checkpoint to stay

    def process(
        self,
        element: tuple[str, Report],
        head: Any = beam.DoFn.StateParam(HEAD),  # noqa: B008
        snapshot_0: Any = beam.DoFn.StateParam(SNAPSHOT_0),  # noqa: B008
        snapshot_1: Any = beam.DoFn.StateParam(SNAPSHOT_1),  # noqa: B008
        reports_0: Any = beam.DoFn.StateParam(REPORTS_0),  # noqa: B008
        reports_1: Any = beam.DoFn.StateParam(REPORTS_1),  # noqa: B008
    ) -> Iterator[Any]:
        key, report = element
        cells = Cells(head, (snapshot_0, snapshot_1), (reports_0, reports_1))
        now = cells.read_head()
        generation = Generation.read(now.generation)
        held = self.keeper.taken(key, generation, now.begun)
        if held is None and generation.seen:
            held = self.keeper.rebuilt(key, cells, now)
            now = cells.drop_begun(now)
        if held is None:
            held = self.keeper.restarted(key)
            if held is not None:  # the runner knows nothing of the key: this process is a restart
                now = replace(now, origin=str(held.journal.mark))
                for story in held.ledger.unconfirmed():
                    yield beam.pvalue.TaggedOutput(STORIES, story)
        if held is None:
            held = self.keeper.holding(key, self.keeper.fresh())

        try:
            outputs, trace = self._fold(held, report)
        except Exception as e:  # Dataflow would retry the bundle for ever: the entry becomes a dead letter
            yield _dead(report, e)
            return
        generation = generation.after(report)
        if now.origin:
            self.leaning.add(key)
        cells.write_head(self._kept(cells, replace(now, generation=str(generation)), held, trace, generation.seen))
        self.keeper.cache(key, generation, held)
        yield from outputs
        if held.journal.due:
            self.keeper.write_down(key, held, in_segments=key in self.leaning)

    def _fold(self, held: Held, report: Report) -> tuple[list[Any], Trace | None]:
        """The outputs, and what a ledger needs to get to where this one is now."""
        if not report.relevant:
            held.ledger.pass_on(report.position)
            held.journal.passed()
            return [], None
        completed, story = held.ledger.fold(report)
        trace = trace_of(completed, story)
        held.journal.folded(trace)
        return list(_outputs(completed, story)), trace

    def _kept(self, cells: Cells, head: Head, held: Held, trace: Trace | None, number: int) -> Head:
        """The head after the report and, now and then, pieces of a snapshot were written into the cells."""
        if trace is not None:  # a position that is lost costs a restart a little more reading
            cells.add(head, number, trace)
        if not head.begun and number % _reports_per_snapshot(held.ledger.fold_.size) == 0:
            held.writing = Writing.of(held.ledger.state())
            head = replace(head, begun=held.writing.id)
        if held.writing is not None and self.budget > 0:
            head, spent = held.writing.go_on(cells, head, self.budget)
            self.budget -= spent
            if not head.begun:
                held.writing = None
        return head
