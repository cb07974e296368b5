"""EmbedEntries: Report in, the same report with its vector out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

import apache_beam as beam

from schemas import Failure, Report, failure, to_json
from transforms.embedding.lead import title_and_lead
from transforms.embedding.model import embedder

logger = logging.getLogger(__name__)

STAGE = "EmbedEntries"


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

    def expand(self, reports: beam.PCollection) -> beam.DoOutputsTuple:
        embed = beam.ParDo(_Embed(self.model, self.threads)).with_output_types(Report, failures=Failure)
        return reports | "Embed" >> embed.with_outputs("failures", main="reports")


class _Embed(beam.DoFn):
    def __init__(self, model: str, threads: int) -> None:
        self._model, self._threads = model, threads

    def setup(self) -> None:
        # Loaded here, in vain if it is loaded already: a DoFn may be set up anew for each bundle.
        self._embedder = embedder(self._model, self._threads)

    def process(self, report: Report) -> Iterator[Report | beam.pvalue.TaggedOutput]:
        if not report.gated:
            yield report
            return
        try:
            vector = self._embedder.embed([title_and_lead(report.entry)])[0]
            done = replace(report, vector=vector.astype("<f4").tobytes())
        except Exception as e:
            logger.exception("entry %s cannot be embedded", report.entry.id)
            yield beam.pvalue.TaggedOutput(
                "failures", failure(STAGE, "embedding-error", f"{type(e).__name__}: {e}", report.entry.id, to_json(report.entry))
            )
            return
        yield done
