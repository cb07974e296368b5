"""PollFeeds in a pipeline, on the runner that streams on one machine."""

from __future__ import annotations

from pathlib import Path

import apache_beam as beam
import apache_beam.testing.test_stream as streams
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to
from feed_server import FeedServer, http, item, rss

from transforms.feeds import PollFeeds
from transforms.feeds.opml import shard_of
from transforms.feeds.poller import wall_clock


def listed(path: Path, *urls: str) -> str:
    outlines = "".join(f'<outline text="Paper" type="rss" xmlUrl="{url}"/>' for url in urls)
    path.write_text(f'<opml version="2.0"><body>{outlines}</body></opml>')
    return str(path)


def ticks(shards: int, *seconds: float) -> streams.TestStream:
    """Ticks to each shard, so many seconds from now: later ones than the clock says, for none may be older than a round."""
    stream = streams.TestStream().advance_watermark_to(0)
    for later in seconds:
        stream = stream.add_elements([(str(shard), wall_clock() + int(later * 1e6)) for shard in range(shards)])
    return stream.advance_watermark_to_infinity()


@pytest.mark.parametrize("shards", [1, 3])
def test_ticks_in_entries_and_failures_out(server: FeedServer, tmp_path: Path, shards: int) -> None:
    feeds = listed(
        tmp_path / "feeds.opml",
        server.on("/feed", http(body=rss(item(1), item(2)), ETag='"1"'), http(304)),
        server.on("/gone", http(410)),
        server.on("/later", http(500), http(body=rss(item(3)))),
    )
    poll = PollFeeds(
        feeds,
        shards=shards,
        base_interval=0.001,
        deadline=5,
        patience=5,
        allow_local_addresses=True,
        checkpoint_directory=str(tmp_path / "state"),
    )
    with beam.Pipeline(runner="BundleBasedDirectRunner", options=PipelineOptions(["--streaming"])) as pipeline:
        polled = pipeline | ticks(shards, 100, 200, 300).with_output_types(tuple[str, int]) | "PollFeeds" >> poll
        entries = polled.entries | "Titles" >> beam.Map(lambda entry: (entry.title.split()[2], entry.version, entry.backfill))
        assert_that(entries, equal_to([("1", 1, True), ("2", 1, True), ("3", 1, True)]), label="Entries")
        failures = polled.failures | "Reasons" >> beam.Map(lambda failure: failure.reason)
        assert_that(failures, equal_to(["gone", "server-error"]), label="Failures")
    assert len(server.asked("/gone")) == 1
    assert [request.headers.get("if-none-match") for request in server.asked("/feed")] == [None, '"1"', '"1"']
    assert list((tmp_path / "state").glob(f"feeds-{shard_of('127.0.0.1', shards)}-*.checkpoint"))


@pytest.mark.parametrize(
    "wrong", [{"shards": 0}, {"base_interval": 0}, {"deadline": -1}, {"user_agent": " "}, {"user_agent": "a\nb"}]
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must"):
        PollFeeds("feeds.opml", **wrong)  # type: ignore[arg-type]
