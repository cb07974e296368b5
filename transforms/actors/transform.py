"""TagActors: Report in, Report with its actors out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from schemas import Failure, Report, failure, to_json
from schemas.watch import Watch
from transforms.actors.tagger import ActorTagger, tagger_for

MAIN, FAILURES = "reports", "failures"


@dataclass
class TagActors(beam.PTransform):
    """PCollection[Report] -> {"reports": PCollection[Report] with `actors` filled, "failures": PCollection[Failure]}.

    watch  whose lists are looked for
    model  an installed spaCy model whose names are added ("en_core_web_sm"), "" for none
    """

    watch: Watch
    model: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, reports: beam.PCollection[Report]) -> beam.DoOutputsTuple:  # type: ignore[override]
        tag = beam.ParDo(_TagActors(self.watch, self.model)).with_output_types(Report, failures=Failure)
        return reports | "TagEach" >> tag.with_outputs(FAILURES, main=MAIN)


class _TagActors(beam.DoFn):
    def __init__(self, watch: Watch, model: str) -> None:
        self.watch, self.model = watch, model
        self.tagger: ActorTagger | None = None

    def setup(self) -> None:
        self.tagger = tagger_for(self.watch, self.model)

    def process(self, report: Report) -> Iterator[Report | TaggedOutput]:
        assert self.tagger is not None
        try:
            yield replace(report, actors=self.tagger.tag(report.entry))
        except Exception as e:
            yield TaggedOutput(FAILURES, _failed(report, e))


def _failed(report: Report, error: Exception) -> Failure:
    what = f"{type(error).__name__}: {error}"
    try:
        payload = to_json(report.entry)
    except Exception:
        payload = repr(report.entry).encode("utf-8", "replace")
    return failure(
        "TagActors", "untaggable-entry", f"the actors of the entry could not be read: {what}", report.entry.id, payload
    )
