"""How far a 429 reaches: one URL holds up no other, two hold the host, a broken route holds nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from feed_server import Clock, FeedServer, http, item, rss

from transforms.feeds.fetch import Fetcher, Response
from transforms.feeds.hosts import HostHolds
from transforms.feeds.opml import Feed
from transforms.feeds.politeness import HostTurns
from transforms.feeds.poller import Poller, PollOptions, Round
from transforms.feeds.state import FeedState

OPTIONS = PollOptions(host_gap=0, deadline=2, allow_local_addresses=True, longest_interval=0)
HOUR = 3600


@pytest.fixture
def poller(clock: Clock) -> Iterator[Poller]:
    with Poller(OPTIONS, clock) as running:
        yield running


def polled(poller: Poller, clock: Clock, feeds: list[Feed], before: Round | None = None) -> Round:
    states = before.states if before else {feed.url: FeedState(due=clock()) for feed in feeds}
    return poller.round(feeds, states, clock(), patience=None)


def well(server: FeedServer, *paths: str) -> list[Feed]:
    return [Feed(server.on(path, http(body=rss(item(n + 1)), ETag='"1"'), http(304)), path) for n, path in enumerate(paths)]


def test_one_url_that_is_asked_too_often_holds_up_no_other(server: FeedServer, poller: Poller, clock: Clock) -> None:
    feeds = [Feed(server.on("/limited", http(429, Retry_After="7200")), "A"), *well(server, "/b", "/c", "/d")]
    result = polled(poller, clock, feeds)
    for _ in range(6):
        clock.forward(1000)
        result = polled(poller, clock, feeds, result)
    assert len(server.asked("/limited")) == 1
    assert [len(server.asked(path)) for path in ("/b", "/c", "/d")] == [7, 7, 7]


def test_two_urls_that_are_asked_too_often_hold_the_host_and_it_is_polled_again_one_by_one(
    server: FeedServer, poller: Poller, clock: Clock
) -> None:
    feeds = well(server, *(f"/{n}" for n in range(20)))
    first = polled(poller, clock, feeds)
    limited = [
        Feed(server.on("/x", http(429, Retry_After="7200"), http(body=rss(item(80)))), "X"),
        Feed(server.on("/y", http(429, Retry_After="10800"), http(body=rss(item(81)))), "Y"),
    ]
    second = poller.round([*limited, *feeds], first.states | {f.url: FeedState(due=clock()) for f in limited}, clock(), None)
    begun = len(server.requests)
    result = second
    for _ in range(179):
        clock.forward(60)
        result = polled(poller, clock, [*limited, *feeds], result)
    assert len(server.requests) == begun, "for three hours nothing is asked of the host"
    assert result.counts["held"] == 0, "and what is held waits without being looked at in every round"
    per_minute = []
    for _ in range(20):
        clock.forward(60)
        before = len(server.requests)
        result = polled(poller, clock, [*limited, *feeds], result)
        per_minute.append(len(server.requests) - before)
    assert sum(per_minute) >= 20
    assert max(per_minute) <= 10, "by hash over a quarter of an hour: never the crowd that was held"


def test_what_waits_for_its_turn_is_not_asked_any_more(server: FeedServer, poller: Poller, clock: Clock) -> None:
    feeds = [Feed(server.on(f"/{n}", http(429, Retry_After="3600")), "Paper") for n in range(30)]
    result = polled(poller, clock, feeds)
    assert len(server.requests) <= 4, "two at a time: the third and fourth may be under way"
    assert result.counts["held"] >= 26
    assert result.counts["polls"] == len(server.requests)
    assert all((state.due or 0) >= clock() + HOUR * 1_000_000 for state in result.states.values())


@pytest.mark.parametrize("status", [500, 502, 503, 403, 404])
def test_nothing_but_429_holds_a_host(server: FeedServer, poller: Poller, clock: Clock, status: int) -> None:
    bad = [Feed(server.on(f"/bad{n}", http(status, Retry_After="86400")), "Bad") for n in range(5)]
    feeds = [*bad, *well(server, "/a", "/b")]
    result = polled(poller, clock, feeds)
    clock.forward(1000)
    result = polled(poller, clock, feeds, result)
    assert [len(server.asked(path)) for path in ("/a", "/b")] == [2, 2]
    assert all(len(server.asked(f"/bad{n}")) == 1 for n in range(5)), "each is left alone as it asks"
    assert result.counts["held"] == 0


def test_another_host_is_not_held(server: FeedServer, clock: Clock) -> None:
    limited = [Feed(server.on(f"/{n}", http(429)), "Paper") for n in range(4)]
    other = Feed(server.on("/other", http(body=rss(item(1)))).replace("127.0.0.1", "127.0.0.2"), "Other")

    class Spy(Fetcher):
        async def fetch(self, url: str, *others: Any, **named: Any) -> Response:
            return await super().fetch(url.replace("127.0.0.2", "127.0.0.1"), *others[:1])

    with Poller(OPTIONS, clock, lambda options: Spy("Tests/1", HostTurns(gap=0), 2, True)) as poller:
        result = polled(poller, clock, limited)
        result = poller.round([*limited, other], result.states | {other.url: FeedState(due=clock())}, clock(), None)
    assert result.counts["read"] == 1


def test_a_host_stays_held_over_a_restart(server: FeedServer, clock: Clock) -> None:
    feeds = [Feed(server.on(f"/{n}", http(429, Retry_After="7200")), "Paper") for n in range(2)]
    with Poller(OPTIONS, clock) as poller:
        result = polled(poller, clock, feeds)
    late = well(server, "/late")
    states = result.states | {late[0].url: FeedState(due=clock())}
    with Poller(OPTIONS, clock) as poller:
        assert poller.round([*feeds, *late], states, clock.forward(60), None).counts["held"] == 1
    assert not server.asked("/late")


def test_holds_are_forgotten_when_they_are_over() -> None:
    holds = HostHolds()
    holds.refused("a.example", "https://a.example/1", 100, 50)
    assert holds.until("a.example", 50) == 0
    holds.refused("a.example", "https://a.example/1", 120, 50)
    assert holds.until("a.example", 50) == 0, "the same URL twice is one URL"
    holds.refused("a.example", "https://a.example/2", 110, 50)
    assert (holds.until("a.example", 50), holds.until("a.example", 119), holds.until("b.example", 50)) == (120, 120, 0)
    assert holds.until("a.example", 120) == 0
    holds.refused("a.example", "https://a.example/3", 200, 130)
    assert holds.until("a.example", 140) == 0, "the others are over"
