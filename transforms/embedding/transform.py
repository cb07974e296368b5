"""EmbedEntries: Report in, the same report with its vector out.

Reports of a bundle wait for each other and are embedded together. They leave in the order in which they came.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.windowed_value import WindowedValue

import schemas.rows  # noqa: F401  Beam encodes records as rows
from schemas import Failure, Report
from transforms.embedding.model import embedder
from transforms.embedding.stage import vectors
from transforms.reading import FAILURES, REPORTS, dead_letter

logger = logging.getLogger(__name__)
STAGE = "EmbedEntries"
BATCH = 64  # reports that may wait


@dataclass
class EmbedEntries(beam.PTransform):
    """Fills `vector` of every report that the gate let pass; the others pass as they are.

    PCollection[Report] -> {"reports": PCollection[Report], "failures": PCollection[Failure]}
    A model that cannot be loaded stops the pipeline (ModelError) instead of turning every entry into a failure.

    model    directory of the model, "" to look for it on the machine (see `find_model`)
    threads  see `embedder`
    """

    model: str = ""
    threads: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, reports: beam.PCollection[Report]) -> beam.DoOutputsTuple:  # type: ignore[override]
        embed = beam.ParDo(_Read(self.model, self.threads)).with_output_types(Report, failures=Failure)
        return reports | "EmbedEach" >> embed.with_outputs(FAILURES, main=REPORTS)


class _Read(beam.DoFn):
    """Named as that of the other stages: its label is that of running jobs."""

    def __init__(self, model: str, threads: int) -> None:
        self.model, self.threads = model, threads

    def setup(self) -> None:
        self.embedder = embedder(self.model, self.threads)

    def start_bundle(self) -> None:
        self.waiting: list[WindowedValue] = []

    def process(
        self,
        report: Report,
        timestamp: Any = beam.DoFn.TimestampParam,
        window: Any = beam.DoFn.WindowParam,
    ) -> Iterator[Any]:
        self.waiting.append(WindowedValue(report, timestamp, (window,)))
        if len(self.waiting) >= BATCH:
            yield from self.finish_bundle()

    def finish_bundle(self) -> Iterator[Any]:
        waiting, self.waiting = self.waiting, []
        gated = [w.value for w in waiting if w.value.gated]
        try:
            known = self._vectors(gated)
        except Exception:  # one of them cannot be embedded: each by itself, to find out which
            logger.exception("%s failed on a batch of %d", STAGE, len(gated))
            known = {}
        for windowed in waiting:
            try:
                yield windowed.with_value(self._embedded(windowed.value, known))
            except Exception as e:
                dead = dead_letter(STAGE, windowed.value, e)
                yield TaggedOutput(FAILURES, windowed.with_value(dead))

    def _embedded(self, report: Report, known: dict[int, bytes]) -> Report:
        if not report.gated:
            return report
        return replace(report, vector=known.get(id(report)) or self._vectors([report])[id(report)])

    def _vectors(self, reports: list[Report]) -> dict[int, bytes]:
        """Vectors by the identity of their report."""
        return {id(report): vector for report, vector in zip(reports, vectors(self.embedder, reports), strict=True)}
