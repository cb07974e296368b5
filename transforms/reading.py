"""What the reading stages share. A report goes in, the same report with more in it comes out.

A report that cannot be read becomes a dead letter, for Dataflow would retry its bundle for ever; the others go on. What a
stage needs (lists, a model) is made in `setup`: without it no entry can be read, so that error stops the pipeline instead.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

import schemas.rows  # noqa: F401  Beam encodes records as rows
from schemas import Failure, Report, failure, to_json

logger = logging.getLogger(__name__)

REPORTS, FAILURES = "reports", "failures"
Reader = Callable[[Report], Report]


def read_each(stage: str, prepare: Callable[[], Reader]) -> beam.PTransform:
    """PCollection[Report] -> {"reports": PCollection[Report], "failures": PCollection[Failure]}.

    stage    name of the stage in dead letters
    prepare  makes the reader; called for every bundle on the DirectRunner, so what is slow to make is cached behind it
    """
    read = beam.ParDo(_Read(stage, prepare)).with_output_types(Report, failures=Failure)
    return read.with_outputs(FAILURES, main=REPORTS)


class _Read(beam.DoFn):
    def __init__(self, stage: str, prepare: Callable[[], Reader]) -> None:
        self.stage, self.prepare = stage, prepare

    def setup(self) -> None:
        self.reader = self.prepare()

    def process(self, report: Report) -> Iterator[Report | TaggedOutput]:
        try:
            done = self.reader(report)
        except Exception as e:
            logger.exception("%s failed on entry %s", self.stage, report.entry.id)
            yield TaggedOutput(FAILURES, dead_letter(self.stage, report, e))
            return
        yield done


def dead_letter(stage: str, report: Report, error: Exception) -> Failure:
    """A report that a stage failed on."""
    try:
        payload = to_json(report.entry)
    except Exception:  # what broke the stage may break this as well
        payload = repr(report.entry).encode("utf-8", "replace")
    return failure(stage, "unexpected-error", f"{type(error).__name__}: {error}", report.entry.id, payload)
