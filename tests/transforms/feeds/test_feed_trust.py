"""Servers that say "not modified" for ever are found out; servers that tell the truth are hardly asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from feed_history import DAY, History, story
from feed_server import Clock, FeedServer, Request, http, item, rss

from transforms.feeds import trust
from transforms.feeds.fetch import NO_VALIDATORS, Response, Validators
from transforms.feeds.opml import Feed
from transforms.feeds.poller import Poller, PollOptions, Round
from transforms.feeds.state import FeedState

HOUR = 3600
SECOND = 1_000_000
OPTIONS = PollOptions(host_gap=0, deadline=2, allow_local_addresses=True, longest_interval=3600)


@pytest.fixture
def poller(clock: Clock) -> Iterator[Poller]:
    with Poller(OPTIONS, clock) as running:
        yield running


def day(number: int, hour: int = 10) -> str:
    return f"{6 + number:02} Dec 2021 {hour:02}:00:00 GMT"


class Site:
    """A feed that gets an entry at 10:00 of each day listed; `honest` or with a cache that never looks."""

    def __init__(self, server: FeedServer, clock: Clock, days: list[int], honest: bool) -> None:
        self.clock, self.days, self.honest = clock, days, honest
        self.start = clock()
        self.requests: list[tuple[float, Request]] = []
        self.server = server
        self.url = server.url("/feed")

    def elapsed(self) -> float:
        return (self.clock() - self.start) / SECOND / DAY

    def prepare(self) -> None:
        """The server's next answer to a request with validators and to one without."""
        latest = [n for n in self.days if n + 10 / 24 <= self.elapsed() + 0.5]
        body = rss(*(item(n + 20, pubDate=day(n)) for n in reversed(latest)))
        tag = f'"{len(latest)}"' if self.honest else '"frozen"'

        async def answer(reader: object, writer: object) -> None:
            request = self.server.requests[-1]
            asked = request.headers.get("if-none-match")
            self.requests.append((self.elapsed(), request))
            same = asked == tag
            writer.write(http(304, ETag=tag) if same else http(body=body, ETag=tag))  # type: ignore[attr-defined]

        self.server.answers["/feed"] = [answer]

    def poll_for(self, poller: Poller, days: float) -> list[Round]:
        feed, rounds, states = Feed(self.url, "Paper"), [], dict[str, FeedState]()
        while self.elapsed() < days:
            self.prepare()
            rounds.append(poller.round([feed], states, self.clock(), patience=None))
            states = rounds[-1].states
            self.clock.now = states[self.url].due or self.clock.forward(HOUR)
        return rounds

    @property
    def unconditional(self) -> list[float]:
        return [when for when, request in self.requests if "if-none-match" not in request.headers]


def test_an_honest_server_in_its_usual_rhythm_is_never_asked_without_validators(
    server: FeedServer, poller: Poller, clock: Clock
) -> None:
    site = Site(server, clock, list(range(-5, 25)), honest=True)
    rounds = site.poll_for(poller, 14)
    assert site.unconditional == [0.0]
    assert not [failed for result in rounds for failed in result.failures]


def test_an_honest_server_whose_feed_falls_silent_is_asked_once_a_week_at_most(
    server: FeedServer, poller: Poller, clock: Clock
) -> None:
    site = Site(server, clock, list(range(-5, 2)), honest=True)
    rounds = site.poll_for(poller, 24)
    assert 2 <= len(site.unconditional) <= 4
    assert all(later - earlier >= 7 for earlier, later in pairwise(site.unconditional))
    assert not [failed for result in rounds for failed in result.failures]


def test_a_server_that_always_says_not_modified_is_found_out(server: FeedServer, poller: Poller, clock: Clock) -> None:
    site = Site(server, clock, list(range(-5, 25)), honest=False)
    rounds = site.poll_for(poller, 12)
    failures = [failed for result in rounds for failed in result.failures]
    assert [failed.reason for failed in failures] == ["lying-validators"]
    assert "since 2021-12-06" in failures[0].error
    first, found_out, *later = site.unconditional
    assert first == 0
    assert 7 <= found_out < 7.2
    assert len(later) >= 24, "from then on it is asked without"
    assert all(later - earlier >= 1 / 24 for earlier, later in pairwise(site.unconditional)), "and once an hour at most"
    heard = {int(entry.title.split()[2]) for result in rounds for entry in result.entries}
    assert heard >= set(range(15, 31))


def test_a_check_that_fails_is_not_made_again_at_every_poll(server: FeedServer, poller: Poller, clock: Clock) -> None:
    feed = Feed(server.on("/feed", http(body=rss(item(1)), ETag='"1"'), http(304)), "Paper")
    states = poller.round([feed], {}, clock(), patience=None).states
    clock.forward(8 * DAY)
    server.on("/feed", http(500), http(304))
    for _ in range(12):
        states = poller.round([feed], states, clock(), patience=None).states
        clock.now = states[feed.url].due or clock.forward(HOUR)
    asked = [request.headers.get("if-none-match") for request in server.requests]
    assert asked == [None, None] + ['"1"'] * 11


Change = Callable[[FeedState], FeedState]
OLD = Response(200, "https://paper.example/feed", {}, '"1"')
NEW = replace(OLD, etag='"2"')


def silent_for(days: float, usual: float = 0.2) -> tuple[FeedState, int]:
    feed = History()
    feed.get(story(1))
    state = replace(feed.state, validators=Validators(feed.feed.url, '"1"'), usual_silence=int(usual * DAY))
    return state, feed.clock.forward(days * DAY)


@pytest.mark.parametrize(
    ("days", "usual", "change", "expected"),
    [
        (7.1, 0.2, lambda state: state, True),
        (6.9, 0.2, lambda state: state, False),  # a week after the first request without
        (7.1, 1.9, lambda state: state, False),  # less than four times its usual silence
        (7.7, 1.9, lambda state: state, True),
        (6.9, 0, lambda state: state, False),
        (7.1, 0, lambda state: state, True),  # nothing is known of its rhythm
        (7.1, 0.2, lambda state: replace(state, validators=NO_VALIDATORS), False),
        (7.1, 0.2, lambda state: replace(state, first_read=0), False),
        (30, 0.2, lambda state: replace(state, changed_at=state.changed_at + 29 * DAY * SECOND + HOUR * SECOND), False),  # a day
        (30, 0.2, lambda state: replace(state, checked_at=state.changed_at + 24 * DAY * SECOND), False),
        (30, 0.2, lambda state: replace(state, checked_at=state.changed_at + 22 * DAY * SECOND), True),
        (30, 0.2, lambda state: replace(state, distrusted=state.changed_at + 10 * DAY * SECOND), False),
        (60, 0.2, lambda state: replace(state, distrusted=state.changed_at + 10 * DAY * SECOND), True),
        (7.1, 0.2, lambda state: replace(state, changed_at=0), True),  # a state of an earlier release
    ],
)
def test_when_a_check_is_wanted(days: float, usual: float, change: Change, expected: bool) -> None:
    state, now = silent_for(days, usual)
    assert trust.wants_check(change(state), now) is expected


@pytest.mark.parametrize(
    ("response", "dates", "expected"),
    [
        (OLD, [5.0], True),  # new entries under the same validators
        (OLD, [], False),
        (NEW, [2.0], True),  # it stood there while the server said that nothing had changed
        (NEW, [4.99], False),  # it may have come just now
        (NEW, [-1.0], False),  # it is older than the last document: an old entry brought back
        (NEW, [None], False),
        (NEW, [None, 2.0], True),
    ],
)
def test_what_proves_a_lie(response: Response, dates: list[float | None], expected: bool) -> None:
    state, now = silent_for(5)
    state = replace(state, last_read=now)
    moments = [None if days is None else state.changed_at + int(days * DAY) * SECOND for days in dates]
    assert trust.has_lied(state, response, moments) is expected


def test_the_usual_silence_is_the_longest_but_for_one_old_entry_that_is_pinned() -> None:
    now = 100 * DAY * SECOND

    def usual(*ages: float, observed: int = 0) -> float:
        return trust.usual_silence(
            [story(n, published=now - int(age * DAY) * SECOND) for n, age in enumerate(ages)], now, observed
        )

    assert usual(0, 1, 3) == 2 * DAY
    assert usual(0, 1, 2, 3, 90) == DAY
    assert usual() == usual(5) == 0
    assert usual(5, observed=DAY) == DAY
    assert usual(0, 80) == trust.LONGEST_SILENCE
    assert trust.usual_silence([story(1, published=None), story(2, published=now + 1)], now) == 0
