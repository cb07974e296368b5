"""Pages and the desk: one polite request per address, nothing waits, and a restart forgets nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from articles import PAGE, SENTENCES, entry
from feed_server import Clock, FeedServer, http

from schemas.entry import Entry, content_hash
from schemas.failure import Failure
from transforms.checkpoints import Checkpoints
from transforms.feeds.poller import Poller
from transforms.fulltext.desk import Desk, Handed
from transforms.fulltext.pages import Pages

HTML = "text/html; charset=utf-8"


@pytest.fixture
def pages(poller: Poller, clock: Clock) -> Iterator[Pages]:
    reading = Pages(poller, "Vedette-tests", clock)
    yield reading
    reading.close()


def read(pages: Pages, *entries: Entry) -> list[Entry | Failure]:
    """Start them one after the other and wait for each."""
    found: list[Entry | Failure] = []
    for one in entries:
        pages.start(one)
        pages._running[one.id].result(timeout=30)
        found += [result for _, result in pages.finished([one.id])]
    return found


def reasons(found: list[Entry | Failure]) -> list[str]:
    return [one.reason if isinstance(one, Failure) else "read" for one in found]


def test_the_entry_comes_back_with_its_text_as_its_next_version(server: FeedServer, pages: Pages, clock: Clock) -> None:
    before = entry(server.on("/1", http(body=PAGE, Content_Type=HTML)))
    (after,) = read(pages, before)
    assert isinstance(after, Entry)
    assert all(sentence in after.text for sentence in SENTENCES)
    assert (after.id, after.version, after.time, after.seen_at) == (before.id, 2, before.time, clock())
    assert (after.title, after.summary, after.url) == (before.title, before.summary, before.url)
    assert after.content_hash == content_hash(after.title, after.summary, after.text) != before.content_hash
    assert [request.path for request in server.requests] == ["/robots.txt", "/1"]
    assert server.requests[1].headers["accept"].startswith("text/html")
    assert server.requests[1].headers["user-agent"].startswith("Vedette-tests/1")
    assert not {"cookie", "referer"} & server.requests[1].headers.keys()


def test_what_cannot_be_read_is_a_dead_letter_of_its_kind(server: FeedServer, pages: Pages) -> None:
    server.on("/robots.txt", http(body="User-agent: *\nDisallow: /closed\n"))
    answers = {
        "/closed/1": (http(body=PAGE, Content_Type=HTML), "robots"),
        "/missing": (http(404), "http-status"),
        "/file": (http(body=b"%PDF-1.4", Content_Type="application/pdf"), "not-a-page"),
        "/empty": (http(body="<html><body></body></html>", Content_Type=HTML), "no-text"),
        "/inside": (http(302, Location="http://169.254.169.254/"), "address-refused"),
        "/loop": (http(302, Location="/loop"), "redirect"),
    }
    entries = [entry(server.on(path, answer), id=path) for path, (answer, _) in answers.items()]
    found = read(pages, *entries)
    assert reasons(found) == [reason for _, reason in answers.values()]
    assert [one.subject for one in found if isinstance(one, Failure)] == list(answers)
    assert not server.asked("/closed/1")
    wordy = entry(server.on("/short", http(body=PAGE, Content_Type=HTML)), id="w", summary="word " * 500)
    assert reasons(read(pages, wordy)) == ["no-more-text"]


def test_a_site_that_is_not_reached_is_no_robots_refusal(server: FeedServer, pages: Pages, clock: Clock) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/1"
        found = read(pages, *(entry(url, id=url) for url in (closed, "http://169.254.169.254/", "http://", "https://[")))
    assert reasons(found) == ["connect", "address-refused", "bad-url", "bad-url"]
    server.on("/robots.txt", http(503))
    (trouble,) = read(pages, entry(server.on("/1", http(body=PAGE, Content_Type=HTML))))
    assert reasons([trouble]) == ["robots-unreadable"]
    assert "robots.txt cannot be read, so no page is fetched for now: the server answers with status 503" in str(trouble)
    assert not server.asked("/1")


def test_a_host_that_refuses_is_left_alone(server: FeedServer, pages: Pages, clock: Clock) -> None:
    server.on("/1", http(429, Retry_After="7200"))
    url = server.on("/2", http(body=PAGE, Content_Type=HTML))
    assert reasons(read(pages, entry(server.url("/1"), id="1"), entry(url, id="2"))) == ["http-status", "host-refuses"]
    clock.forward(7000)
    assert reasons(read(pages, entry(url, id="3"))) == ["host-refuses"]
    clock.forward(300)
    assert reasons(read(pages, entry(url, id="4"))) == ["read"]
    assert len(server.asked("/2")) == 1


def test_a_page_that_hangs_holds_up_no_other(server: FeedServer, pages: Pages) -> None:
    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    slow = entry(server.on("/slow", silence), id="slow")
    pages.start(slow)
    assert pages.finished(["slow"]) == []
    assert reasons(read(pages, entry(server.on("/1", http(body=PAGE, Content_Type=HTML))))) == ["read"]
    failed = pages._running["slow"].result(timeout=30)
    assert isinstance(failed, Failure)
    assert failed.reason == "timeout"


class Office:
    """A desk that can be killed and opened again over the same directory."""

    def __init__(self, place: Path, pages: Pages, clock: Clock) -> None:
        self.place, self.pages, self.clock = place, pages, clock
        self.open()

    def open(self) -> None:
        self.desk = Desk("0", self.pages, Checkpoints(str(self.place), "fetches"), self.clock)
        self.memory: bytes | None = None

    def _kept(self, handed: Handed) -> Handed:
        self.memory = handed.memory if handed.memory is not None else self.memory
        return handed

    def ask(self, one: Entry) -> Handed:
        return self._kept(self.desk.ask(self.memory, one))

    def tick(self) -> Handed:
        return self._kept(self.desk.tick(self.memory))

    def wait(self) -> None:
        for future in list(self.pages._running.values()):
            future.result(timeout=30)


@pytest.fixture
def office(tmp_path: Path, pages: Pages, clock: Clock) -> Office:
    return Office(tmp_path, pages, clock)


def test_each_address_is_asked_once(server: FeedServer, office: Office) -> None:
    url = server.on("/1", http(body=PAGE, Content_Type=HTML))
    assert office.ask(entry(url)).counts["requests"] == 1
    assert office.ask(entry(url)).counts["asked-before"] == 1
    assert office.ask(entry(f"{url}?utm_source=feed", id="other")).counts["asked-before"] == 1
    office.wait()
    handed = office.tick()
    assert [one.version for one in handed.entries] == [2]
    assert handed.counts == {"pages": 1}
    assert office.tick().memory is None or office.tick().memory is None
    assert office.tick().entries == ()
    assert len(server.asked("/1")) == 1


def test_what_a_detector_asks_about_the_past_is_not_read(server: FeedServer, office: Office, clock: Clock) -> None:
    clock.forward(3 * 86_400)
    assert office.ask(entry(server.on("/1", http(body=PAGE)))).counts["too-old"] == 1
    assert not server.requests


def test_a_restart_reads_what_was_pending_and_asks_for_nothing_again(server: FeedServer, office: Office, poller: Poller) -> None:
    first = server.on("/1", http(body=PAGE, Content_Type=HTML))
    office.ask(entry(first, id="1"))
    office.wait()
    assert len(office.tick().entries) == 1
    office.ask(entry(server.on("/2", http(body=PAGE, Content_Type=HTML)), id="2"))
    office.desk.tick(office.memory)  # the checkpoint is written; what this tick hands out is lost with the process
    office.wait()
    again = Office(office.place, Pages(poller, "Vedette-tests", office.clock), office.clock)
    again.tick()
    again.wait()
    assert [one.id for one in again.tick().entries] == ["2"]
    assert again.ask(entry(first, id="1")).counts["asked-before"] == 1
    assert len(server.asked("/1")) == 1
    again.pages.close()


def test_a_memory_that_cannot_be_read_is_no_memory(server: FeedServer, office: Office) -> None:
    office.memory = b"junk"
    assert office.ask(entry(server.on("/1", http(body=PAGE, Content_Type=HTML)))).counts["requests"] == 1
    office.wait()
    assert len(office.tick().entries) == 1
