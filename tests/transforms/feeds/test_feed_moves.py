"""Permanent redirects are adopted slowly and given up quickly; the feed stays the same feed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from feed_history import DAY, FEED, History, story, titles
from feed_server import Clock, FeedServer, http, item, rss

from transforms.feeds.document import Document
from transforms.feeds.fetch import FetchError, Response
from transforms.feeds.intake import Outcome, Taken
from transforms.feeds.moves import target_of
from transforms.feeds.opml import Feed
from transforms.feeds.poller import Poller, PollOptions

NEW = "https://new.example/feed"


def moved(feed: History, *hops: int, to: str = NEW, status: int = 200, kind: str = "rss", **changes: object) -> Taken:
    """A poll that was redirected with these statuses."""
    response = Response(status, to, {}, hops=tuple((hop, FEED.url) for hop in hops))
    document = replace(Document(kind, items=(story(1),)), **changes) if status == 200 else None
    return feed.take(Outcome(feed.clock(), None, response, document))


def adopted() -> History:
    feed = History()
    for _ in range(3):
        moved(feed, 301)
        feed.after(DAY / 2)
    assert feed.state.address == NEW
    return feed


def test_a_move_is_adopted_after_three_polls_over_a_day() -> None:
    feed = History()
    addresses = []
    for hours in (0, 6, 6, 6, 6):
        moved(feed.after(hours * 3600), 301)
        addresses.append(feed.state.address)
    assert addresses == ["", "", "", "", NEW]
    seldom = History()
    for _ in range(2):
        moved(seldom.after(2 * DAY), 308)
        assert seldom.state.address == ""
    moved(seldom.after(2 * DAY), 301, 308)
    assert seldom.state.address == NEW


@pytest.mark.parametrize(
    ("hops", "to"),
    [
        ((302,), NEW),
        ((301, 302), NEW),
        ((307, 301), NEW),
        ((303,), NEW),
        ((301,), "http://new.example/feed"),  # it would give up https
        ((301,), "https://name:password@new.example/feed"),
        ((), FEED.url),
    ],
)
def test_what_is_never_adopted(hops: tuple[int, ...], to: str) -> None:
    feed = History()
    for _ in range(6):
        moved(feed.after(DAY), *hops, to=to)
    assert (feed.state.address, feed.state.moving) == ("", ("", 0, 0))


def test_https_may_be_gained() -> None:
    response = Response(200, "https://paper.example/feed", {}, hops=((301, "http://paper.example/feed"),))
    assert target_of(response) == "https://paper.example/feed"


@pytest.mark.parametrize(
    "between", [lambda feed: moved(feed), lambda feed: moved(feed, 302), lambda feed: moved(feed, 301, to=NEW + "2")]
)
def test_a_single_other_answer_begins_the_count_anew(between: Callable[[History], Taken]) -> None:
    feed = History()
    moved(feed, 301)
    moved(feed.after(DAY), 301)
    between(feed.after(DAY))
    moved(feed.after(DAY), 301)
    moved(feed.after(DAY / 2), 301)
    assert feed.state.address == ""
    moved(feed.after(DAY / 2), 301)
    assert feed.state.address == NEW


def test_a_move_to_what_is_no_feed_does_not_count() -> None:
    feed = History()
    for _ in range(5):
        moved(feed.after(DAY), 301, kind="html", items=(), complaint="it is a web page, not a feed")
        moved(feed.after(DAY), 301, status=404)
    assert feed.state.address == ""


@pytest.mark.parametrize("status", [404, 410])
def test_the_listed_address_is_asked_again_when_the_new_one_is_lost(status: int) -> None:
    feed = adopted()
    assert feed.status(status).failures
    assert feed.state.address == ""
    assert feed.state.due is not None, "a 410 at the new address does not end the feed"
    assert feed.after(DAY).status(410).failures
    assert feed.state.due is None


def test_the_listed_address_is_asked_again_when_the_new_one_shows_a_page_or_keeps_failing() -> None:
    feed = adopted()
    moved(feed, kind="html", items=(), complaint="a page")
    assert feed.state.address == ""
    feed = adopted()
    for expected in (NEW, NEW, ""):
        feed.after().take(Outcome(feed.clock(), FetchError("timeout", "no answer")))
        assert feed.state.address == expected


def test_the_feed_keeps_its_name_and_its_entries() -> None:
    feed = History()
    (before,) = feed.get(story(1)).entries
    for _ in range(3):
        moved(feed.after(DAY), 301)
    taken = moved(feed.after(), items=(story(1), story(2)))
    assert titles(taken) == ["Convoy 2 crosses the river"]
    assert taken.entries[0].feed == before.feed == FEED.url


@pytest.fixture
def poller(clock: Clock) -> Iterator[Poller]:
    options = PollOptions(host_gap=0, deadline=2, allow_local_addresses=True, longest_interval=0)
    with Poller(options, clock) as running:
        yield running


def test_on_the_wire_a_redirect_is_followed_until_it_is_adopted_and_again_when_it_is_lost(
    server: FeedServer, poller: Poller, clock: Clock
) -> None:
    body = rss(item(1), item(2))
    old = server.on("/old", http(301, Location="/new"))
    server.on("/new", http(body=body, ETag='"1"'), *[http(304)] * 4, http(404), http(body=body))
    feed, states, asked = Feed(old, "Paper"), {}, []
    for _ in range(8):
        before = len(server.requests)
        result = poller.round([feed], states, clock(), patience=None)
        states = result.states
        asked.append([request.path for request in server.requests[before:]])
        clock.forward(DAY / 2 + 1)
    assert asked[:3] == [["/old", "/new"]] * 3
    assert asked[3:6] == [["/new"]] * 3
    assert asked[6:] == [["/old", "/new"]] * 2
    assert [request.headers.get("if-none-match") for request in server.asked("/new")][:6] == [None] + ['"1"'] * 5
    assert list(states) == [old]
