"""TagSignals: Report in, Report with its signals out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from schemas import Failure, Report, failure, to_json
from schemas.watch import Watch
from transforms.signals.tagger import SignalTagger, tagger_for

MAIN, FAILURES = "reports", "failures"


@dataclass
class TagSignals(beam.PTransform):
    """PCollection[Report] -> {"reports": PCollection[Report], "failures": PCollection[Failure]}.

    A report that the gate let pass goes on with `signals` filled, any other as it came. A report that cannot be read
    becomes a Failure with reason "unreadable-signals"; the others go on.

    watch  whose taxonomy and sides are used
    """

    watch: Watch

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, reports: beam.PCollection[Report]) -> beam.DoOutputsTuple:  # type: ignore[override]
        tag = beam.ParDo(_TagSignals(self.watch)).with_output_types(Report, failures=Failure)
        return reports | "TagEach" >> tag.with_outputs(FAILURES, main=MAIN)


class _TagSignals(beam.DoFn):
    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.tagger: SignalTagger | None = None

    def setup(self) -> None:
        self.tagger = tagger_for(self.watch)

    def process(self, report: Report) -> Iterator[Report | TaggedOutput]:
        assert self.tagger is not None
        if not report.gated:
            yield report
            return
        try:
            yield replace(report, signals=self.tagger.tag(report.entry, report.actors))
        except Exception as e:
            yield TaggedOutput(FAILURES, _failed(report, e))


def _failed(report: Report, error: Exception) -> Failure:
    what = f"{type(error).__name__}: {error}"
    try:
        payload = to_json(report.entry)
    except Exception:
        payload = repr(report.entry).encode("utf-8", "replace")
    return failure(
        "TagSignals", "unreadable-signals", f"the signals of the entry could not be read: {what}", report.entry.id, payload
    )
