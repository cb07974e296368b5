"""feeds check: each disease with what is wrong and what to do, in one table."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from feed_server import Clock, FeedServer, http, item, rss
from rich.console import Console

from schemas.config import ConfigError
from transforms.feeds.check import check_feeds, feeds_table


def test_what_is_wrong_and_what_to_do(server: FeedServer, tmp_path: Path, clock: Clock) -> None:
    answers = {
        "Well": http(body=rss(item(1), item(2))),
        "Page": http(body="<html><title>[red]Sign in</title></html>"),
        "Gone": http(410),
        "Undated": http(body=rss(item(3, pubDate=""), item(4))),
        "Stale": http(body=rss(item(5, pubDate="Mon, 06 Jan 2020 10:00:00 GMT"))),
        "Bare": http(body=rss()),
        "Cut": http(body=rss(item(6), item(7))[:-80]),
    }
    urls = {name: server.on(f"/{name}", answer) for name, answer in answers.items()}
    outlines = "".join(f'<outline text="{name}" xmlUrl="{url}"/>' for name, url in urls.items())
    path = tmp_path / "feeds.opml"
    path.write_text(f'<opml version="2.0"><body>{outlines}</body></opml>')
    rows = check_feeds(path, allow_local=True, clock=clock)
    found = {row.feed.outlet: (row.status, row.entries, bool(row.problems)) for row in rows}
    assert found == {
        "Well": ("well", 2, False),
        "Page": ("not-a-feed-html", 0, True),
        "Gone": ("gone", 0, True),
        "Undated": ("weak", 2, True),
        "Stale": ("weak", 1, True),
        "Bare": ("weak", 0, True),
        "Cut": ("cut-off", 1, True),
    }
    assert all(row.advice for row in rows if row.problems)
    console = Console(file=io.StringIO(), width=160)
    console.print(feeds_table(rows))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "1 of 7 feeds are well" in shown
    assert "1 of 2 entries do not have a date" in shown
    assert "take the feed off the list" in shown
    assert "2021-12-06 10:02" in shown


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
