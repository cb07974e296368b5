"""collect: feeds in, entries out.

    topic `ticks` ──► Shards ──► PollFeeds ──► PublishEntries ──► topic `entries`
                                     └── failures ──► PublishFailures ──► topic `dead-letters`

Every tick goes to each shard of the feed list, and a shard polls those of its feeds that are due. With `--full-text` the
topic `fetches` is read as well, and the entries that FetchFullText has completed are published like the others.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam
from apache_beam.io.gcp.pubsub import ReadFromPubSub
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.periodicsequence import PeriodicImpulse

from pipelines.options import (
    CollectOptions,
    Topics,
    feeds_file,
    is_local,
    state_dir_of,
    subscription_name,
    topics_of,
    wants_full_text,
)
from pipelines.pubsub import LocalOrReal, TickPublisher
from pipelines.running import pin_runner, run_until_stopped
from pipelines.usage import UsageError
from schemas.failure import Failure, failure
from transforms.feeds import PollFeeds
from transforms.feeds.poller import USER_AGENT
from transforms.fulltext import FetchFullText
from transforms.publishing import PublishEntries, PublishFailures

logger = logging.getLogger(__name__)
SUBSCRIPTION = "collect"
FETCHES_SUBSCRIPTION = "collect-fetches"


class ToShards(beam.DoFn):
    """A tick (JSON with `time` in seconds, or seconds) -> (shard, microseconds) for each shard."""

    def __init__(self, shards: int) -> None:
        self.shards = shards

    def process(self, tick: bytes | float) -> Iterator[Any]:
        try:
            seconds = float(json.loads(tick)["time"]) if isinstance(tick, bytes) else float(tick)
            moment = int(seconds * 1e6)
        except (ValueError, TypeError, KeyError, OverflowError) as e:
            error = f"{type(e).__name__}: {e}"
            yield beam.pvalue.TaggedOutput("failures", failure("ToShards", "unreadable-tick", error, payload=repr(tick)))
            return
        for shard in range(self.shards):
            yield str(shard), moment


@dataclass
class CollectEntries(beam.PTransform):
    """PCollection of ticks -> entries, failures and each shard's ticks.

    `poll` polls the feeds of a shard; `shards` is how many it has.
    """

    poll: PollFeeds
    shards: int = 1

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, ticks: beam.PCollection[Any]) -> dict[str, beam.PCollection[Any]]:
        to_shards = beam.ParDo(ToShards(self.shards)).with_output_types(tuple[str, int], failures=Failure)
        sharded = ticks | "ToShards" >> to_shards.with_outputs("failures", main="shards")
        polled = sharded.shards | "PollFeeds" >> self.poll
        failures = (sharded.failures, polled.failures) | "AllFailures" >> beam.Flatten()
        return {"entries": polled.entries, "failures": failures, "ticks": sharded.shards}


@dataclass(frozen=True)
class CollectConfig:
    """What `build_pipeline` needs to know.

    subscription  "" takes ticks from PeriodicImpulse
    fetches       subscription on the topic `fetches`, "" if no full text is wanted
    """

    topics: Topics
    subscription: str
    tick_every: float
    collect: CollectEntries
    fetches: str = ""

    @property
    def ticked(self) -> tuple[str, ...]:
        """The topics that a local launcher ticks. The local runner waits at each source in turn, so no one may be idle."""
        return (self.topics.ticks, self.topics.fetches) if self.fetches else (self.topics.ticks,)


def build_pipeline(pipeline: beam.Pipeline, config: CollectConfig) -> dict[str, beam.PCollection[Any]]:
    """The graph from ticks to the entries topic; what CollectEntries returns, for tests and for `monitor`."""
    if config.subscription:
        ticks = pipeline | "ReadTicks" >> ReadFromPubSub(subscription=config.subscription)
    else:
        ticks = (
            pipeline
            | "ImpulseTicks" >> PeriodicImpulse(fire_interval=config.tick_every)
            | "Now" >> beam.Map(lambda _: time.time())
        )
    collected = ticks | "CollectEntries" >> config.collect
    if config.fetches:
        collected = _with_full_text(pipeline, config, collected)
    refused = collected["entries"] | "PublishEntries" >> PublishEntries(config.topics.entries)
    failures = (collected["failures"], refused) | "AllFailures" >> beam.Flatten()
    _ = failures | "PublishFailures" >> PublishFailures(config.topics.dead_letters)
    return collected


def _with_full_text(
    pipeline: beam.Pipeline, config: CollectConfig, collected: dict[str, beam.PCollection[Any]]
) -> dict[str, beam.PCollection[Any]]:
    requests = pipeline | "ReadFetches" >> ReadFromPubSub(subscription=config.fetches)
    fetched = {"requests": requests, "ticks": collected["ticks"]} | "FetchFullText" >> FetchFullText(config.collect.poll)
    both = {name: (collected[name], fetched[name]) | f"AllOf{name.title()}" >> beam.Flatten() for name in fetched}
    return {**collected, **both}


def prepare(options: PipelineOptions) -> CollectConfig:
    """Everything that comes before the graph. Raises UsageError or ConfigError with what to do."""
    view = options.view_as(CollectOptions)
    if view.ticks == "impulse" and is_local(options):
        raise UsageError(
            "--ticks impulse: the local runner cannot stream from PeriodicImpulse; leave it out, or give another --runner"
        )
    feeds = feeds_file(options)
    topics = topics_of(options)
    subscription = subscription_name(options, SUBSCRIPTION) if view.ticks == "pubsub" else ""
    pubsub = LocalOrReal()
    pubsub.ensure_topics(topics.entries, topics.dead_letters, *([topics.ticks] if subscription else []))
    if subscription:
        pubsub.ensure_subscription(subscription, topics.ticks)
    config = CollectConfig(topics, subscription, view.tick_every, collect_entries(options, feeds))
    if wants_full_text(options):
        config = replace(config, fetches=subscription_name(options, FETCHES_SUBSCRIPTION))
        pubsub.ensure_topics(topics.fetches)
        pubsub.ensure_subscription(config.fetches, topics.fetches)
    return config


def collect_entries(options: PipelineOptions, feeds: str) -> CollectEntries:
    """The composite as the options want it."""
    view = options.view_as(CollectOptions)
    poll = PollFeeds(
        feeds,
        shards=view.poll_shards,
        base_interval=view.poll_every,
        longest_interval=view.poll_longest,
        deadline=view.poll_deadline,
        host_gap=view.host_gap,
        user_agent=view.poll_user_agent or USER_AGENT,
        allow_local_addresses=view.allow_local_addresses,
        checkpoint_directory=state_dir_of(options),
    )
    return CollectEntries(poll, view.poll_shards)


def run(argv: list[str]) -> int:
    """`vedette collect`: the exit status. On the local runner it publishes its own ticks."""
    options = PipelineOptions(argv)
    pin_runner(options)
    config = prepare(options)
    pipeline = beam.Pipeline(options=options)
    build_pipeline(pipeline, config)
    local = is_local(options)
    ticking = TickPublisher(config.tick_every, *config.ticked) if local and config.subscription else nullcontext()
    with ticking:
        return run_until_stopped(pipeline.run, local)
