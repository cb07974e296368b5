"""TagActors: Report in, Report with its actors out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import apache_beam as beam

import schemas.rows  # noqa: F401  Beam encodes records as rows
from schemas import Report
from schemas.watch import Watch
from transforms.actors.stage import tagged
from transforms.actors.tagger import tagger_for
from transforms.reading import Reader, read_each


@dataclass
class TagActors(beam.PTransform):
    """PCollection[Report] -> {"reports": PCollection[Report] with `actors` filled, "failures": PCollection[Failure]}.

    The rules read English: an entry in a language that the watch does not read gets its outcome instead.

    watch  whose lists are looked for
    """

    watch: Watch

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, reports: beam.PCollection[Report]) -> beam.DoOutputsTuple:  # type: ignore[override]
        return reports | "TagEach" >> read_each("TagActors", partial(_reader, self.watch))


def _reader(watch: Watch) -> Reader:
    tagger_for(watch)
    return partial(tagged, watch=watch)
