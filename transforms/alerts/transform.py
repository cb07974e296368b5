"""RaiseAlerts: story revisions in, alerts out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics

import schemas.rows  # noqa: F401  Beam encodes records as rows
from schemas.alert import Alert
from schemas.failure import Failure, failure
from schemas.records import to_json
from schemas.story import Story
from schemas.watch import Watch
from transforms.alerts.render import alert_of

logger = logging.getLogger(__name__)

FAILURES = "failures"


@dataclass
class RaiseAlerts(beam.PTransform):
    """PCollection[Story] -> {"alerts": PCollection[Alert], "failures": PCollection[Failure]}.

    One alert for each revision that the policy judged worth one.

    watch   the watch that judged them
    models  name of each model that had a say, for the record
    """

    watch: Watch
    models: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, stories: beam.PCollection[Story]) -> beam.DoOutputsTuple:
        render = beam.ParDo(_RenderAlerts(self.watch, self.models)).with_output_types(Alert, failures=Failure)
        return stories | "RenderAlerts" >> render.with_outputs(FAILURES, main="alerts")


class _RenderAlerts(beam.DoFn):
    def __init__(self, watch: Watch, models: tuple[str, ...]) -> None:
        self.watch = watch
        self.models = models

    def process(self, story: Story) -> Iterator[Any]:
        judgement = story.judgement
        if judgement is None or not judgement.alert:
            Metrics.counter("alerts", "revisions_without_alert").inc()
            return
        try:
            alert = alert_of(story, self.watch, self.models)
        except Exception as e:  # Dataflow would retry the bundle for ever: the revision becomes a dead letter
            logger.exception("revision %d of story %s could not be made an alert", story.revision, story.id)
            dead = failure("RaiseAlerts", "not-rendered", f"{type(e).__name__}: {e}", f"story {story.id}", to_json(story))
            yield beam.pvalue.TaggedOutput(FAILURES, dead)
            return
        Metrics.counter("alerts", f"raised_{judgement.severity}").inc()
        yield alert
