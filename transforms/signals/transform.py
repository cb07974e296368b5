"""TagSignals: Report in, Report with its signals out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import apache_beam as beam

import schemas.rows  # noqa: F401  Beam encodes records as rows
from schemas import Report
from schemas.watch import Watch
from transforms.reading import Reader, read_each
from transforms.signals.stage import signalled
from transforms.signals.tagger import tagger_for


@dataclass
class TagSignals(beam.PTransform):
    """PCollection[Report] -> {"reports": PCollection[Report], "failures": PCollection[Failure]}.

    A report that the gate let pass goes on with `signals` filled, any other as it came.

    watch  whose taxonomy and sides are used
    model  directory of the sentence model, "" to look for it on the machine (see `transforms.embedding.model.find_model`)
    """

    watch: Watch
    model: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, reports: beam.PCollection[Report]) -> beam.DoOutputsTuple:  # type: ignore[override]
        return reports | "TagEach" >> read_each("TagSignals", partial(_reader, self.watch, self.model))


def _reader(watch: Watch, model: str) -> Reader:
    tagger_for(watch, model)  # a missing model stops the pipeline here, not entry by entry
    return partial(signalled, watch=watch, model=model)
