"""detect: entries in, alerts out, one pipeline per watch.

    topic `entries` ──► OpenReports ──► TagActors ──► Gate ──► EmbedEntries ──► TagSignals ──► ScoreRelevance ──► FoldStories ──► RaiseAlerts ──► PublishAlerts ──► topic `alerts`
                             └───────────────┴──────────┴───────────┴── failures ──┴───────────────┴───────────────┴── PublishFailures ──► topic `dead-letters`

A start is a checkpoint and the log after it: the launcher moves the watch's own subscription to the checkpoint's
position, and hands the sink the ids of the alerts that the topic holds. So a killed detector loses nothing and sends
nothing under another id.
"""  # noqa: E501

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.io.gcp.pubsub import PubsubMessage, ReadFromPubSub
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.alone import TORCH_THREADS
from pipelines.following import follow
from pipelines.options import (
    DetectOptions,
    fewest_words,
    is_local,
    state_dir_of,
    subscription_name,
    topics_of,
    wants_full_text,
)
from pipelines.pubsub import LocalOrReal
from pipelines.running import pin_runner, run_until_stopped
from pipelines.usage import parsing, watch_directory
from schemas.entry import Entry
from schemas.failure import Failure, failure
from schemas.records import from_json, iso, micros
from schemas.report import Report
from schemas.watch import Watch, load_watch
from transforms.actors import TagActors
from transforms.alerts import RaiseAlerts
from transforms.checkpoints import Checkpoint
from transforms.embedding import EmbedEntries
from transforms.embedding.model import warm
from transforms.fulltext import RequestFullText
from transforms.fulltext.requests import FEWEST_WORDS
from transforms.publishing import PublishAlerts, PublishFailures
from transforms.relevance import Gate, ScoreRelevance
from transforms.signals import TagSignals
from transforms.stories import FoldStories
from transforms.stories.journal import story_checkpoints

logger = logging.getLogger(__name__)


@dataclass
class DetectAlerts(beam.PTransform):
    """PCollection[Report] (entries not yet read) -> alerts, stories, reports, failures.

    watch              what to look out for
    in_order           the input is bounded: fold it by time, see FoldStories
    all_topics         treat every entry as relevant
    model              see DetectOptions
    the rest           see FoldStories
    """

    watch: Watch
    in_order: bool = False
    all_topics: bool = False
    model: str = ""
    alert_on_backfill: bool = False
    state_dir: str = ""
    checkpoint_every: int = 100
    mute_until: int = 0
    log_from: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, reports: beam.PCollection[Report]) -> dict[str, beam.PCollection[Any]]:
        actors = reports | "TagActors" >> TagActors(self.watch)
        gate = actors.reports | "Gate" >> Gate(self.watch, all_topics=self.all_topics)
        embedded = gate.reports | "EmbedEntries" >> EmbedEntries(self.model, TORCH_THREADS)
        signals = embedded.reports | "TagSignals" >> TagSignals(self.watch, self.model)
        scored = signals.reports | "ScoreRelevance" >> ScoreRelevance(
            self.watch, all_topics=self.all_topics, model=self.model, threads=TORCH_THREADS
        )
        folded = scored.reports | "FoldStories" >> FoldStories(
            self.watch,
            in_order=self.in_order,
            alert_on_backfill=self.alert_on_backfill,
            state_dir=self.state_dir,
            checkpoint_every=self.checkpoint_every,
            mute_until=self.mute_until,
            log_from=self.log_from,
            model=self.model,
        )
        raised = folded["stories"] | "RaiseAlerts" >> RaiseAlerts(self.watch, models=self._models())
        tagged = (actors.failures, gate.failures, embedded.failures, signals.failures, scored.failures)
        stages = (*tagged, folded["failures"], raised.failures)
        return {
            "alerts": raised.alerts,
            "stories": folded["stories"],
            "reports": folded["reports"],
            "failures": stages | "AllFailures" >> beam.Flatten(),
        }

    def _models(self) -> tuple[str, ...]:
        """Their names, not where they lie: an alert says the same on every machine."""
        sentences = Path(self.model).name if self.model else "all-MiniLM-L6-v2"
        return (sentences, self.watch.parser.release) if self.watch.parser else (sentences,)


class OpenReports(beam.DoFn):
    """A message of the entries log -> a Report for each of its lines. A line that is no entry becomes a dead letter."""

    def __init__(self, watch: str) -> None:
        self.watch = watch

    def process(self, message: PubsubMessage) -> Iterator[Any]:
        position = micros(message.publish_time) if message.publish_time else 0
        for line in (message.data or b"").splitlines():
            if not line.strip():
                continue
            try:
                yield Report(self.watch, from_json(Entry, line), position)
            except ValueError as e:
                error = f"{type(e).__name__}: {e}"
                yield beam.pvalue.TaggedOutput(
                    "failures", failure("OpenReports", "unreadable-entry", error, message.message_id or "", line)
                )


@dataclass(frozen=True)
class DetectConfig:
    """What `build_pipeline` needs to know, all of it decided before the graph is built.

    fetches_topic  where full text is asked for, "" if it is not wanted; fewest_words: see RequestFullText
    """

    watch: Watch
    subscription: str
    alerts_topic: str
    dead_letters_topic: str
    known_alerts: frozenset[str]
    detect: DetectAlerts
    fetches_topic: str = ""
    fewest_words: int = FEWEST_WORDS


def build_pipeline(pipeline: beam.Pipeline, config: DetectConfig) -> dict[str, beam.PCollection[Any]]:
    """The graph from the entries log to the alerts topic; what DetectAlerts returns, for tests to look at."""
    messages = pipeline | "ReadEntries" >> ReadFromPubSub(subscription=config.subscription, with_attributes=True)
    open_reports = beam.ParDo(OpenReports(config.watch.name)).with_output_types(Report, failures=Failure)
    opened = messages | "OpenReports" >> open_reports.with_outputs("failures", main="reports")
    detected = opened.reports | "DetectAlerts" >> config.detect
    refused = detected["alerts"] | "PublishAlerts" >> PublishAlerts(config.alerts_topic, config.known_alerts)
    dead = [opened.failures, detected["failures"], refused]
    if config.fetches_topic:
        dead.append(detected["reports"] | "RequestFullText" >> RequestFullText(config.fetches_topic, config.fewest_words))
    failures = dead | "AllFailures" >> beam.Flatten()
    _ = failures | "PublishFailures" >> PublishFailures(config.dead_letters_topic)
    return detected


def prepare(options: PipelineOptions) -> DetectConfig:
    """Everything that comes before the graph: the watch, topics, subscription, the start in the log.

    Raises UsageError or ConfigError with what to do.
    """
    view = options.view_as(DetectOptions)
    watch = parsing(load_watch(watch_directory(view.watch)), view.spacy_model)
    topics = topics_of(options)
    subscription = subscription_name(options, view.entries_subscription or f"detect-{watch.name}")
    pubsub = LocalOrReal()
    pubsub.ensure_topics(topics.entries, topics.alerts, topics.dead_letters)
    pubsub.ensure_subscription(subscription, topics.entries)

    detect = detect_alerts(options, watch)
    known: frozenset[str] = frozenset()
    if not options.get_all_options().get("update"):  # never seek under a running job
        known = known_alerts(pubsub, topics.alerts, watch)
        checkpoint = story_checkpoints(detect.state_dir).read(watch.name)
        pubsub.seek(subscription, _start(checkpoint, watch, detect))
    config = DetectConfig(watch, subscription, topics.alerts, topics.dead_letters, known, detect)
    if wants_full_text(options):
        pubsub.ensure_topics(topics.fetches)
        config = replace(config, fetches_topic=topics.fetches, fewest_words=fewest_words(options))
    return config


def known_alerts(pubsub: LocalOrReal, topic: str, watch: Watch) -> frozenset[str]:
    """Ids of the watch's alerts that the topic holds: the sink sends none of them again."""
    known = pubsub.retained_alert_ids(topic, watch.name)
    logger.info("start: the alerts topic holds %d alerts of watch %s", len(known), watch.name)
    return known


def _start(checkpoint: Checkpoint | None, watch: Watch, detect: DetectAlerts) -> int | None:
    """The position from which the log is read, None for its beginning; mutes a history of another configuration.

    The fold is told the position too: its worker reads the files later, and they may not be what was seen here.
    """
    if checkpoint is None or not checkpoint.position:  # a monitor's checkpoint knows no log
        logger.info("start: no checkpoint of watch %s, the log is read from its beginning", watch.name)
        return None
    if checkpoint.config_hash != watch.config_hash:
        logger.info(
            "start: the configuration or release of watch %s has changed, its history is folded again and raises nothing",
            watch.name,
        )
        detect.mute_until = checkpoint.position
        return None
    logger.info("start: checkpoint of watch %s, the log is read from %s", watch.name, iso(checkpoint.position))
    detect.log_from = checkpoint.position
    return checkpoint.position


def detect_alerts(options: PipelineOptions, watch: Watch) -> DetectAlerts:
    """The composite as the options want it."""
    view = options.view_as(DetectOptions)
    return DetectAlerts(
        watch,
        all_topics=view.all_topics,
        model=view.model,
        alert_on_backfill=view.alert_on_backfill,
        state_dir=state_dir_of(options),
        checkpoint_every=view.checkpoint_every,
    )


def run(argv: list[str]) -> int:
    """`vedette detect`: the exit status."""
    options = PipelineOptions(argv)
    pin_runner(options)
    local = is_local(options)
    loading = None
    if local:  # loading the model takes seconds: do it while the log is found and the graph is built
        loading = warm(options.view_as(DetectOptions).model, TORCH_THREADS)
    config = prepare(options)
    pipeline = beam.Pipeline(options=options)
    detected = build_pipeline(pipeline, config)
    if loading:
        follow(detected["reports"], loading)
    return run_until_stopped(pipeline.run, local)
