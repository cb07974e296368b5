"""The options of the pipelines, beside Beam's own (`--runner`, `--project`, `--region`, ...), and what follows from them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, StandardOptions

from pipelines.usage import SPACY_MODEL_HELP, UsageError, counting, not_negative, positive, project_or_local, watch_directory
from transforms.fulltext.requests import FEWEST_WORDS

LOCAL_RUNNER = "BundleBasedDirectRunner"
"""The one local runner that streams from Pub/Sub with state and timers; "DirectRunner" would choose by itself and say nothing."""
DIRECT_RUNNERS = frozenset({"DirectRunner", "SwitchingDirectRunner", LOCAL_RUNNER})


def _add(parser: argparse.ArgumentParser, name: str, **kwargs: Any) -> None:
    """Register an option under the spelling of this project and under Beam's (`--state-dir` and `--state_dir`)."""
    parser.add_argument(f"--{name}", f"--{name.replace('-', '_')}", dest=name.replace("-", "_"), **kwargs)


class TopicOptions(PipelineOptions):
    """Topics, in the project of `--project` unless they are full names (projects/P/topics/T)."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        _add(parser, "entries-topic", default="entries", help="the log of entries that all watches share (default: entries)")
        _add(parser, "alerts-topic", default="alerts", help="where alerts go (default: alerts)")
        _add(parser, "dead-letters-topic", default="dead-letters", help="where failures go (default: dead-letters)")
        _add(parser, "ticks-topic", default="ticks", help="where poll ticks come from (default: ticks)")
        _add(
            parser, "fetches-topic", default="fetches", help="where requests for full text go, see --full-text (default: fetches)"
        )
        _add(
            parser,
            "full-text",
            action="store_true",
            help="read the page of a relevant entry whose feed says little; give it to collect and to detect (docs/full-text.md)",
        )
        _add(
            parser,
            "full-text-below",
            type=counting,
            default=FEWEST_WORDS,
            help="words of a feed's own text of an entry, below which its page is read (default: 60)",
        )
        _add(
            parser,
            "state-dir",
            default="",
            help="directory (local or gs://) of the checkpoints that survive a process; default: none on Dataflow, where the "
            "runner keeps the state, .vedette/state elsewhere",
        )


class CollectOptions(PipelineOptions):
    """Polling."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        _add(parser, "feeds", default="", help="OPML file of the feeds (default: feeds.opml of the watch, if one is given)")
        _add(parser, "ticks", choices=("pubsub", "impulse"), default="pubsub", help="where poll ticks come from: the topic, or "
             "PeriodicImpulse for a runner without a Pub/Sub source (default: pubsub)")  # fmt: skip
        _add(parser, "tick-every", type=positive, default=15.0, help="seconds between two poll ticks (default: 15)")
        _add(
            parser,
            "poll-every",
            type=positive,
            default=900.0,
            help="seconds between two polls of a feed, at the least (default: 900)",
        )
        _add(
            parser,
            "poll-longest",
            type=not_negative,
            default=3600.0,
            help="what --poll-every may grow to while a feed shows little new; 0: it never grows (default: 3600)",
        )
        _add(
            parser,
            "host-gap",
            type=float,
            default=1.0,
            help="seconds between two requests to one host, at the least (default: 1)",
        )
        _add(parser, "poll-deadline", type=positive, default=20.0, help="seconds that the poll of a feed may take (default: 20)")
        _add(parser, "poll-shards", type=counting, default=1, help="parts of the feeds, by host, polled in parallel (default: 1; "
             "on Dataflow about one per 1,000 feeds)")  # fmt: skip
        _add(parser, "poll-user-agent", default="", help="how the poller introduces itself; give a way to reach you "
             "(default: vedette/VERSION with the project's name)")  # fmt: skip
        _add(parser, "allow-local-addresses", action="store_true", help="poll feeds on private and loopback addresses too")


class DetectOptions(PipelineOptions):
    """Detection."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        _add(
            parser,
            "watch",
            default="",
            help="folder of the watch, or its name if it came with the package",
        )
        _add(parser, "entries-subscription", default="", help="subscription on the entries topic (default: detect-WATCH)")
        _add(
            parser,
            "model",
            default="",
            help="directory of a sentence-transformers model (default: all-MiniLM-L6-v2 as installed)",
        )
        _add(parser, "spacy-model", default="", help=SPACY_MODEL_HELP)
        _add(
            parser, "alert-on-backfill", action="store_true", help="let entries alert that a feed held before it was first polled"
        )
        _add(parser, "checkpoint-every", type=counting, default=100, help="folded reports between two checkpoints (default: 100)")
        _add(parser, "all-topics", action="store_true", help="treat every entry as relevant (for measuring)")


OPTIONS: dict[str, tuple[type[PipelineOptions], ...]] = {
    "collect": (TopicOptions, CollectOptions),
    "detect": (TopicOptions, DetectOptions),
    "monitor": (TopicOptions, CollectOptions, DetectOptions),
}
"""The streaming commands and their options."""


def help_of(command: str) -> str:
    """The options of a streaming command: Beam's own parser shows none of them."""
    epilog = "Beam's own options are passed through: --runner, --project, --region, --temp_location, ..."
    if command == "collect":
        epilog = f"--watch FOLDER stands for --feeds FOLDER/feeds.opml. {epilog}"
    parser = argparse.ArgumentParser(prog=f"vedette {command}", epilog=epilog)
    for options in OPTIONS[command]:
        options._add_argparse_args(parser)
    return parser.format_help()


@dataclass(frozen=True)
class Topics:
    """Full names (projects/P/topics/T)."""

    entries: str
    alerts: str
    dead_letters: str
    ticks: str
    fetches: str


def project_of(options: PipelineOptions) -> str:
    """`--project`; on a local endpoint a project of its own. Raises UsageError if there is neither."""
    return project_or_local(options.view_as(GoogleCloudOptions).project or "")


def topics_of(options: PipelineOptions) -> Topics:
    """The full names of all topics."""
    view = options.view_as(TopicOptions)
    project = project_of(options)

    def full(name: str) -> str:
        return name if name.startswith("projects/") else f"projects/{project}/topics/{name}"

    return Topics(
        full(view.entries_topic),
        full(view.alerts_topic),
        full(view.dead_letters_topic),
        full(view.ticks_topic),
        full(view.fetches_topic),
    )


def wants_full_text(options: PipelineOptions) -> bool:
    """Whether pages are to be read for full text."""
    return bool(options.view_as(TopicOptions).full_text)


def fewest_words(options: PipelineOptions) -> int:
    """Words of a feed's own text below which a page is read."""
    return int(options.view_as(TopicOptions).full_text_below)


def subscription_name(options: PipelineOptions, name: str) -> str:
    """The full name of a subscription."""
    return name if name.startswith("projects/") else f"projects/{project_of(options)}/subscriptions/{name}"


def is_local(options: PipelineOptions) -> bool:
    """Whether the pipeline runs in this process, on Beam's Python runner."""
    return (options.view_as(StandardOptions).runner or LOCAL_RUNNER) in DIRECT_RUNNERS


def state_dir_of(options: PipelineOptions) -> str:
    """Where checkpoints go: as given, else a folder here for a local runner and nowhere for the others."""
    return options.view_as(TopicOptions).state_dir or (".vedette/state" if is_local(options) else "")


def feeds_file(options: PipelineOptions) -> str:
    """The OPML file to poll: --feeds, else that of --watch. Raises UsageError if there is none."""
    feeds = options.view_as(CollectOptions).feeds
    if feeds:
        if "://" not in feeds and not Path(feeds).is_file():
            raise UsageError(f"--feeds {feeds}: there is no such file")
        return feeds
    watch = options.view_as(DetectOptions).watch
    if not watch:
        raise UsageError("Which feeds? Give --feeds FEEDS.opml, or --watch for the feeds of a watch")
    path = watch_directory(watch) / "feeds.opml"
    if not path.is_file():
        raise UsageError(f"{watch} has no feeds.opml: give --feeds")
    return str(path)
