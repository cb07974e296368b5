"""Gate and ScoreRelevance: Report in, the same report with `gated`, then `relevance` and `outcome` out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput

from schemas import Failure, Report, failure, to_json
from schemas.watch import Watch
from transforms.relevance.gate import UNSUPPORTED_LANGUAGE, gate_for
from transforms.relevance.score import NOT_RELEVANT, RELEVANT, scorer_for

logger = logging.getLogger(__name__)

MAIN, FAILURES = "reports", "failures"


@dataclass
class Gate(beam.PTransform):
    """PCollection[Report] with actors -> {"reports": the same with `gated`, "failures": PCollection[Failure]}.

    An entry in a language that the watch does not read gets its outcome here.

    watch       whose gate it is
    all_topics  let every entry pass
    """

    watch: Watch
    all_topics: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, reports: beam.PCollection[Report]) -> beam.DoOutputsTuple:  # type: ignore[override]
        look = beam.ParDo(_Gate(self.watch, self.all_topics)).with_output_types(Report, failures=Failure)
        return reports | "LookForTerms" >> look.with_outputs(FAILURES, main=MAIN)


@dataclass
class ScoreRelevance(beam.PTransform):
    """PCollection[Report] with vectors -> {"reports": the same with `relevance` and `outcome`, "failures": ...}.

    watch       whose description decides
    model       directory of the sentence model, "" to look for it on the machine
    threads     of torch, 0 for its own choice
    all_topics  every entry is relevant, whatever its score
    """

    watch: Watch
    model: str = ""
    threads: int = 0
    all_topics: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, reports: beam.PCollection[Report]) -> beam.DoOutputsTuple:  # type: ignore[override]
        score = beam.ParDo(_ScoreRelevance(self.watch, self.model, self.threads, self.all_topics))
        typed = score.with_output_types(Report, failures=Failure)
        return reports | "Score" >> typed.with_outputs(FAILURES, main=MAIN)


def gated(report: Report, watch: Watch, all_topics: bool = False) -> Report:
    """The report with `gated`, and with its outcome if its language is not read."""
    gate = gate_for(watch)
    if all_topics:
        return replace(report, gated=True)
    if not gate.readable(report):
        return replace(report, outcome=UNSUPPORTED_LANGUAGE)
    return replace(report, gated=gate.passes(report))


def scored(report: Report, watch: Watch, model: str = "", threads: int = 0, all_topics: bool = False) -> Report:
    """The report with `relevance` and `outcome`. One that has its outcome already stays as it is.

    Raises ValueError if a gated report has no vector, ModelError if the model cannot be loaded.
    """
    if report.outcome:
        return report
    if not report.gated:
        return replace(report, outcome=NOT_RELEVANT)
    scorer = scorer_for(watch, model, threads)
    relevance = scorer.score(report)
    return replace(report, relevance=relevance, outcome=RELEVANT if all_topics else scorer.outcome(relevance))


class _Gate(beam.DoFn):
    def __init__(self, watch: Watch, all_topics: bool) -> None:
        self.watch, self.all_topics = watch, all_topics

    def process(self, report: Report) -> Iterator[Report | TaggedOutput]:
        yield _or_failure("Gate", lambda: gated(report, self.watch, self.all_topics), report)


class _ScoreRelevance(beam.DoFn):
    def __init__(self, watch: Watch, model: str, threads: int, all_topics: bool) -> None:
        self.watch, self.model, self.threads, self.all_topics = watch, model, threads, all_topics

    def setup(self) -> None:
        scorer_for(self.watch, self.model, self.threads)  # a missing model stops the pipeline here, not entry by entry

    def process(self, report: Report) -> Iterator[Report | TaggedOutput]:
        done = _or_failure(
            "ScoreRelevance", lambda: scored(report, self.watch, self.model, self.threads, self.all_topics), report
        )
        if isinstance(done, Report):
            Metrics.counter("relevance", done.outcome.replace(" ", "_")).inc()
        yield done


def _or_failure(stage: str, step: Callable[[], Report], report: Report) -> Report | TaggedOutput:
    try:
        return step()
    except Exception as e:
        logger.exception("%s failed on entry %s", stage, report.entry.id)
        reason = f"{type(e).__name__}: {e}"
        return TaggedOutput(FAILURES, failure(stage, "unreadable-report", reason, report.entry.id, to_json(report.entry)))
