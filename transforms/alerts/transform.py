"""RaiseAlerts: story revisions in, alerts out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.metrics import Metrics

from schemas.alert import Alert
from schemas.story import Story
from schemas.watch import Watch
from transforms.alerts.render import alert_of


@dataclass
class RaiseAlerts(beam.PTransform):
    """PCollection[Story] -> PCollection[Alert]: one alert for each revision that the policy judged worth one.

    watch   the watch that judged them
    models  name@version of each model that had a say, for the record
    """

    watch: Watch
    models: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, stories: beam.PCollection[Story]) -> beam.PCollection[Alert]:
        return stories | "RenderAlerts" >> beam.ParDo(_RenderAlerts(self.watch, self.models)).with_output_types(Alert)


class _RenderAlerts(beam.DoFn):
    def __init__(self, watch: Watch, models: tuple[str, ...]) -> None:
        self.watch = watch
        self.models = models

    def process(self, story: Story) -> Iterator[Alert]:
        judgement = story.judgement
        if judgement is None or not judgement.alert:
            Metrics.counter("alerts", "revisions_without_alert").inc()
            return
        Metrics.counter("alerts", f"raised_{judgement.severity}").inc()
        yield alert_of(story, self.watch, self.models)
