"""Rounds: what is due is polled at once, what hangs is not waited for, and a restart is as polite as no restart."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from feed_server import Clock, FeedServer, http, item, rss

from schemas.entry import Entry
from transforms.checkpoints import Checkpoint, Checkpoints
from transforms.feeds.memory import Memory, pack, unpack
from transforms.feeds.opml import Feed, FeedList
from transforms.feeds.poller import Poller, PollOptions, Round, poll_round
from transforms.feeds.shard import Shard, Tick

OPTIONS = PollOptions(
    base_interval=900, deadline=0.5, patience=0.3, host_gap=0, parse_budget=2, allow_local_addresses=True, longest_interval=0
)


@pytest.fixture
def poller(clock: Clock) -> Iterator[Poller]:
    with Poller(OPTIONS, clock) as running:
        yield running


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


def all_of(poller: Poller, clock: Clock, feeds: list[Feed], before: Round | None = None) -> Round:
    return poller.round(feeds, before.states if before else {}, clock(), patience=None)


def test_a_round_by_itself(server: FeedServer, clock: Clock) -> None:
    feed = Feed(server.on("/feed", http(body=rss(item(1), item(2)))), "Paper")
    result = poll_round([feed], {}, clock(), OPTIONS)
    assert [entry.title for entry in result.entries] == ["Report number 1 from the border", "Report number 2 from the border"]
    assert result.counts["read"] == result.counts["polls"] == 1
    assert not result.failures


def test_only_what_is_due_is_polled_and_as_the_server_asks(server: FeedServer, poller: Poller, clock: Clock) -> None:
    feed = Feed(server.on("/feed", http(body=rss(item(1)), ETag='W/"1"', Cache_Control="max-age=7200"), http(304)), "Paper")
    result = all_of(poller, clock, [feed])
    moments = []
    for _ in range(24 * 12):
        clock.forward(300)
        asked = len(server.requests)
        result = all_of(poller, clock, [feed], result)
        if len(server.requests) > asked:
            moments.append(clock())
    gaps = [(later - earlier) / 1e6 for earlier, later in pairwise(moments)]
    assert 10 <= len(moments) <= 12
    assert all(7200 <= gap <= 7200 * 1.1 + 300 for gap in gaps)
    assert [request.headers.get("if-none-match") for request in server.requests] == [None] + ['W/"1"'] * len(moments)


def test_a_body_that_is_the_same_is_not_read_again(server: FeedServer, poller: Poller, clock: Clock) -> None:
    feed = Feed(server.on("/feed", http(body=rss(item(1)))), "Paper")
    first = all_of(poller, clock, [feed])
    clock.forward(1000)
    second = all_of(poller, clock, [feed], first)
    assert (first.counts["read"], second.counts["same"], second.counts["read"]) == (1, 1, 0)


def test_every_disease_is_told_by_its_class_and_the_healthy_feed_is_read(
    server: FeedServer, poller: Poller, clock: Clock
) -> None:
    whole = rss(item(1), item(2))
    answers: dict[str, tuple[Any, str]] = {
        "/well": (http(body=rss(item(9))), ""),
        "/html": (http(body="<html><body>Please sign in</body></html>", Content_Type="text/html"), "not-a-feed-html"),
        "/cut": (http(body=whole[:-60]), "cut-off"),
        "/short": (http(body=whole[:-60], Content_Length=len(whole)), "cut-off"),
        "/empty": (http(body=b""), "not-a-feed-empty"),
        "/missing": (http(404), "not-found"),
        "/gone": (http(410), "gone"),
        "/often": (http(429, Retry_After="3600"), "rate-limited"),
        "/busy": (http(503), "unavailable"),
        "/broken": (http(500), "server-error"),
        "/bomb": (http(body=gzip.compress(b" " * 30_000_000), Content_Encoding="gzip"), "too-large"),
        "/slow": (silence, "timeout"),
        "/inside": (http(302, Location="http://169.254.169.254/latest/meta-data"), "address-refused"),
        "/loop": (http(302, Location="/loop"), "redirect"),
        "/json": (http(body='{"status": "ok"}'), "not-a-feed-json-other"),
        "/undated": (http(body=rss(item(10, pubDate=""))), ""),
        "/without-ids": (http(body=rss(item(11, guid=""), item(12, guid="", link=""))), ""),
    }
    feeds = [Feed(server.on(path, answer), path) for path, (answer, _) in answers.items()]
    result = all_of(poller, clock, feeds)
    assert {failed.subject: failed.reason for failed in result.failures if failed.reason != "cut-item"} == {
        server.url(path): kind for path, (_, kind) in answers.items() if kind
    }
    assert {entry.outlet for entry in result.entries} == {"/well", "/cut", "/short", "/undated", "/without-ids"}
    assert sum(result.counts[kind] for _, kind in answers.values() if kind) >= 15
    assert result.counts["polls"] == len(answers)
    clock.forward(3600 * 24 * 3)
    assert not [request for request in all_of(poller, clock, feeds, result).failures if request.reason == "gone"]
    assert len(server.asked("/gone")) == 1


def test_a_feed_that_hangs_is_left_behind_and_taken_in_later(server: FeedServer, poller: Poller, clock: Clock) -> None:
    begun = time.monotonic()
    slow, quick = Feed(server.on("/slow", silence), "Slow"), Feed(server.on("/feed", http(body=rss(item(1)))), "Paper")
    first = poller.round([slow, quick], {}, clock())
    assert time.monotonic() - begun < OPTIONS.deadline
    assert [entry.outlet for entry in first.entries] == ["Paper"]
    assert (first.running, first.failures) == (1, ())
    second = poller.round([slow, quick], first.states, clock.forward(2), patience=None)
    assert [failed.reason for failed in second.failures] == ["timeout"]
    assert second.running == 0
    assert len(server.asked("/slow")) == 1


def test_a_feed_that_leaves_the_list_is_forgotten(server: FeedServer, poller: Poller, clock: Clock) -> None:
    slow, quick = Feed(server.on("/slow", silence), "Slow"), Feed(server.on("/feed", http(body=rss(item(1)))), "Paper")
    first = poller.round([slow, quick], {}, clock())
    second = poller.round([quick], first.states, clock.forward(2))
    assert second.states.keys() == {quick.url}
    assert second.running == 0


def test_many_feeds_of_a_host_take_turns(server: FeedServer, poller: Poller, clock: Clock) -> None:
    feeds = [Feed(server.on(f"/{i}", http(body=rss(item(i)))), "Paper") for i in range(30)]
    assert len(all_of(poller, clock, feeds).entries) == 30
    assert server.open_most <= 2


def test_a_poll_planned_by_a_clock_that_was_years_ahead_is_due(server: FeedServer, poller: Poller, clock: Clock) -> None:
    feed = Feed(server.on("/feed", http(body=rss(item(1)))), "Paper")
    clock.forward(86400 * 365 * 10)
    ahead = all_of(poller, clock, [feed])
    clock.forward(-86400 * 365 * 10)
    assert all_of(poller, clock, [feed], ahead).counts["polls"] == 1


class Process:
    """A collector that can be killed: a poller and a shard over one state directory."""

    def __init__(self, opml: Path, state: Path, clock: Clock) -> None:
        self.clock = clock
        self.poller = Poller(OPTIONS, clock)
        self.opml, self.state = opml, state
        self.shard = self.start_shard()
        self.memory: bytes | None = None

    def start_shard(self) -> Shard:
        checkpoints = Checkpoints(str(self.state), "feeds")
        return Shard("0", 1, FeedList(str(self.opml)), self.poller, checkpoints, self.clock)

    def tick(self) -> Tick:
        self.clock.forward(1)
        result = self.shard.tick(self.clock(), self.memory)
        self.memory = result.memory if result.memory is not None else self.memory
        return result

    def kill(self) -> None:
        self.poller.close()


@pytest.fixture
def processes(tmp_path: Path, clock: Clock) -> Iterator[Any]:
    started: list[Process] = []

    def start() -> Process:
        started.append(Process(tmp_path / "feeds.opml", tmp_path / "state", clock))
        return started[-1]

    yield start
    for process in started:
        process.kill()


def listed(tmp_path: Path, *urls: str) -> None:
    outlines = "".join(f'<outline text="Paper" type="rss" xmlUrl="{url}"/>' for url in urls)
    (tmp_path / "feeds.opml").write_text(f'<opml version="2.0"><body>{outlines}</body></opml>')


def ids(entries: tuple[Entry, ...]) -> list[str]:
    return [entry.title.split()[2] for entry in entries]


def test_a_restart_is_conditional_and_repeats_nothing_but_the_outbox(
    server: FeedServer, processes: Any, tmp_path: Path, clock: Clock
) -> None:
    url = server.on(
        "/feed",
        http(body=rss(item(1), item(2)), ETag='"1"'),
        http(body=rss(item(1), item(2), item(3)), ETag='"2"'),
        http(304),
        http(body=rss(item(2), item(3), item(4)), ETag='"3"'),
    )
    listed(tmp_path, url)
    first = processes()
    original = first.tick().entries
    assert ids(original) == ["1", "2"]
    clock.forward(1000)
    (third,) = first.tick().entries
    assert ids((third,)) == ["3"]
    first.tick()  # the next tick keeps what the last round left behind
    first.kill()

    second = processes()
    again = second.tick()
    assert ids(again.entries) == ["1", "2", "3"]
    assert again.entries == (*original, third)
    assert len(server.requests) == 2, "nothing was due, so nothing is asked"
    assert second.tick().entries == ()
    clock.forward(1000)
    assert second.tick().entries == ()
    clock.forward(1000)
    (fourth,) = second.tick().entries
    assert (ids((fourth,)), fourth.backfill) == (["4"], False)
    assert [request.headers.get("if-none-match") for request in server.requests] == [None, '"1"', '"2"', '"2"']


def test_a_round_that_was_not_kept_is_polled_again_under_the_same_ids(
    server: FeedServer, processes: Any, tmp_path: Path, clock: Clock
) -> None:
    url = server.on("/feed", http(body=rss(item(1)), ETag='"1"'), http(body=rss(item(1), item(2)), ETag='"2"'))
    listed(tmp_path, url)
    first = processes()
    first.tick()
    clock.forward(1000)
    (lost,) = first.tick().entries  # killed before the next tick could keep it
    first.kill()
    found = processes().tick().entries
    assert {(entry.id, entry.version, entry.content_hash) for entry in found} >= {(lost.id, lost.version, lost.content_hash)}
    assert not next(entry for entry in found if entry.id == lost.id).backfill


def test_a_bundle_that_is_retried_gives_the_same_again(server: FeedServer, processes: Any, tmp_path: Path, clock: Clock) -> None:
    listed(tmp_path, server.on("/feed", http(body=rss(item(1)))))
    process = processes()
    once = process.shard.tick(clock.forward(1), None)
    again = process.shard.tick(clock(), None)
    assert [(e.id, e.content_hash, e.version) for e in once.entries] == [(e.id, e.content_hash, e.version) for e in again.entries]


def test_a_tick_with_nothing_to_do_costs_nothing(
    server: FeedServer, processes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(tmp_path, server.on("/feed", http(body=rss(item(1)))))
    process = processes()
    process.tick()
    process.tick()
    process.shard = process.start_shard()  # as after a bundle: nothing is left but the state
    process.tick()
    monkeypatch.setattr("transforms.feeds.shard.unpack", None)
    monkeypatch.setattr("transforms.feeds.shard.pack", None)
    assert process.tick().memory is None


def test_ticks_that_are_older_than_the_last_round_are_dropped(
    server: FeedServer, processes: Any, tmp_path: Path, clock: Clock
) -> None:
    listed(tmp_path, server.on("/feed", http(body=rss(item(1)))))
    process = processes()
    process.tick()
    old = process.shard.tick(clock() - 5_000_000, process.memory)
    assert (old.memory, old.entries, old.counts["ticks-dropped"]) == (None, (), 1)


def test_the_list_of_feeds_is_read_at_every_tick_and_a_bad_edit_reported_once(
    server: FeedServer, processes: Any, tmp_path: Path, clock: Clock
) -> None:
    one, two = server.on("/1", http(body=rss(item(1)))), server.on("/2", http(body=rss(item(2))))
    process = processes()
    assert [failed.reason for failed in process.tick().failures] == ["feed-list"]
    listed(tmp_path, one)
    assert ids(process.tick().entries) == ["1"]
    listed(tmp_path, one, two)
    assert ids(process.tick().entries) == ["2"]
    (tmp_path / "feeds.opml").write_text("<opml><body>")
    assert [failed.reason for failed in process.tick().failures] == ["feed-list"]
    assert process.tick().failures == ()
    clock.forward(1000)
    assert process.tick().counts["polls"] == 2


def test_a_bad_list_at_the_start_forgets_nothing(server: FeedServer, processes: Any, tmp_path: Path, clock: Clock) -> None:
    listed(tmp_path, server.on("/feed", http(body=rss(item(1)), ETag='"1"'), http(304)))
    first = processes()
    first.tick()
    first.tick()
    first.kill()
    good = (tmp_path / "feeds.opml").read_text()
    (tmp_path / "feeds.opml").write_text("<opml>")
    second = processes()
    second.tick()
    (tmp_path / "feeds.opml").write_text(good)
    clock.forward(1000)
    second.tick()
    assert server.requests[-1].headers["if-none-match"] == '"1"'


def test_a_checkpoint_that_cannot_be_read_is_no_checkpoint(server: FeedServer, processes: Any, tmp_path: Path) -> None:
    listed(tmp_path, server.on("/feed", http(body=rss(item(1)))))
    Checkpoints(str(tmp_path / "state"), "feeds").write("0", Checkpoint(b"{}", 1, ""))
    assert ids(processes().tick().entries) == ["1"]


def test_checkpoints_are_not_written_more_often_than_wanted(
    server: FeedServer, poller: Poller, tmp_path: Path, clock: Clock
) -> None:
    listed(tmp_path, *(server.on(f"/{i}", http(body=rss(item(i)))) for i in range(3)))
    checkpoints = Checkpoints(str(tmp_path / "state"), "feeds")
    shard = Shard("0", 1, FeedList(str(tmp_path / "feeds.opml")), poller, checkpoints, clock, checkpoint_every=3000)
    memory, written = None, 0
    for _ in range(12):
        result = shard.tick(clock.forward(1000), memory)
        memory = result.memory or memory
        written += result.counts["checkpoints"]
    assert written == 4


def test_a_state_directory_that_cannot_be_written_stops_nothing(
    server: FeedServer, processes: Any, tmp_path: Path, clock: Clock
) -> None:
    listed(tmp_path, server.on("/feed", http(body=rss(item(1)))))
    (tmp_path / "state").write_text("a file, not a directory")
    process = processes()
    process.tick()
    assert process.tick().counts["checkpoints-failed"] == 1


def test_memory_survives_being_written_and_read(server: FeedServer, poller: Poller, clock: Clock) -> None:
    feeds = [
        Feed(server.on(f"/{i}", http(body=rss(*(item(n) for n in range(i)))) if i else http(500)), "Paper") for i in range(4)
    ]
    result = all_of(poller, clock, feeds)
    memory = Memory(clock(), result.states, (result.entries, result.entries[:1]), saved=False)
    assert unpack(pack(memory)) == memory
    for broken in (b"", b"{}", b"\xff", pack(memory)[:-40], pack(memory)[:200]):
        with pytest.raises(ValueError, match=r".*"):
            unpack(broken)
