"""What the bytes of a feed say: every format, broken ones too, and never a surprise for whoever reads the text."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from feed_server import item, rss
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import iso, micros
from transforms.feeds.clean import plain, plain_line, web_url
from transforms.feeds.dates import parse_date
from transforms.feeds.document import Document, from_bytes, to_bytes
from transforms.feeds.items import language_tag
from transforms.feeds.parse import read_document
from transforms.feeds.parsers import Parsers

URL = "https://paper.example/feed"
ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en-GB">
  <title>Paper</title><link href="https://paper.example/"/>
  <entry>
    <id>tag:paper.example,2021:7</id><title type="html">Envoys &amp;amp; generals &lt;em&gt;meet&lt;/em&gt;</title>
    <link rel="enclosure" href="https://paper.example/7.mp3"/><link rel="alternate" href="/7"/>
    <published>2021-12-06T10:00:00+01:00</published><updated>2021-12-06T12:00:00Z</updated>
    <summary>They met.</summary>
    <content type="html">&lt;p&gt;They met for an hour.&lt;/p&gt;&lt;p&gt;Then they left.&lt;/p&gt;</content>
  </entry>
</feed>"""
RDF = """<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
  <channel rdf:about="https://paper.example/"><title>Paper</title><link>https://paper.example/</link></channel>
  <item rdf:about="https://paper.example/8"><title>Ships leave port</title><link>https://paper.example/8</link>
    <description>Six of them.</description><dc:date>2021-12-06T10:00:00Z</dc:date></item>
</rdf:RDF>"""
JSON_FEED = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "Paper",
    "language": "en",
    "home_page_url": "https://paper.example/",
    "items": [
        {
            "id": 9,
            "url": "/9",
            "title": "Talks end",
            "content_html": "<p>No result.</p>",
            "date_published": "2021-12-06T10:00:00Z",
        },
        {"id": "10", "external_url": "https://other.example/10", "content_text": "A note without a title"},
        "not an item",
        {"id": "11"},
    ],
}


def read(body: bytes | str, content_type: str = "") -> Document:
    return read_document(body.encode() if isinstance(body, str) else body, content_type, URL)


def test_rss() -> None:
    document = read(
        rss(item(1, description="&lt;p&gt;Seen &lt;b&gt;today&lt;/b&gt;.&lt;/p&gt;"), extra="<language>en-us</language>")
    )
    (only,) = document.items
    assert (document.kind, document.title, document.language, document.complaint) == ("rss", "Paper", "en-US", "")
    assert (only.guid, only.link) == ("https://paper.example/1", "https://paper.example/1")
    assert (only.title, only.summary, only.text) == ("Report number 1 from the border", "Seen today.", "")
    assert only.published == micros("2021-12-06T10:01:00")


def test_atom() -> None:
    document = read(ATOM)
    (only,) = document.items
    assert document.kind == "atom"
    assert (only.guid, only.link, only.language) == ("tag:paper.example,2021:7", "https://paper.example/7", "en-GB")
    assert (only.title, only.summary) == ("Envoys & generals meet", "They met.")
    assert only.text == "They met for an hour.\nThen they left."
    assert only.published == micros("2021-12-06T09:00:00")


def test_rdf() -> None:
    document = read(RDF)
    (only,) = document.items
    assert document.kind == "rdf"
    assert (only.guid, only.link, only.published) == (
        "https://paper.example/8",
        "https://paper.example/8",
        micros("2021-12-06T10:00"),
    )


def test_json_feed_with_an_item_that_is_none() -> None:
    document = read(json.dumps(JSON_FEED), "application/feed+json")
    talks, note = document.items
    assert (document.kind, document.language, document.expired) == ("json", "en", False)
    assert (talks.guid, talks.link, talks.summary) == ("9", "https://paper.example/9", "No result.")
    assert (note.link, note.title, note.summary) == ("https://other.example/10", "", "A note without a title")
    assert [bad.reason for bad in document.bad_items] == ["bad-item", "empty-item"]
    assert read(json.dumps(JSON_FEED | {"expired": True})).expired


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "empty"),
        (b" \r\n\xef\xbb\xbf", "empty"),
        (b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>", "html"),
        (b"<!-- cached --><HTML><body>Just a moment...</body></HTML>", "html"),
        (b'{"error": "not found"}', "json-other"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": 3}', "json-other"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": [', "unreadable"),
        (b'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"/>', "xml-other"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "xml-other"),
        (b"<opml version='2.0'><body/></opml>", "xml-other"),
        (b"\x1f\x8b\x08\x00 packed twice", "binary"),
        (b"%PDF-1.4 report", "binary"),
        (b"/etc/passwd", "unreadable"),
        (b"http://paper.example/feed", "unreadable"),
        (b"[" * 100_000 + b'"', "unreadable"),
    ],
)
def test_what_is_no_feed_is_said_to_be_none(body: bytes, kind: str) -> None:
    document = read(body)
    assert document.kind == kind
    assert not document.is_feed
    assert document.complaint


def test_a_body_that_names_a_file_or_a_url_opens_nothing(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    path.write_bytes(rss(item(1)))
    assert not read(str(path)).items
    assert not read(path.as_uri()).items


def test_items_that_were_whole_survive_a_document_that_is_cut_off() -> None:
    whole = rss(item(1), item(2), item(3))
    document = read(whole[: whole.index(b"Report number 3") + 9])
    assert document.cut
    assert [one.guid[-1] for one in document.items] == ["1", "2"]
    assert [bad.reason for bad in document.bad_items] == ["cut-item"]
    assert not read(whole).cut


def test_broken_xml_is_read_as_far_as_it_goes() -> None:
    document = read(rss(item(1), "<oops>", item(2)))
    assert [one.guid[-1] for one in document.items] == ["1", "2"]
    assert "broken" in document.complaint


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1251", "koi8-r", "utf-16"])
@pytest.mark.parametrize("content_type", ["", "text/xml", "application/rss+xml", "application/xml; charset=hex"])
def test_encodings(encoding: str, content_type: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><rss version="2.0"><channel>{item(1, title="Переговоры")}</channel></rss>'
    (only,) = read(text.encode(encoding), content_type).items
    assert only.title == "Переговоры"


@pytest.mark.parametrize("encoding", ["hex", "rot13", "idna", "punycode", "undefined", "no-such"])
def test_encodings_that_are_none(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><rss version="2.0"><channel>{item(1)}</channel></rss>'
    assert len(read(text).items) == 1


def test_items_without_anything_to_read_are_reported_and_the_others_kept() -> None:
    document = read(rss("<item><guid>1</guid></item>", item(2), "<item/>"))
    assert [one.guid[-1] for one in document.items] == ["2"]
    assert [bad.reason for bad in document.bad_items] == ["empty-item", "empty-item"]
    assert "guid='1'" in document.bad_items[0].payload


def test_a_document_without_end_is_read_to_a_limit() -> None:
    document = read(rss(*(item(i) for i in range(2100))))
    assert len(document.items) == 2000
    assert [bad.reason for bad in document.bad_items] == ["too-many-items"]


def test_neither_entities_nor_external_files_are_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    doctype = f'<!DOCTYPE rss [<!ENTITY x SYSTEM "{secret.as_uri()}"><!ENTITY l0 "ha">{laughs}]>'
    document = read(f'<?xml version="1.0"?>{doctype}<rss version="2.0"><channel>{item(1, title="a &x; &l9; b")}</channel></rss>')
    assert "secret" not in str(document)
    assert len(str(document)) < 2000
    assert "amplification" not in document.complaint, "no attempt is made to expand them"


@pytest.mark.parametrize(
    ("guid", "link", "expected"),
    [
        ("a-1", "https://paper.example/1", "https://paper.example/1"),
        ("a-1", "/1?x=1", "https://paper.example/1?x=1"),
        ("a-1", "javascript:alert(1)", ""),
        ("a-1", "data:text/html,hello", ""),
        ("a-1", " java\tscript:alert(1)", ""),
        ("a-1", "", ""),
        ("https://paper.example/1", "", "https://paper.example/1"),
        ("https://paper.example/1", "javascript:alert(1)", "https://paper.example/1"),
        ("javascript:alert(1)", "", ""),
    ],
)
def test_links_lead_to_the_web_or_nowhere(guid: str, link: str, expected: str) -> None:
    (only,) = read(rss(item(1, guid=guid, link=link))).items
    assert only.link == expected
    assert only.guid == guid


def test_a_guid_is_not_a_link_if_it_says_so() -> None:
    (only,) = read(
        rss(item(1, guid="", link="", title="t</title><guid isPermaLink='false'>https://a.example/1</guid><title>t"))
    ).items
    assert (only.guid, only.link) == ("https://a.example/1", "")


def test_what_the_feed_asks_of_pollers() -> None:
    hours = "<skipHours><hour>0</hour><hour>24</hour><hour>7</hour></skipHours>"
    days = "<skipDays><day>Sunday</day><day>Monday</day></skipDays>"
    document = read(rss(item(1), extra=f"<ttl>30</ttl>{hours}{days}"))
    assert (document.ttl, document.skip_hours, document.skip_days) == (30, (0, 7), (0, 6))


@pytest.mark.parametrize(
    ("period", "frequency", "minutes"),
    [
        ("hourly", "1", 60),
        ("hourly", "4", 15),
        ("daily", "2", 720),
        ("weekly", "", 10080),
        ("Hourly ", "0.1", 60),
        ("hourly", "0", 60),
        ("dayly", "1", None),
        ("always", "1", None),
    ],
)
def test_the_syndication_module(period: str, frequency: str, minutes: int | None) -> None:
    namespace = 'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'
    extra = (
        f"<sy:updatePeriod {namespace}>{period}</sy:updatePeriod><sy:updateFrequency {namespace}>{frequency}</sy:updateFrequency>"
    )
    assert read(rss(item(1), extra=extra)).ttl == minutes


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Mon, 06 Dec 2021 10:00:00 GMT", "2021-12-06T10:00:00"),
        ("Mon, 6 Dec 2021 10:00:00 +0300", "2021-12-06T07:00:00"),
        ("Mon, 06 Dec 2021 10:00:00 EST", "2021-12-06T15:00:00"),
        ("Mon, 06 Dec 2021 10:00:00 CEST", "2021-12-06T08:00:00"),
        ("Mon, 06 Dec 2021 10:00:00 MSK", "2021-12-06T07:00:00"),
        ("Monday, December 6, 2021 10:00 AM", "2021-12-06T10:00:00"),
        ("Dec 6, 2021", "2021-12-06T00:00:00"),
        ("6 December 2021 22:15", "2021-12-06T22:15:00"),
        ("06 Dec 21 10:00:00 GMT", "2021-12-06T10:00:00"),
        ("2021-12-06T10:00:00Z", "2021-12-06T10:00:00"),
        ("2021-12-06T10:00:00.123456+02:00", "2021-12-06T08:00:00.123456"),
        ("2021-12-06 10:00:00", "2021-12-06T10:00:00"),
        ("2021-12-06 10:00:00 UTC", "2021-12-06T10:00:00"),
        ("2021-12-06", "2021-12-06T00:00:00"),
        ("20211206T100000Z", "2021-12-06T10:00:00"),
        ("2021/12/06 10:00", "2021-12-06T10:00:00"),
        ("Mon Dec  6 10:00:00 2021", "2021-12-06T10:00:00"),
        ("Mon, 06 Dec 2021 12:30 PM GMT", "2021-12-06T12:30:00"),
        ("Mon, 06 Dec 2021 24:00:00 GMT", "2021-12-07T00:00:00"),
        ("1638784800", "2021-12-06T10:00:00"),
        ("1638784800000", "2021-12-06T10:00:00"),
        ("2021-13-45", None),
        ("Mon, 31 Feb 2021 10:00:00 GMT", None),
        ("2021-12-06T10:00:00+99:99", None),
        ("0000-00-00 00:00:00", None),
        ("99999-01-01", None),
        ("1 week ago", None),
        ("yesterday", None),
        ("", None),
        ("-", None),
    ],
)
def test_dates(raw: str, expected: str | None) -> None:
    moment = parse_date(raw)
    assert moment == (None if expected is None else micros(expected)), moment and iso(moment)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("Plain words", "Plain words"),
        ("<p>One</p><p>Two</p>", "One\nTwo"),
        ("One<br/>Two", "One\nTwo"),
        ("a <b>bold</b> word", "a bold word"),
        ("A &amp; B &amp;amp; C &#8217;s", "A & B & C ’s"),
        ("&lt;p&gt;Escaped&lt;/p&gt;", "Escaped"),
        ("x<script>alert(1)</script>y", "xy"),
        ("x<style>p{}</style>y<!-- hidden -->z", "xyz"),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("AT&T", "AT&T"),
        ("<img src=x onerror=alert(1)>Photo", "Photo"),
        ("bell\x07 null\x00 del\x7f", "bell null del"),
        ("tur\u202ened \ufeffround \ud800", "turned round"),
        ("e\u0301clat", "éclat"),
        ("soft\u00adhyphen", "softhyphen"),
        ("  many \n\n\n spaces \t here  ", "many\nspaces here"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a\nb"),
        ("a <![xmlns[ b <b>c</b>", "a <![xmlns[ b c"),
        ("<unknown>text</unknown>", "<unknown>text"),
    ],
)
def test_text_is_plain(markup: str, text: str) -> None:
    assert plain(markup) == text


def test_a_title_is_one_line() -> None:
    assert plain_line("<h1>Two</h1>\n<h2>lines</h2>") == "Two lines"


@given(st.text())
@settings(max_examples=300, deadline=None)
def test_any_text_becomes_text_that_can_be_sent(markup: str) -> None:
    text = plain(markup)
    text.encode("utf-8")
    assert not any(ord(c) < 32 and c not in "\n\t" for c in text)


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused_without_an_exception(noise: bytes) -> None:
    whole = rss(item(1), item(2))
    for body in (noise, whole[:200] + noise + whole[200:], whole[: len(noise)] + noise):
        document = read(body)
        assert from_bytes(to_bytes(document)) == document
        assert all(web_url(one.link) == one.link for one in document.items)


@pytest.mark.parametrize(
    ("raw", "tag"), [("en", "en"), ("en_us", "en-US"), ("UK-ua", "uk-UA"), ("zh-Hans-CN", "zh-Hans"), ("english", ""), ("", "")]
)
def test_languages(raw: str, tag: str) -> None:
    assert language_tag(raw) == tag


def in_a_process(*bodies: bytes, **options: object) -> list[Document]:
    async def main() -> list[Document]:
        parsers = Parsers(**options)  # type: ignore[arg-type]
        try:
            return [await parsers.read(body, "", URL) for body in bodies]
        finally:
            await parsers.close()

    return asyncio.run(main())


def test_reading_in_a_process_gives_the_same() -> None:
    assert in_a_process(rss(item(1)), ATOM.encode(), b"") == [read(rss(item(1))), read(ATOM), read(b"")]


def test_a_document_that_costs_too_much_is_stopped_and_the_next_one_read() -> None:
    attributes = " ".join(f'a{i}="x"' for i in range(40_000))
    costly = f'<rss version="2.0"><channel><item><x {attributes}/><y</item></channel></rss>'.encode()
    first, second, third = in_a_process(rss(item(1)), costly, rss(item(2)), budget=0.5)
    assert first.is_feed
    assert first.items
    assert second.kind == "over-budget"
    assert third.items[0].guid == "https://paper.example/2"


def test_a_reader_that_falls_is_started_again(tmp_path: Path) -> None:
    flag = tmp_path / "fallen"
    program = f"""
import os, sys
from transforms.feeds.parser_process import serve
if not os.path.exists({str(flag)!r}):
    open({str(flag)!r}, "w").close()
    sys.exit(3)
serve()
"""
    fallen, again = in_a_process(rss(item(1)), rss(item(1)), command=(sys.executable, "-c", program))
    assert fallen.kind == "unreadable"
    assert "brought its reader down" in fallen.complaint
    assert again.items
    assert os.path.exists(flag)
