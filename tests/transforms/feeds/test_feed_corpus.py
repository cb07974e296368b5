"""Feeds of every format and disease, and mutations of them: none raises, none hangs, and no item is lost without a word.

`make feeds-corpus` does the same with the test data of other projects.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from corpus import NOW, OWN, account, own
from mutations import mutate

from transforms.feeds.counting import beginnings, count_items
from transforms.feeds.document import Document
from transforms.feeds.parse import read_document
from transforms.feeds.recent import RecentReader

URL = "https://harbour.example/feed"
EXPECTED: dict[str, dict[str, Any]] = yaml.safe_load((OWN / "corpus.yaml").read_text(encoding="utf-8"))


def test_every_feed_of_the_corpus_is_expected() -> None:
    assert {name for _, name, _ in own()} == EXPECTED.keys()


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_what_a_feed_gives(name: str) -> None:
    body = (OWN / name).read_bytes()
    document = read_document(body, "", URL)
    dead = sum(bad.items for bad in document.bad_items)
    assert {"kind": document.kind, "items": len(document.items), "dead": dead} == EXPECTED[name]
    result = account(body)
    assert not result.wrong
    assert (result.unaccounted, result.beyond if result.exact else 0) == (0, 0)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_no_item_is_lost_however_a_feed_is_broken(name: str) -> None:
    body = (OWN / name).read_bytes()
    for n in range(20):
        broken = mutate(body, f"{name} {n}")
        result = account(broken, body)
        assert not result.is_wrong, (n, result, broken)


def test_what_hurts_comes_out_clean() -> None:
    def items(name: str) -> list[Any]:
        return list(read_document((OWN / name).read_bytes(), "", URL).items)

    assert [item.link for item in items("script-links.xml")] == ["", ""]
    assert [item.title for item in items("bidi.xml")] == ["Ferry kcab snrut now"]
    assert [item.title for item in items("external-entity.xml")] in (["Ferry turns"], ["Ferry &x; turns"])
    assert len(items("laughs.xml")[0].title) < 100
    assert [item.title for item in items("windows-1251.xml")] == ["Паром повернул назад"]
    assert [item.title for item in items("escaped-twice.xml")] == ["Ferry & convoy"]
    dated = [item.published is not None and abs(item.published - NOW) < 86_400e6 for item in items("dates.xml")]
    assert dated == [False, False, True, False, False, False, True]


def test_where_items_begin() -> None:
    assert beginnings(b"<item><!-- <item> --><x:Entry/><![CDATA[<entry>]]><items><ITEM a='1'>") == [0, 21, 57]
    assert count_items("<item/><item>".encode("utf-16")) == 2
    assert count_items(b"<item> <!-- never closed <item>") == 2
    assert count_items(b"<!--" * 200_000 + b"<item>") == 1


def test_items_beyond_the_limit_are_counted() -> None:
    many = json.dumps(
        {"version": "https://jsonfeed.org/version/1.1", "items": [{"id": str(i), "title": "x"} for i in range(2500)]}
    )
    assert account(many.encode()).dead == 500
    assert read_document(many.encode(), "", URL).bad_items[0].items == 500


def test_the_books_notice_a_loss() -> None:
    result = account(Path(OWN / "rss20.xml").read_bytes())
    assert (result.begun, result.emitted, result.unaccounted) == (2, 2, 0)
    assert type(result)(begun=3, emitted=1, dead=1).is_wrong


def test_what_is_beyond_the_limit_does_not_cost_the_reader_its_budget() -> None:
    items = b"".join(b"<item><title>Report %d</title></item>" % n for n in range(50_000))
    whole = b'<rss version="2.0"><channel><title>Paper</title>' + items + b"</channel></rss>"
    document = read_document(whole, "", URL)
    assert (len(document.items), document.items[-1].title, document.complaint) == (2000, "Report 1999", "")
    assert [(bad.reason, bad.items) for bad in document.bad_items] == [("too-many-items", 48_000)]


def feed_of(*numbers: int, head: str = "", between: str = "") -> bytes:
    items = between.join(f"<item><title>Report {n}</title><guid>{n}</guid></item>" for n in numbers)
    return f'<rss version="2.0"><channel><title>Paper</title>{head}{items}</channel></rss>'.encode()


def reads(monkeypatch: pytest.MonkeyPatch, *bodies: bytes) -> list[int]:
    """How many items reach the parser for each of a feed's states, one after the other; what is read is always the same."""
    passed: list[int] = []

    def counting(body: bytes, content_type: str, url: str) -> Document:
        passed.append(count_items(body))
        return read_document(body, content_type, url)

    monkeypatch.setattr("transforms.feeds.recent.read_document", counting)
    reader = RecentReader()
    for body in bodies:
        assert reader.read(body, "", URL) == read_document(body, "", URL)
    return passed


def test_only_what_is_new_in_a_feed_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    built = "<lastBuildDate>Mon, 06 Dec 2021 1{}:00:00 GMT</lastBuildDate>"
    states = [feed_of(*range(n + 20, n, -1), head=built.format(n)) for n in range(4)]
    assert reads(monkeypatch, *states) == [20, 2, 2, 2]


@pytest.mark.parametrize(
    "then",
    [
        feed_of(3, 2, 1, head="<language>de</language>"),
        feed_of(3, 2, 1, between="<link>https://other.example/</link>"),
        feed_of(3, 2, 1)[:-30],
        feed_of(3, 2, 1).replace(b"Report 3", b"Report & 3"),
    ],
)
def test_a_feed_with_another_head_or_a_fault_is_read_whole(monkeypatch: pytest.MonkeyPatch, then: bytes) -> None:
    assert reads(monkeypatch, feed_of(2, 1, 0), then)[-1] == 3


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.feeds.recent.REMEMBERED", 3000)
    reader = RecentReader()
    for n in range(50):
        reader.read(feed_of(*range(10)), "", f"{URL}/{n}")
    assert reader._size <= 3000
    assert 0 < len(reader._seen) < 10
    reader.read(b"<rss><channel>" + b"<item><title>x</title></item>" * 10_000, "", f"{URL}/large")
    assert f"{URL}/large" not in reader._seen
