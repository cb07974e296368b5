"""A recording loads from files that a person edits, and its feeds grow over HTTP like those of live outlets."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import feedparser
import pytest

from pipelines.recording import Recording, RecordingError, entries, serve

ROOT = Path(__file__).parents[2]

OUTLETS = """
title: A quarrel over an island
begins: 2020-05-02T00:00Z
outlets:
  - {slug: plain, name: Plain News, home: "https://plain.example"}
  - {slug: atomic, name: Atomic News, home: "https://atomic.example", format: atom, guids: opaque, utc_offset: -5, html: true}
  - {slug: jason, name: Jason News, home: "https://jason.example", format: json, utc_offset: 3}
  - {slug: bare, name: Bare News, home: "https://bare.example", guids: none, dated: false}
  - {slug: shaky, name: Shaky News, home: "https://shaky.example", breaks_every: 2}
"""
ENTRIES = """
entries:
  - {at: 2020-05-01T08:00Z, outlet: plain, slug: old-news, title: Old news, summary: It was there before.}
  - at: 2020-05-02T08:00Z
    outlet: plain
    slug: ships
    title: Ships & <boats> gather
    summary: The minister said "no" to talks.
    text: |-
      First paragraph.
      Second paragraph.
    edits:
      - {at: 2020-05-02T10:00Z, title: Ships gather off the island}
    copies:
      - {outlet: atomic, at: 2020-05-02T08:30Z}
      - {outlet: bare, at: 2020-05-02T08:45Z, title: Ships near the island}
  - {at: 2020-05-04T09:00Z, outlet: jason, slug: cup, title: Cup final, summary: Two goals., decoy: true}
  - {at: 2020-05-05T09:00Z, outlet: shaky, slug: calm, title: Calm returns, summary: The ships have left.}
"""


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def write(directory: Path, outlets: str = OUTLETS, lines: str = ENTRIES) -> Path:
    (directory / "outlets.yaml").write_text(outlets, encoding="utf-8")
    (directory / "may.yaml").write_text(lines, encoding="utf-8")
    return directory


@pytest.fixture
def recording(tmp_path):
    return Recording.load(write(tmp_path))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def server(recording, clock):
    with serve(recording, minutes=1, clock=clock) as running:
        yield running


def get(url: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
    try:
        connection.request("GET", parts.path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def feed(server, slug: str):
    outlet = next(o for o in server.recording.outlets if o.slug == slug)
    response, body = get(server.feed_url(outlet))
    assert response.status == 200
    return feedparser.parse(body)


def titles(server, slug: str) -> list[str]:
    return [entry.title for entry in feed(server, slug).entries]


class TestLoading:
    def test_versions_come_in_order_of_time_with_copies_and_edits(self, recording):
        assert [(v.id, v.number) for v in recording.versions] == [
            ("plain/old-news", 1),
            ("plain/ships", 1),
            ("atomic/ships", 1),
            ("bare/ships", 1),
            ("plain/ships", 2),
            ("jason/cup", 1),
            ("shaky/calm", 1),
        ]

    def test_a_copy_has_the_wording_and_may_have_another_headline(self, recording):
        by_id = {v.id: v for v in recording.versions if v.number == 1}
        assert by_id["bare/ships"].summary == by_id["plain/ships"].summary
        assert by_id["bare/ships"].title == "Ships near the island"
        assert by_id["atomic/ships"].title == "Ships & <boats> gather"

    def test_an_edit_keeps_what_it_does_not_change(self, recording):
        edited = next(v for v in recording.versions if v.number == 2)
        assert (edited.title, edited.summary) == ("Ships gather off the island", 'The minister said "no" to talks.')

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("outlet: jason", "outlet: jasmin", "may.yaml:17: entries.2.outlet: 'jasmin' is not in outlets.yaml"),
            ("slug: calm", "slug: Calm!", "may.yaml:18: entries.3.slug"),
            ("at: 2020-05-04T09:00Z", "at: yesterday", "may.yaml:17: entries.2.at"),
            ("summary: Two goals.", "sumary: Two goals.", "may.yaml:17: entries.2.summary"),
            ("at: 2020-05-02T10:00Z", "at: 2020-05-02T07:00Z", "an edit must be later"),
            ("at: 2020-05-02T08:30Z", "at: 2020-05-02T07:30Z", "a copy cannot be older"),
            ("outlet: shaky, slug: calm", "outlet: jason, slug: cup", "'cup' stands twice for jason"),
            ("title: Cup final", "title: 'Cup final", "may.yaml:"),
        ],
    )
    def test_an_error_names_file_line_and_field(self, tmp_path, old, new, message):
        with pytest.raises(RecordingError) as error:
            Recording.load(write(tmp_path, lines=ENTRIES.replace(old, new)))
        assert message in str(error.value)

    def test_a_directory_that_is_no_recording_is_an_error(self, tmp_path):
        with pytest.raises(RecordingError, match=r"outlets\.yaml: the file is missing"):
            Recording.load(tmp_path)

    def test_a_recording_without_entries_is_an_error(self, tmp_path):
        (tmp_path / "outlets.yaml").write_text(OUTLETS)
        with pytest.raises(RecordingError, match="no entries"):
            Recording.load(tmp_path)


class TestSchedule:
    def test_even_pace_squeezes_quiet_gaps(self, recording):
        offsets = recording.schedule("even", 60)
        assert offsets[:2] == (0.0, 0.8)
        steps = {round(b - a, 6) for a, b in pairwise(offsets[1:])}
        assert len(steps) == 1
        assert offsets[-1] == pytest.approx(60)

    def test_proportional_pace_keeps_the_rhythm(self, recording):
        offsets = recording.schedule("proportional", 60)
        assert offsets == tuple(sorted(offsets))
        assert offsets[-1] == pytest.approx(60)
        assert offsets[4] - offsets[1] < offsets[5] - offsets[4]  # an edit after two hours, the cup final after two days


class TestServer:
    def test_the_clock_starts_with_the_first_poll(self, server, clock):
        clock.now += 1000
        assert not server.finished
        assert titles(server, "plain") == ["Old news"]
        clock.now += 0.9
        assert titles(server, "plain") == ["Ships & <boats> gather", "Old news"]

    def test_feeds_grow_until_all_has_appeared(self, server, clock):
        assert titles(server, "shaky") == []
        clock.now += 61
        assert server.finished
        assert titles(server, "plain") == ["Ships gather off the island", "Old news"]

    def test_an_edit_keeps_the_guid(self, server, clock):
        titles(server, "plain")
        clock.now += 1
        first = feed(server, "plain").entries[0]
        clock.now += 60
        edited = feed(server, "plain").entries[0]
        assert (first.id, first.title) == (edited.id, "Ships & <boats> gather")
        assert edited.title == "Ships gather off the island"

    def test_a_feed_shows_the_newest_25(self, tmp_path, clock):
        lines = [
            f"  - {{at: 2020-05-01T08:{i:02}Z, outlet: plain, slug: n-{i}, title: Number {i}, summary: S}}" for i in range(30)
        ]
        recording = Recording.load(write(tmp_path, lines="entries:\n" + "\n".join(lines)))
        with serve(recording, clock=clock) as server:
            assert titles(server, "plain") == [f"Number {i}" for i in range(29, 4, -1)]

    def test_rss_has_dates_of_the_recording_and_the_full_text(self, server, clock):
        titles(server, "plain")
        clock.now += 1
        entry = feed(server, "plain").entries[0]
        assert entry.published == "Sat, 02 May 2020 08:00:00 +0000"
        assert entry.link == "https://plain.example/2020/05/02/ships"
        assert entry.summary == 'The minister said "no" to talks.'
        assert entry.content[0].value == "<p>First paragraph.</p><p>Second paragraph.</p>"

    def test_atom_has_opaque_ids_local_dates_and_markup(self, server, clock):
        titles(server, "atomic")
        clock.now += 61
        entry = feed(server, "atomic").entries[0]
        assert entry.id == "tag:atomic.example,2020-05-02:ships"
        assert entry.updated == "2020-05-02T03:30:00-05:00"
        assert entry.summary == '<p>The minister said "no" to talks.</p>'

    def test_json_feed_has_dates_and_text(self, server, clock):
        titles(server, "plain")
        clock.now += 61
        _, body = get(f"{server.url}/feeds/jason.json")
        (item,) = json.loads(body)["items"]
        assert item["date_published"] == "2020-05-04T12:00:00+03:00"
        assert (item["id"], item["content_text"]) == ("https://jason.example/2020/05/04/cup", "Two goals.")

    def test_an_outlet_can_lack_guids_and_dates(self, server, clock):
        titles(server, "bare")
        clock.now += 61
        (item,) = ET.fromstring(get(f"{server.url}/feeds/bare.xml")[1]).iter("item")
        assert [child.tag for child in item if child.tag in ("guid", "pubDate")] == []
        assert item.findtext("link") == "https://bare.example/2020/05/02/ships"

    def test_a_shaky_outlet_fails_in_three_ways_and_never_at_first(self, server, clock):
        address = f"{server.url}/feeds/shaky.xml"
        answers = [get(address) for _ in range(6)]
        assert [response.status for response, _ in answers] == [200, 500, 200, 200, 200, 200]
        with pytest.raises(ET.ParseError):
            ET.fromstring(answers[3][1])
        assert b"<rss" in answers[3][1]
        assert answers[5][0].headers.get_content_type() == "text/html"
        for whole in (0, 2, 4):
            ET.fromstring(answers[whole][1])

    def test_conditional_requests_are_answered_with_304_until_the_feed_changes(self, server, clock):
        address = f"{server.url}/feeds/plain.xml"
        first, _ = get(address)
        tag, modified = first.headers["ETag"], first.headers["Last-Modified"]
        assert modified == "Fri, 01 May 2020 08:00:00 GMT"
        for headers in ({"If_None_Match": tag}, {"If_None_Match": f'"x", W/{tag}'}, {"If_Modified_Since": modified}):
            response, body = get(address, **headers)
            assert (response.status, response.headers["ETag"], body) == (304, tag, b"")
        clock.now += 1
        assert get(address, If_None_Match=tag)[0].status == 200
        assert get(address, If_Modified_Since=modified)[0].status == 200

    @pytest.mark.parametrize("since", ["yesterday", "Fri, 01 May 2020 07:59:59 GMT"])
    def test_a_date_that_is_wrong_or_older_brings_the_feed(self, server, since):
        assert get(f"{server.url}/feeds/plain.xml", If_Modified_Since=since)[0].status == 200

    def test_an_etag_counts_more_than_a_date(self, server):
        later = "Fri, 01 May 2120 08:00:00 GMT"
        assert get(f"{server.url}/feeds/plain.xml", If_None_Match='"other"', If_Modified_Since=later)[0].status == 200

    def test_the_list_of_feeds_is_served_and_written(self, server, tmp_path):
        path = server.write_opml(tmp_path / "run" / "feeds.opml")
        response, body = get(server.opml_url)
        assert response.status == 200
        assert path.read_bytes() == body
        outlines = list(ET.fromstring(body).iter("outline"))
        assert [o.get("title") for o in outlines] == ["Plain News", "Atomic News", "Jason News", "Bare News", "Shaky News"]
        assert all(get(o.get("xmlUrl"))[0].status == 200 for o in outlines)

    def test_asking_for_the_list_does_not_start_the_clock(self, server, clock):
        get(server.opml_url)
        clock.now += 100
        assert titles(server, "plain") == ["Old news"]

    def test_an_unknown_feed_is_404(self, server):
        assert get(f"{server.url}/feeds/nobody.xml")[0].status == 404

    def test_it_stops_within_a_second_with_a_connection_open(self, recording):
        server = serve(recording)
        server.start()
        parts = urlsplit(server.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
        connection.request("GET", "/feeds.opml")
        connection.getresponse().read()
        began = time.monotonic()
        server.stop()
        server.stop()
        assert time.monotonic() - began < 1
        connection.close()
        with pytest.raises(ConnectionError):
            get(server.opml_url)

    def test_a_taken_port_is_an_error(self, recording, server):
        port = urlsplit(server.url).port
        with pytest.raises(RecordingError, match=f"cannot serve on 127.0.0.1:{port}"), serve(recording, port):
            pass


def test_entries_are_lines_of_a_backtest(recording):
    lines = list(entries(recording))
    assert lines[1] == {
        "id": "plain/ships",
        "feed": "https://plain.example/feed",
        "outlet": "Plain News",
        "url": "https://plain.example/2020/05/02/ships",
        "title": "Ships & <boats> gather",
        "summary": 'The minister said "no" to talks.',
        "published": "2020-05-02T08:00:00+00:00",
        "text": "First paragraph.\nSecond paragraph.",
    }
    assert [line["published"] for line in lines] == sorted(line["published"] for line in lines)
    assert [line["title"] for line in lines if line["id"] == "plain/ships"] == [
        "Ships & <boats> gather",
        "Ships gather off the island",
    ]


def test_it_runs_as_a_command(tmp_path):
    write(tmp_path)
    command = [sys.executable, "-m", "pipelines.recording", str(tmp_path), "--port", "0", "--opml", str(tmp_path / "feeds.opml")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        address = process.stdout.readline().strip()
        assert get(address)[1] == (tmp_path / "feeds.opml").read_bytes()
        process.terminate()
        assert process.wait(timeout=5) == 0


def test_a_wrong_recording_ends_the_command_with_a_reason(tmp_path):
    command = [sys.executable, "-m", "pipelines.recording", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"{tmp_path}/outlets.yaml: the file is missing\n")


def test_it_knows_no_beam():
    code = "import sys, pipelines.recording.__main__; sys.exit('apache_beam' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
