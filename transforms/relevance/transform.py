"""Gate and ScoreRelevance: Report in, the same report with `gated`, then `relevance` and `outcome` out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import apache_beam as beam
from apache_beam.metrics import Metrics

import schemas.rows  # noqa: F401  Beam encodes records as rows
from schemas import Report
from schemas.watch import Watch
from transforms.reading import Reader, read_each
from transforms.relevance.gate import gate_for
from transforms.relevance.score import scorer_for
from transforms.relevance.stage import gated, scored


@dataclass
class Gate(beam.PTransform):
    """PCollection[Report] with actors -> {"reports": the same with `gated`, "failures": PCollection[Failure]}.

    A report that has its outcome already (its language is not read) passes by the gate.

    watch       whose gate it is
    all_topics  let every entry pass
    """

    watch: Watch
    all_topics: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, reports: beam.PCollection[Report]) -> beam.DoOutputsTuple:  # type: ignore[override]
        return reports | "LookForTerms" >> read_each("Gate", partial(_gate_reader, self.watch, self.all_topics))


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
        prepare = partial(_score_reader, self.watch, self.model, self.threads, self.all_topics)
        return reports | "Score" >> read_each("ScoreRelevance", prepare)


def _gate_reader(watch: Watch, all_topics: bool) -> Reader:
    gate_for(watch)
    return partial(gated, watch=watch, all_topics=all_topics)


def _score_reader(watch: Watch, model: str, threads: int, all_topics: bool) -> Reader:
    scorer_for(watch, model, threads)  # a missing model stops the pipeline here, not entry by entry

    def read(report: Report) -> Report:
        done = scored(report, watch, model, threads, all_topics)
        Metrics.counter("relevance", done.outcome.replace(" ", "_")).inc()
        return done

    return read
