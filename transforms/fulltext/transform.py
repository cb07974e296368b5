"""RequestFullText and FetchFullText: the two ends of the topic `fetches`.

    report ──► Send ──► topic `fetches`

    message of `fetches` ──► ToDesks ──┐
    (shard, tick time) ────► DeskTicks ┴─► AtDesk, stateful by shard ──► Entry
                                                                  └────► Failure

A request begins the reading of a page; a tick hands out what has been read. Neither waits, so polling is not held up.
"""

from __future__ import annotations

import atexit
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import apache_beam as beam
import yarl
from apache_beam.coders import BytesCoder
from apache_beam.metrics import Metrics
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec

import schemas.rows  # noqa: F401  Beam encodes records as rows
from schemas.entry import Entry
from schemas.failure import Failure, failure
from schemas.records import from_json, to_json
from schemas.report import Report
from transforms.checkpoints import Checkpoints
from transforms.feeds import PollFeeds
from transforms.feeds.opml import shard_of
from transforms.feeds.poller import wall_clock
from transforms.feeds.transform import checkpoint_pause, poller_for
from transforms.fulltext.desk import Desk
from transforms.fulltext.pages import STAGE, Pages
from transforms.fulltext.requests import FEWEST_WORDS, is_wanted, read_request, request_message
from transforms.publishing.transform import Send

NAMESPACE = "vedette.fulltext"
FAILURES = "failures"


@dataclass
class RequestFullText(beam.PTransform):
    """PCollection[Report] (folded) -> PCollection[Failure]: the requests that the topic `fetches` did not take.

    fewest_words  a report whose summary has fewer is asked for, see `is_wanted`
    """

    topic: str
    fewest_words: int = FEWEST_WORDS

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, reports: beam.PCollection[Report]) -> beam.PCollection[Failure]:
        wanted = reports | "Wanted" >> beam.ParDo(_Wanted(self.fewest_words)).with_output_types(Entry)
        return wanted | "Send" >> beam.ParDo(Send(self.topic, "RequestFullText", request_message)).with_output_types(Failure)


@dataclass
class FetchFullText(beam.PTransform):
    """{"requests": PCollection[bytes], "ticks": PCollection[(shard, microseconds)]} -> `.entries` and `.failures`.

    poll  how feeds are polled: pages are fetched in the same manner, by the same fetcher, in as many shards
    """

    poll: PollFeeds

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, inputs: dict[str, beam.PCollection[Any]]) -> Any:  # type: ignore[override]
        to_desks = beam.ParDo(_ToDesks(self.poll.shards)).with_output_types(tuple[str, bytes], failures=Failure)
        asked = inputs["requests"] | "ToDesks" >> to_desks.with_outputs(FAILURES, main="requests")
        ticks = inputs["ticks"] | "DeskTicks" >> beam.Map(_tick).with_output_types(tuple[str, bytes])
        at_desk = beam.ParDo(_AtDesk(self.poll)).with_output_types(Entry, failures=Failure)
        handed = (asked.requests, ticks) | "Both" >> beam.Flatten() | "AtDesk" >> at_desk.with_outputs(FAILURES, main="entries")
        return {
            "entries": handed.entries,
            "failures": (asked.failures, handed.failures) | "FullTextFailures" >> beam.Flatten(),
        }


class _Wanted(beam.DoFn):
    def __init__(self, fewest_words: int) -> None:
        self.fewest_words = fewest_words

    def process(self, report: Report) -> Iterator[Entry]:
        if is_wanted(report, self.fewest_words):
            yield report.entry


class _ToDesks(beam.DoFn):
    def __init__(self, shards: int) -> None:
        self.shards = shards

    def process(self, message: bytes) -> Iterator[Any]:
        try:
            entry = read_request(message)
            if entry is not None:
                yield str(shard_of(yarl.URL(entry.url).host or "", self.shards)), to_json(entry)
        except ValueError as e:
            yield beam.pvalue.TaggedOutput(FAILURES, failure(STAGE, "unreadable-request", str(e), payload=message))


class _AtDesk(beam.DoFn):
    """Timeline of the state: read and written, in one piece, by each request and each tick; see desk.py."""

    MEMORY = ReadModifyWriteStateSpec("memory", BytesCoder())

    def __init__(self, poll: PollFeeds) -> None:
        self.settings = poll.settings

    def process(
        self,
        element: tuple[str, bytes],
        memory: Any = beam.DoFn.StateParam(MEMORY),  # noqa: B008 - how Beam takes it
    ) -> Iterator[Entry | beam.pvalue.TaggedOutput]:
        key, request = element
        desk = _desk(self.settings, key)
        data = memory.read()
        handed = desk.ask(data, from_json(Entry, request)) if request else desk.tick(data)
        if handed.memory is not None:
            memory.write(handed.memory)
        for name, count in handed.counts.items():
            Metrics.counter(NAMESPACE, name).inc(count)
        yield from handed.entries
        for failed in handed.failures:
            yield beam.pvalue.TaggedOutput(FAILURES, failed)


@cache
def _pages(settings: Any) -> Pages:
    product = re.match(r"[\w.-]+", settings.user_agent.strip())
    pages = Pages(poller_for(settings), product[0] if product else "Vedette")
    atexit.register(pages.close)  # after its poller was registered, so it is closed before it
    return pages


@cache
def _desk(settings: Any, key: str) -> Desk:
    directory = settings.checkpoint_directory
    return Desk(key, _pages(settings), Checkpoints(directory, "fetches"), wall_clock, checkpoint_pause(directory))


def _tick(tick: tuple[str, int]) -> tuple[str, bytes]:
    return tick[0], b""
