"""feeds check: each disease with what is wrong and what to do, in one table."""

from __future__ import annotations

import asyncio
import gzip
import io
from pathlib import Path

import pytest
from feed_server import Answer, Clock, FeedServer, http, item, rss
from rich.console import Console

from schemas.config import ConfigError
from transforms.feeds.check import ADVICE, Row, check_feeds, feeds_table

WHOLE = rss(item(1), item(2), item(3))
JSON_FEED = '{"version": "https://jsonfeed.org/version/1.1", "title": "Paper", "expired": true, "items": [%s]}'
JSON_ITEM = '{"id": "1", "title": "A last word", "url": "https://paper.example/last", "date_published": "2021-12-06T10:00:00Z"}'


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


def page(title: str, body: str = "") -> bytes:
    return http(
        body=f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{body}</body></html>", Content_Type="text/html"
    )


# Each disease: what the server answers, and the status that the check is to give it.
DISEASES: dict[str, tuple[Answer, str]] = {
    "Well": (http(body=WHOLE), "well"),
    "Undated": (http(body=rss(item(4, pubDate=""), item(5))), "weak"),
    "Stale": (http(body=rss(item(6, pubDate="Mon, 06 Jan 2020 10:00:00 GMT"))), "weak"),
    "Without entries": (http(body=rss()), "weak"),
    "Without links": (http(body=rss(item(7, link="", guid="seven"))), "weak"),
    "Empty item": (http(body=rss(item(8), "<item><guid>9</guid></item>")), "weak"),
    "Broken in the middle": (http(body=WHOLE.replace(b"<title>Report number 2", b"<title>Report & <b number 2")), "weak"),
    "Moved": (http(301, Location="/Well"), "weak"),
    "Cut off": (http(body=WHOLE[:-80]), "cut-off"),
    "Ended": (http(body=JSON_FEED % JSON_ITEM, Content_Type="application/feed+json"), "expired"),
    "Page": (page("[red]The Paper", '<link type="application/rss+xml" href="/feed">'), "not-a-feed-html"),
    "Login": (page("Sign in to The Paper"), "login"),
    "Consent": (page("Before you continue"), "consent"),
    "Parked": (page("paper.example", "This domain is for sale"), "parked"),
    "Challenge": (http(403, cf_mitigated="challenge"), "challenge"),
    "Challenge, as a page": (page("Just a moment..."), "challenge"),
    "Empty": (http(body=b""), "not-a-feed-empty"),
    "Picture": (http(body=b"\x89PNG\r\n\x1a\n" + b"\x00" * 100), "not-a-feed-binary"),
    "API": (http(body='{"status": "ok"}'), "not-a-feed-json-other"),
    "Sitemap": (http(body='<?xml version="1.0"?><urlset></urlset>'), "not-a-feed-xml-other"),
    "Text": (http(body="no feed here"), "not-a-feed-unreadable"),
    "Locked": (http(401), "unauthorized"),
    "Forbidden": (http(403), "forbidden"),
    "Missing": (http(404), "not-found"),
    "Gone": (http(410), "gone"),
    "Too often": (http(429, Retry_After="3600"), "rate-limited"),
    "Teapot": (http(418), "http-status"),
    "Error": (http(500), "server-error"),
    "Maintenance": (http(503), "unavailable"),
    "Never asked": (http(304), "unexpected-304"),
    "Loop": (http(302, Location="/Loop"), "redirect"),
    "Inside": (http(302, Location="http://169.254.169.254/latest/meta-data"), "address-refused"),
    "Bomb": (http(body=gzip.compress(b" " * 30_000_000), Content_Encoding="gzip"), "too-large"),
    "Damaged": (http(body=b"\x1f\x8b\x08broken", Content_Encoding="gzip"), "encoding"),
    "Gibberish": (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "bad-response"),
    "Hanging": (silence, "timeout"),
}


def diseases(server: FeedServer) -> str:
    """An OPML list with one feed of each disease; the last two have no server behind them that could answer."""
    urls = {name: server.on(f"/{name.replace(' ', '-').replace(',', '')}", answer) for name, (answer, _) in DISEASES.items()}
    urls |= {"Nobody there": "http://127.0.0.1:9/feed", "Not secure": server.url("/Well").replace("http:", "https:")}
    outlines = "".join(f'<outline text="{name}" xmlUrl="{url}"/>' for name, url in urls.items())
    return f'<opml version="2.0"><body>{outlines}</body></opml>'


def shown(rows: list[Row], width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(feeds_table(rows))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_each_disease_is_named_with_what_is_wrong_and_what_to_do(server: FeedServer, tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "feeds.opml"
    path.write_text(diseases(server))
    rows = check_feeds(path, allow_local=True, deadline=1.0, clock=clock)
    expected = {name: status for name, (_, status) in DISEASES.items()} | {"Nobody there": "connect", "Not secure": "tls"}
    assert {row.feed.outlet: row.status for row in rows} == expected
    assert [row.feed.outlet for row in rows if not row.problems] == ["Well"]
    assert not [row.feed.outlet for row in rows if row.problems and not row.advice]
    by_name = {row.feed.outlet: row for row in rows}
    assert by_name["Moved"].entries == 3
    assert f"list {server.url('/Well')} instead" in by_name["Moved"].advice
    assert by_name["Undated"].problems == ("1 of 2 entries do not have a date that can be true",)
    assert by_name["Cut off"].entries == 2
    assert not any(problem.startswith("[") for row in rows for problem in row.problems)

    for width in (100, 140):
        lines = shown(rows, width).splitlines()
        assert max(len(line) for line in lines) <= width
        assert lines[-1].strip() == f"1 of {len(rows)} feeds are well"
    words = " ".join(shown(rows, 140).split())
    assert "take the feed off the list" in words
    assert "2021-12-06 10:02" in words
    assert all(row.feed.outlet in words for row in rows)


def test_no_status_or_reason_is_left_without_advice() -> None:
    assert {status for _, status in DISEASES.values()} - {"well", "weak"} <= ADVICE.keys()


def test_feeds_of_a_host_that_wants_to_be_left_alone_are_not_asked(server: FeedServer, tmp_path: Path, clock: Clock) -> None:
    urls = [server.on(f"/{n}", http(429)) for n in range(8)]
    path = tmp_path / "feeds.opml"
    path.write_text("<opml><body>" + "".join(f'<outline text="{url}" xmlUrl="{url}"/>' for url in urls) + "</body></opml>")
    rows = check_feeds(path, allow_local=True, clock=clock)
    assert {row.status for row in rows} == {"rate-limited"}
    assert all(row.problems and row.advice for row in rows)
    assert len(server.requests) < 8


def test_an_address_inside_is_refused_unless_it_is_allowed(server: FeedServer, tmp_path: Path) -> None:
    path = tmp_path / "feeds.opml"
    path.write_text(f'<opml><body><outline text="A" xmlUrl="{server.on("/feed", http(body=rss(item(1))))}"/></body></opml>')
    (row,) = check_feeds(path)
    assert row.status == "address-refused"
    assert "--allow-local-addresses" in row.advice[0]
    assert not server.requests


def test_a_list_that_is_wrong_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        check_feeds(tmp_path / "feeds.opml")
