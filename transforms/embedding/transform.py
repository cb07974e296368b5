"""EmbedEntries: Report in, the same report with its vector out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import apache_beam as beam

from schemas import Report
from transforms.embedding.lead import title_and_lead
from transforms.embedding.model import embedder
from transforms.reading import Reader, read_each


@dataclass
class EmbedEntries(beam.PTransform):
    """Fills `vector` of every report that the gate let pass; the others pass as they are.

    PCollection[Report] -> {"reports": PCollection[Report], "failures": PCollection[Failure]}
    A model that cannot be loaded stops the pipeline (ModelError) instead of turning every entry into a failure.

    model    directory of the model, "" to look for it on the machine (see `find_model`)
    threads  of torch, 0 for its own choice
    """

    model: str = ""
    threads: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, reports: beam.PCollection[Report]) -> beam.DoOutputsTuple:  # type: ignore[override]
        return reports | "EmbedEach" >> read_each("EmbedEntries", partial(_reader, self.model, self.threads))


def _reader(model: str, threads: int) -> Reader:
    model_of_process = embedder(model, threads)

    def read(report: Report) -> Report:
        if not report.gated:
            return report
        vector = model_of_process.embed([title_and_lead(report.entry)])[0]
        return replace(report, vector=vector.astype("<f4").tobytes())

    return read
