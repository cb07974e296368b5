"""The list of feeds: what it holds, what is wrong with it and on which line, and that a bad edit does no harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.config import ConfigError
from transforms.feeds.opml import FeedList, parse_opml, read_opml, shard_of

GOOD = """<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0">
  <head><title>Papers</title></head>
  <body>
    <outline text="Wires">
      <outline type="rss" text="Harbour Wire" xmlUrl="https://harbour-wire.example/rss?a=1&amp;b=2"/>
      <outline type="rss" text="World" outlet="Tidewater Post" xmlUrl="http://tidewater.example/world.xml"/>
    </outline>
    <outline type="rss" title="Inland Review" xmlUrl=" https://inland.example/atom "/>
  </body>
</opml>
"""


def opml(*outlines: str) -> bytes:
    return ("<opml version='2.0'><body>\n" + "\n".join(outlines) + "\n</body></opml>").encode()


def test_feeds_with_outlet_group_and_line() -> None:
    wire, world, inland = parse_opml(GOOD.encode(), "feeds.opml")
    assert wire.url == "https://harbour-wire.example/rss?a=1&b=2"
    assert (wire.outlet, wire.groups, wire.line, wire.host) == ("Harbour Wire", ("Wires",), 6, "harbour-wire.example")
    assert (world.outlet, world.title) == ("Tidewater Post", "World")
    assert (inland.outlet, inland.url, inland.groups) == ("Inland Review", "https://inland.example/atom", ())


@pytest.mark.parametrize(
    ("data", "line", "field", "words"),
    [
        (b"<opml><body>", 1, "", "is not XML"),
        (b"", 1, "", "is not XML"),
        (b"<rss><channel/></rss>", 1, "rss", "is no OPML"),
        (opml(), 0, "", "lists no feed"),
        (opml("<outline text='Lost'/>"), 2, "xmlUrl", "'Lost' has no feed URL"),
        (
            opml("<outline text='Lost' xmlUrl=''><outline text='A' xmlUrl='https://a.example/'/></outline>"),
            2,
            "xmlUrl",
            "no feed URL",
        ),
        (opml("", "<outline text='A' xmlUrl='ftp://a.example/feed'/>"), 3, "xmlUrl", "no http or https URL"),
        (opml("<outline text='A' xmlUrl='file:///etc/passwd'/>"), 2, "xmlUrl", "no http or https URL"),
        (opml("<outline text='A' xmlUrl='javascript:alert(1)'/>"), 2, "xmlUrl", "no http or https URL"),
        (opml("<outline text='A' xmlUrl='/feed.xml'/>"), 2, "xmlUrl", "no http or https URL"),
        (opml("<outline text='A' xmlUrl='https://a.example:99999/'/>"), 2, "xmlUrl", "URL"),
        (opml(*["<outline text='A' xmlUrl='https://a.example/'/>"] * 2), 3, "xmlUrl", "listed twice, first on line 2"),
        (b"<!DOCTYPE o [<!ENTITY a 'b'>]><opml><body/></opml>", 1, "", "declares entities"),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_field(data: bytes, line: int, field: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_opml(data, "feeds.opml")
    (problem,) = error.value.problems
    assert (problem.file, problem.line, problem.field) == ("feeds.opml", line, field)
    assert words in problem.message


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        parse_opml(opml("<outline text='A'/>", "<outline text='B' xmlUrl='gopher://b.example'/>"), "feeds.opml")
    assert [problem.line for problem in error.value.problems] == [2, 3]


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing"):
        read_opml(tmp_path / "feeds.opml")


def test_a_bad_edit_keeps_the_last_good_list_and_is_reported_once(tmp_path: Path) -> None:
    path = tmp_path / "feeds.opml"
    path.write_bytes(opml("<outline text='A' xmlUrl='https://a.example/'/>"))
    feeds = FeedList(str(path))
    assert feeds.refresh() is None
    path.write_bytes(b"<opml><body>")
    assert "is not XML" in str(feeds.refresh())
    assert feeds.refresh() is None
    assert feeds.feeds is not None
    assert [feed.outlet for feed in feeds.feeds] == ["A"]
    path.write_bytes(opml("<outline text='B' xmlUrl='https://b.example/'/>"))
    assert feeds.refresh() is None
    assert [feed.outlet for feed in feeds.feeds] == ["B"]
    path.write_bytes(b"<opml><body>")
    assert feeds.refresh() is not None


def test_hosts_spread_over_shards_in_a_way_that_never_changes() -> None:
    assert shard_of("harbour-wire.example", 8) == 1
    assert {shard_of(f"{i}.example", 8) for i in range(200)} == set(range(8))
    assert shard_of("anything.example", 1) == 0
