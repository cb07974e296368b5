"""A start with thousands of feeds is no stampede, and a restart is none either: a virtual clock, and no network."""

from __future__ import annotations

from typing import Any

import pytest
from feed_server import Clock

from transforms.feeds.document import Document
from transforms.feeds.fetch import Fetcher, Response
from transforms.feeds.opml import Feed
from transforms.feeds.parsers import Parsers
from transforms.feeds.poller import Poller, PollOptions
from transforms.feeds.state import FeedState

FEEDS, INTERVAL, TICK = 5_000, 900, 15


class NoNetwork(Fetcher):
    """Answers at once: with a document the first time, then with 304."""

    def __init__(self) -> None:
        pass

    async def fetch(self, url: str, validators: Any = None, may_ask: Any = None) -> Response:
        if validators:
            return Response(304, url, {}, asked=True)
        return Response(200, url, {}, etag='"1"', body=url.encode())

    async def close(self) -> None:
        pass


class NoProcess(Parsers):
    def __init__(self) -> None:
        pass

    async def read(self, body: bytes, content_type: str, url: str) -> Document:
        return Document("rss")

    async def close(self) -> None:
        pass


def starts(poller: Poller, clock: Clock, feeds: list[Feed], states: dict[str, FeedState], seconds: int) -> tuple[list[int], Any]:
    """How many polls each tick started."""
    started = []
    for _ in range(0, seconds, TICK):
        result = poller.round(feeds, states, clock(), patience=None)
        started.append(result.counts["started"])
        states = result.states
        clock.forward(TICK)
    return started, states


@pytest.mark.parametrize("longest", [0.0, 3600.0])
def test_five_thousand_feeds_start_evenly_and_stay_so(clock: Clock, longest: float) -> None:
    feeds = [Feed(f"https://{n}.example/feed", "Paper") for n in range(FEEDS)]
    options = PollOptions(base_interval=INTERVAL, longest_interval=longest)
    with Poller(options, clock, lambda _: NoNetwork(), lambda _: NoProcess()) as poller:
        started, _ = starts(poller, clock, feeds, {}, 4 * INTERVAL)
    allowed = 1.5 * FEEDS / INTERVAL * 60
    per_minute = [sum(started[n : n + 4]) for n in range(len(started) - 3)]
    assert max(per_minute) <= allowed
    assert sum(started[: INTERVAL // TICK + 1]) == FEEDS, "each is polled once in the first interval"


def test_what_a_feed_held_before_it_was_polled_is_backfill_for_each(clock: Clock) -> None:
    feeds = [Feed(f"https://{n}.example/feed", "Paper") for n in range(50)]
    with Poller(PollOptions(), clock, lambda _: NoNetwork(), lambda _: NoProcess()) as poller:
        _, states = starts(poller, clock, feeds, {}, 60)
    assert all(state.first_read for state in states.values())


def test_feeds_that_join_a_running_list_are_spread_too(clock: Clock) -> None:
    feeds = [Feed(f"https://{n}.example/feed", "Paper") for n in range(4_000)]
    with Poller(PollOptions(), clock, lambda _: NoNetwork(), lambda _: NoProcess()) as poller:
        _, states = starts(poller, clock, feeds[:400], {}, INTERVAL)
        started, _ = starts(poller, clock, feeds, states, INTERVAL)
    assert max(started) <= 1.5 * (4 + 4) * TICK, "four a second of those that were there, and of those that join"


def test_a_list_of_a_few_dozen_is_polled_within_seconds(clock: Clock) -> None:
    feeds = [Feed(f"https://{n}.example/feed", "Paper") for n in range(40)]
    with Poller(PollOptions(), clock, lambda _: NoNetwork(), lambda _: NoProcess()) as poller:
        started, _ = starts(poller, clock, feeds, {}, 30)
    assert sum(started) == 40
