"""monitor: collect and detect in one graph, for one Dataflow job or a portable runner.

Entries go to the detector inside the graph, and to the topic `entries` for other watches. On the DirectRunner a slow
publisher would hold up detection, for it runs one bundle at a time: there `collect` and `detect` are two processes.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines import collect
from pipelines.detect import detect_alerts, known_alerts
from pipelines.options import DetectOptions, fewest_words, is_local
from pipelines.pubsub import LocalOrReal, TickPublisher
from pipelines.running import pin_runner, run_until_stopped
from pipelines.usage import parsing, watch_directory
from schemas.entry import Entry
from schemas.report import Report
from schemas.watch import Watch, load_watch
from transforms.fulltext import RequestFullText
from transforms.fulltext.requests import FEWEST_WORDS
from transforms.publishing import PublishAlerts, PublishFailures

logger = logging.getLogger(__name__)


class AsReports(beam.DoFn):
    """An entry -> the watch's report on it, not yet read."""

    def __init__(self, watch: str) -> None:
        self.watch = watch

    def process(self, entry: Entry) -> Any:
        yield Report(self.watch, entry)


@dataclass(frozen=True)
class MonitorConfig:
    """What `build_pipeline` needs to know."""

    watch: Watch
    collect: collect.CollectConfig
    detect: beam.PTransform
    known_alerts: frozenset[str] = frozenset()
    fewest_words: int = FEWEST_WORDS


def build_pipeline(pipeline: beam.Pipeline, config: MonitorConfig) -> dict[str, beam.PCollection[Any]]:
    """The graph from ticks to alerts; what DetectAlerts returns, for tests to look at."""
    topics = config.collect.topics
    collected = collect.build_pipeline(pipeline, config.collect)
    reports = collected["entries"] | "AsReports" >> beam.ParDo(AsReports(config.watch.name)).with_output_types(Report)
    detected = reports | "DetectAlerts" >> config.detect
    refused = detected["alerts"] | "PublishAlerts" >> PublishAlerts(topics.alerts, config.known_alerts)
    dead = [detected["failures"], refused]
    if config.collect.fetches:
        dead.append(detected["reports"] | "RequestFullText" >> RequestFullText(topics.fetches, config.fewest_words))
    failures = dead | "DetectFailures" >> beam.Flatten()
    _ = failures | "PublishDetectFailures" >> PublishFailures(topics.dead_letters)
    return detected


def run(argv: list[str]) -> int:
    """`vedette monitor`: the exit status."""
    options = PipelineOptions(argv)
    pin_runner(options)
    local = is_local(options)
    if local:
        logger.warning(
            "one graph on the local runner: slow feeds hold up detection, and entries in hand are lost if it is killed; "
            "`vedette collect` and `vedette detect` suffer neither"
        )
    view = options.view_as(DetectOptions)
    watch = parsing(load_watch(watch_directory(view.watch)), view.spacy_model)
    collecting = collect.prepare(options)
    pubsub = LocalOrReal()
    pubsub.ensure_topics(collecting.topics.alerts)
    update = options.get_all_options().get("update")
    known = frozenset() if update else known_alerts(pubsub, collecting.topics.alerts, watch)
    config = MonitorConfig(watch, collecting, detect_alerts(options, watch), known, fewest_words(options))
    pipeline = beam.Pipeline(options=options)
    build_pipeline(pipeline, config)
    if not local or not config.collect.subscription:
        return run_until_stopped(pipeline.run, local)
    with TickPublisher(config.collect.tick_every, *config.collect.ticked):
        return run_until_stopped(pipeline.run, local)
