"""Gaps: every document that shows nothing known is reported, and closed where the feed keeps earlier pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from feed_history import DAY, History, story, titles
from feed_server import Clock, FeedServer, http, item, rss

from schemas.records import micros
from transforms.feeds import gaps
from transforms.feeds.document import Document
from transforms.feeds.opml import Feed
from transforms.feeds.parse import read_document
from transforms.feeds.poller import Poller, PollOptions, Round

OPTIONS = PollOptions(host_gap=0, deadline=2, allow_local_addresses=True, longest_interval=3600)


def stories(*numbers: int) -> list[object]:
    return [story(n) for n in numbers]


def test_a_document_that_shows_nothing_known_is_reported_and_polled_sooner() -> None:
    feed = History(longest=3600)
    feed.get(*stories(1, 2, 3, 4))
    for _ in range(12):
        feed.after(3600).get(*stories(1, 2, 3, 4))
    assert feed.pause == pytest.approx(60, rel=0.06)
    taken = feed.after(3600).get(*stories(11, 12, 13, 14))
    (gap,) = taken.failures
    assert (gap.reason, gap.subject) == ("possible-gap", feed.feed.url)
    assert "none of the 4 entries was known from the document of 2021-12-07 00:00 UTC" in gap.error
    assert taken.counts["gaps"] == 1
    assert len(taken.entries) == 4
    assert feed.pause == pytest.approx(15, rel=0.06)


def test_each_gap_is_reported() -> None:
    feed = History()
    reported = [feed.after(900).get(*stories(*range(n * 10, n * 10 + 5))).counts["gaps"] for n in range(10)]
    assert reported == [0] + [1] * 9


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((1, 2, 3), (3, 4, 5)),  # one is still there
        ((1, 2, 3), (11, 12)),  # too short to tell
        ((), (1, 2, 3)),  # there was nothing
    ],
)
def test_what_is_no_gap(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    feed = History()
    feed.get(*stories(*before))
    assert feed.after().get(*stories(*after)).counts["gaps"] == 0


def test_the_first_document_an_answer_in_part_and_a_feed_with_new_guids_are_no_gap() -> None:
    feed = History()
    assert feed.get(*stories(1, 2, 3, 4, 5)).counts["gaps"] == 0
    assert feed.after().get(*stories(11, 12, 13), status=226).counts["gaps"] == 0
    moved = [story(n, guid=f"urn:{n}", link=f"https://other.example/?p={n}", published=None) for n in range(1, 6)]
    taken = feed.after().get(*moved)
    assert (taken.counts["gaps"], taken.counts["rekeyed"], titles(taken)) == (0, 1, [])


def test_an_entry_that_was_edited_beyond_recognition_still_closes_the_gap() -> None:
    feed = History()
    feed.get(*stories(1, 2, 3))
    assert feed.after().get(story(3, title="Otherwise", summary="Quite."), story(11), story(12)).counts["gaps"] == 0


def test_earlier_pages_add_what_came_since_the_last_document_and_nothing_older() -> None:
    feed = History()
    feed.get(*stories(8, 9, 10))
    old = [story(n, published=micros("2021-11-01")) for n in (1, 2)]
    pages = [Document("rss", items=tuple(stories(13, 12, 11))), Document("rss", items=(story(10), story(7), *old))]
    found = gaps.search(feed.feed.name, feed.state, stories(16, 15, 14, 13), pages)  # type: ignore[arg-type]
    assert found.closed
    assert [one.title for one in found.missing] == ["Convoy 12 crosses the river", "Convoy 11 crosses the river"]
    unclosed = gaps.search(feed.feed.name, feed.state, stories(16, 15, 14), [pages[0], Document("rss", items=tuple(old))])  # type: ignore[arg-type]
    assert not unclosed.closed
    assert len(unclosed.missing) == 3


def test_where_a_document_names_its_earlier_page() -> None:
    url = "https://paper.example/feed"
    atom = '<feed xmlns="http://www.w3.org/2005/Atom"><title>P</title>{}</feed>'
    link = '<link rel="{}" href="{}"/>'
    read = {
        name: read_document(text.encode(), "", url).earlier
        for name, text in {
            "archive": atom.format(link.format("prev-archive", "/2021/11")),
            "paged": atom.format(link.format("next", "?page=2")),
            "both": atom.format(link.format("next", "?page=2") + link.format("prev-archive", "/2021/11")),
            "neither": atom.format(link.format("self", "/feed") + link.format("alternate", "/")),
            "script": atom.format(link.format("next", "javascript:alert(1)")),
            "rss": rss(item(1), extra='<a:link xmlns:a="http://www.w3.org/2005/Atom" rel="next" href="?page=2"/>').decode(),
            "json": '{"version": "https://jsonfeed.org/version/1.1", "next_url": "https://paper.example/2.json", "items": []}',
        }.items()
    }
    assert read == {
        "archive": "https://paper.example/2021/11",
        "paged": "https://paper.example/feed?page=2",
        "both": "https://paper.example/2021/11",
        "neither": "",
        "script": "",
        "rss": "https://paper.example/feed?page=2",
        "json": "https://paper.example/2.json",
    }


def test_a_page_on_another_host_or_a_page_that_was_read_is_not_asked() -> None:
    def after(earlier: str) -> str:
        return gaps.next_page(Document("rss", earlier=earlier), "https://paper.example/feed", ["https://paper.example/2"])

    assert after("https://paper.example/3") == "https://paper.example/3"
    assert after("https://paper.example/2") == ""
    assert after("https://paper.example/feed") == ""
    assert after("https://other.example/feed") == ""


@pytest.fixture
def poller(clock: Clock) -> Iterator[Poller]:
    with Poller(OPTIONS, clock) as running:
        yield running


def link(path: str) -> str:
    return f'<a:link xmlns:a="http://www.w3.org/2005/Atom" rel="next" href="{path}"/>'


def page(numbers: range, then: str = "") -> bytes:
    return http(body=rss(*(item(n) for n in reversed(numbers)), extra=link(then) if then else ""))


def polled(poller: Poller, clock: Clock, feed: Feed, before: Round | None = None) -> Round:
    return poller.round([feed], before.states if before else {}, clock.forward(4000), patience=None)


def numbers(result: Round) -> list[int]:
    return sorted(int(entry.title.split()[2]) for entry in result.entries)


def test_a_burst_is_recovered_from_the_archive_and_nothing_is_asked_needlessly(
    server: FeedServer, poller: Poller, clock: Clock
) -> None:
    url = server.on("/feed", page(range(0, 10), "/2"), page(range(5, 15), "/2"), page(range(30, 40), "/2"))
    server.on("/2", page(range(20, 30), "/3"))
    server.on("/3", page(range(10, 20), "/4"))
    server.on("/4", page(range(0, 10)))
    feed = Feed(url, "Paper")
    first = polled(poller, clock, feed)
    second = polled(poller, clock, feed, first)
    assert (numbers(second), [r.path for r in server.requests]) == (list(range(10, 15)), ["/feed", "/feed"])
    third = polled(poller, clock, feed, second)
    assert numbers(third) == list(range(15, 40))
    assert not any(entry.backfill for entry in third.entries)
    assert [r.path for r in server.requests[2:]] == ["/feed", "/2", "/3"]
    assert (third.counts["gaps-closed"], third.counts["gaps"], third.failures) == (1, 0, ())
    assert server.open_most <= 2


def test_pages_are_read_within_a_budget_and_the_gap_that_is_left_is_reported(
    server: FeedServer, poller: Poller, clock: Clock
) -> None:
    url = server.on("/feed", page(range(0, 10)), page(range(200, 210), "/2"))
    for n in range(2, 10):
        server.on(f"/{n}", page(range(200 - 10 * n, 210 - 10 * n), f"/{n + 1}"))
    feed = Feed(url, "Paper")
    second = polled(poller, clock, feed, polled(poller, clock, feed))
    assert len(server.requests) == 2 + gaps.PAGES
    assert len(second.entries) == 10 + 10 * gaps.PAGES
    assert [failed.reason for failed in second.failures] == ["possible-gap"]
    assert f"{gaps.PAGES} earlier pages did not reach it" in second.failures[0].error


def test_an_earlier_page_that_fails_costs_nothing_but_the_gap(server: FeedServer, poller: Poller, clock: Clock) -> None:
    url = server.on("/feed", page(range(0, 10)), page(range(200, 210), "/2"))
    server.on("/2", http(500))
    feed = Feed(url, "Paper")
    second = polled(poller, clock, feed, polled(poller, clock, feed))
    assert numbers(second) == list(range(200, 210))
    assert [failed.reason for failed in second.failures] == ["possible-gap"]
    assert second.states[url].trouble == ""


def test_a_gap_over_days_of_downtime_is_a_gap() -> None:
    feed = History()
    feed.get(*stories(1, 2, 3))
    feed.state = replace(feed.state, due=feed.clock())
    assert feed.after(3 * DAY).get(*stories(40, 41, 42)).counts["gaps"] == 1
