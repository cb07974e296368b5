"""What is asked for, what is read of a page, and what a site allows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest
from articles import PAGE, SENTENCES, entry
from feed_server import Clock, FeedServer, http
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.report import Report
from transforms.feeds.fetch import Fetcher, FetchError
from transforms.feeds.parsers import Parsers
from transforms.feeds.politeness import HostTurns
from transforms.fulltext.extract import PROGRAM, read_page
from transforms.fulltext.requests import is_wanted, read_request, request_message
from transforms.fulltext.robots import Robots

URL = "https://paper.example/1"
LONG = "word " * 60


@pytest.mark.parametrize(
    ("fields", "outcome", "relation", "wanted"),
    [
        ({}, "relevant", "new", True),
        ({}, "relevant", "update", True),
        ({}, "relevant", "duplicate", True),
        ({}, "relevant", "replay", False),
        ({}, "not relevant", "", False),
        ({"summary": LONG}, "relevant", "new", False),
        ({"summary": "word " * 59}, "relevant", "new", True),
        ({"text": LONG}, "relevant", "update", False),
        ({"backfill": True}, "relevant", "new", False),
        ({"url": ""}, "relevant", "new", False),
    ],
)
def test_the_page_of_news_that_its_feed_says_little_about_is_wanted(
    fields: dict[str, object], outcome: str, relation: str, wanted: bool
) -> None:
    report = Report("watch", entry(**{"url": URL} | fields), outcome=outcome, relation=relation)  # type: ignore[arg-type]
    assert is_wanted(report) == wanted


def test_a_request_says_what_it_is_about_and_brings_the_entry() -> None:
    message = request_message(entry(URL, title="Fähren kehren um"))
    told = json.loads(message.data)
    assert {name: told[name] for name in ("id", "version", "url", "feed")} == {
        "id": "e1",
        "version": 1,
        "url": URL,
        "feed": "https://paper.example/feed",
    }
    assert read_request(message.data) == entry(URL, title="Fähren kehren um")


def test_a_tick_is_no_request() -> None:
    assert read_request(b'{"time": 1638790000.5}') is None


@pytest.mark.parametrize(
    "data", [b"", b"junk", b"[]", b"null", b"{}", b'{"entry": {}}', b'{"entry": 5}', b"[" * 100_000, b"\xff"]
)
def test_what_is_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_request(data)


def test_the_article_is_taken_out_of_its_page() -> None:
    (article,) = read_page(PAGE.encode(), "text/html", URL).items
    assert all(sentence in article.text for sentence in SENTENCES)
    assert not any(words in article.text for words in ("First!", "Sport", "newsletter", "track()", "<p>"))


@pytest.mark.parametrize("body", [b"", b"   ", b"<html><body></body></html>", b"\x00\x01\x02", b'{"a": 1}'])
def test_a_page_without_an_article_is_said_to_have_none(body: bytes) -> None:
    assert read_page(body, "text/html", URL).kind == "no-text"


@given(st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_page_is_read_or_refused_without_an_exception(noise: bytes) -> None:
    page = PAGE.encode()
    for body in (noise, page[:300] + noise + page[300:], page[: len(noise) * 3] + noise):
        assert read_page(body, "text/html", URL).kind in ("page", "no-text")


def test_a_page_is_read_in_a_process_of_its_own() -> None:
    import sys

    async def main() -> object:
        parsers = Parsers(workers=1, command=(sys.executable, "-c", PROGRAM))
        try:
            return await parsers.read(PAGE.encode(), "text/html", URL)
        finally:
            await parsers.close()

    assert asyncio.run(main()) == read_page(PAGE.encode(), "text/html", URL)


async def may_read(robots: Robots, fetcher: Fetcher, url: str) -> bool:
    """Whether the page may be fetched; a site that cannot say lets none."""
    try:
        return await robots.allow(fetcher, url)
    except FetchError:
        return False


def allowed(server: FeedServer, paths: Sequence[str], clock: Clock | None = None) -> list[bool]:
    async def main() -> list[bool]:
        fetcher = Fetcher("Vedette-tests/1", HostTurns(gap=0.0), 2.0, True)
        robots = Robots("Vedette-tests", clock or Clock())
        try:
            return [await may_read(robots, fetcher, server.url(path)) for path in paths]
        finally:
            await fetcher.close()

    return asyncio.run(main())


RULES = """User-agent: *
Disallow: /

User-agent: vedette-tests
Allow: /news/open
Disallow: /news/
Disallow: /*.pdf$
"""


def test_a_site_is_asked_once_and_its_rules_are_kept(server: FeedServer) -> None:
    server.on("/robots.txt", http(body=RULES, Content_Type="text/plain"))
    paths = ["/", "/news/1", "/news/open/1", "/report.pdf", "/report.pdf?x=1"]
    assert allowed(server, paths) == [True, False, True, False, True]
    assert len(server.requests) == 1


@pytest.mark.parametrize(("status", "may"), [(404, True), (403, True), (410, True), (429, False), (500, False), (503, False)])
def test_a_site_without_rules_allows_all_and_one_in_trouble_nothing(server: FeedServer, status: int, may: bool) -> None:
    server.on("/robots.txt", http(status))
    assert allowed(server, ["/news/1"]) == [may]


def test_many_pages_of_a_site_ask_for_its_rules_once(server: FeedServer) -> None:
    server.on("/robots.txt", http(body=RULES))

    async def main() -> list[bool]:
        fetcher = Fetcher("Vedette-tests/1", HostTurns(gap=0.0), 2.0, True)
        robots = Robots("Vedette-tests", Clock())
        try:
            return await asyncio.gather(*(robots.allow(fetcher, server.url(f"/{n}")) for n in range(20)))
        finally:
            await fetcher.close()

    assert asyncio.run(main()) == [True] * 20
    assert len(server.requests) == 1


def test_rules_are_read_again_after_a_day_and_a_site_in_trouble_is_asked_again_after_an_hour(server: FeedServer) -> None:
    server.on("/robots.txt", http(500), http(body=RULES), http(body=""))
    clock = Clock()

    async def main() -> list[bool]:
        fetcher = Fetcher("Vedette-tests/1", HostTurns(gap=0.0), 2.0, True)
        robots = Robots("Vedette-tests", clock)
        found = []
        try:
            for hours in (0, 0.5, 0.6, 23, 1.5):
                clock.forward(hours * 3600)
                found.append(await may_read(robots, fetcher, server.url("/news/1")))
                found.append(await may_read(robots, fetcher, server.url("/")))
        finally:
            await fetcher.close()
        return found

    assert asyncio.run(main()) == [False, False, False, False, False, True, False, True, True, True]
    assert len(server.requests) == 3


def test_a_site_that_does_not_answer_allows_nothing(server: FeedServer) -> None:
    server.on("/robots.txt", b"220 mail.example ready\r\n")
    assert allowed(server, ["/news/1"]) == [False]
