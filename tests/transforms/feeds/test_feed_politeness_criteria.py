"""The fifteen criteria of a polite feed reader (R1 to R15), each against the log of a server that scripts its answers.

They are put together from Rachel Kroll's posts on what her feed reader test counts (rachelbythebay.com/w, 2022 to 2025).
The collector here is whole but for Beam: list of feeds, state directory, shard, poller, and a clock that tests move.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from html import escape
from itertools import pairwise
from pathlib import Path

import pytest
from feed_server import Clock, FeedServer, Request, http, item, rss

from transforms.checkpoints import Checkpoints
from transforms.feeds.fetch import ACCEPT
from transforms.feeds.opml import FeedList
from transforms.feeds.poller import USER_AGENT, Poller, PollOptions
from transforms.feeds.shard import Shard, Tick

HOUR, DAY = 3600, 86400
BODY = rss(item(1), item(2), item(3))
ETAG, MODIFIED = '"v1"', "Mon, 06 Dec 2021 09:00:00 GMT"


class Collector:
    """A collector that can be stopped, killed and started again; it logs when the server was asked."""

    def __init__(self, server: FeedServer, directory: Path, clock: Clock, *urls: str, **options: object) -> None:
        self.server, self.directory, self.clock = server, directory, clock
        self.options = PollOptions(**{"host_gap": 0, "deadline": 2, "allow_local_addresses": True} | options)  # type: ignore[arg-type]
        outlines = "".join(f'<outline text="Paper" type="rss" xmlUrl="{escape(url)}"/>' for url in urls)
        (directory / "feeds.opml").write_text(f'<opml version="2.0"><body>{outlines}</body></opml>')
        self.moments: list[float] = []
        self.begun = clock()
        self.start()

    def start(self) -> None:
        self.poller = Poller(self.options, self.clock)
        self.memory: bytes | None = None
        feeds = FeedList(str(self.directory / "feeds.opml"))
        self.shard = Shard("0", 1, feeds, self.poller, Checkpoints(str(self.directory), "feeds"), self.clock)

    def kill(self) -> None:
        self.poller.close()

    def tick(self) -> Tick:
        before = len(self.server.requests)
        result = self.shard.tick(self.clock.forward(1), self.memory)
        self.memory = result.memory if result.memory is not None else self.memory
        self.moments += [(self.clock() - self.begun) / 1e6] * (len(self.server.requests) - before)
        return result

    def run(self, seconds: float, every: float = 300) -> None:
        for _ in range(int(seconds / every)):
            self.clock.forward(every - 1)
            self.tick()

    @property
    def gaps(self) -> list[float]:
        return [later - earlier for earlier, later in pairwise(self.moments)]


@pytest.fixture
def collecting(server: FeedServer, tmp_path: Path, clock: Clock) -> Iterator[Callable[..., Collector]]:
    started: list[Collector] = []

    def start(*urls: str, **options: object) -> Collector:
        started.append(Collector(server, tmp_path, clock, *urls, **{"patience": 2.0} | options))
        started[-1].tick()
        return started[-1]

    yield start
    for collector in started:
        collector.kill()


def is_conditional(request: Request) -> bool:
    return "if-none-match" in request.headers or "if-modified-since" in request.headers


def asked(server: FeedServer) -> list[tuple[str | None, str | None]]:
    """If-None-Match and If-Modified-Since of each request."""
    return [(request.headers.get("if-none-match"), request.headers.get("if-modified-since")) for request in server.requests]


def field(request: Request, name: str) -> bytes:
    """The value of a header as its bytes were."""
    (line,) = (line for line in request.raw.split(b"\r\n") if line.lower().startswith(name.lower().encode() + b":"))
    return line.partition(b": ")[2]


def test_r1_only_the_very_first_request_is_unconditional_over_restarts_too(
    server: FeedServer, collecting: Callable[..., Collector]
) -> None:
    collector = collecting(server.on("/feed", http(body=BODY, ETag=ETAG, Last_Modified=MODIFIED), http(304)))
    for _ in range(3):
        collector.run(2 * HOUR)
        collector.kill()
        collector.start()
        collector.tick()
    assert len(server.requests) >= 6
    assert [is_conditional(request) for request in server.requests] == [False] + [True] * (len(server.requests) - 1)


@pytest.mark.parametrize(
    "modified",
    [
        "Mon, 06 Dec 2021 09:00:00 GMT",
        "Thu, 1 Jan 2020 00:00:00 GMT",
        "mon, 06 dec 2021 09:00:00 gmt",
        "Mon, 06 Dec 2021 10:00:00 +0100",
        "Monday, 06-Dec-21 09:00:00 GMT",
        "2021-12-06T09:00:00Z",
        "yesterday,  about noon",
    ],
)
def test_r2_if_modified_since_is_the_last_modified_byte_for_byte(
    server: FeedServer, collecting: Callable[..., Collector], modified: str
) -> None:
    collector = collecting(server.on("/feed", http(body=BODY, Last_Modified=modified), http(304)))
    collector.run(HOUR)
    assert field(server.requests[1], "If-Modified-Since") == modified.encode()
    assert asked(server)[1] == (None, modified)


@pytest.mark.parametrize("etag", ['"plain"', 'W/"a,b"', '"x--gzip"', "unquoted", '""', 'W/""', '"  spaced  "', '"ünïcode"'])
def test_r3_if_none_match_is_the_etag_byte_for_byte(server: FeedServer, collecting: Callable[..., Collector], etag: str) -> None:
    collector = collecting(server.on("/feed", http(body=BODY, ETag=etag), http(304)))
    collector.run(HOUR)
    assert field(server.requests[1], "If-None-Match") == etag.encode()


def test_r4_the_two_validators_are_kept_up_to_date_each_by_itself(
    server: FeedServer, collecting: Callable[..., Collector]
) -> None:
    other = "Mon, 06 Dec 2021 11:00:00 GMT"
    collector = collecting(
        server.on(
            "/feed",
            http(body=BODY, ETag='"1"', Last_Modified=MODIFIED),
            http(body=BODY + b" ", ETag='"2"', Last_Modified=MODIFIED),
            http(body=BODY + b"  ", ETag='"2"', Last_Modified=other),
            http(304, ETag='"3"'),
            http(304, Last_Modified=MODIFIED),
            http(304),
        ),
        longest_interval=0,
    )
    collector.run(2 * HOUR)
    expected = [(None, None), ('"1"', MODIFIED), ('"2"', MODIFIED), ('"2"', other), ('"3"', other), ('"3"', MODIFIED)]
    assert asked(server)[:6] == expected


def test_r5_new_validators_of_the_same_body_are_kept(server: FeedServer, collecting: Callable[..., Collector]) -> None:
    touched = "Mon, 06 Dec 2021 12:30:00 GMT"
    collector = collecting(
        server.on(
            "/feed",
            http(body=BODY, ETag='"1"', Last_Modified=MODIFIED),
            http(body=BODY, ETag='"2"', Last_Modified=touched),
            http(304),
        )
    )
    collector.run(2 * HOUR)
    assert asked(server)[1:3] == [('"1"', MODIFIED), ('"2"', touched)]


def test_r6_validators_that_vanish_are_not_sent_any_more(server: FeedServer, collecting: Callable[..., Collector]) -> None:
    collector = collecting(
        server.on(
            "/feed",
            http(body=BODY, ETag='"1"', Last_Modified=MODIFIED),
            http(body=BODY + b" ", Last_Modified=MODIFIED),
            http(body=BODY + b"  "),
        ),
        longest_interval=0,
    )
    collector.run(HOUR + 600)
    assert asked(server)[:4] == [(None, None), ('"1"', MODIFIED), (None, MODIFIED), (None, None)]


def test_r7_never_sooner_than_the_interval_whatever_happens_to_the_process(
    server: FeedServer, collecting: Callable[..., Collector]
) -> None:
    answers = [http(body=BODY, ETag=ETAG), http(304), http(500), http(304), http(304), http(503), http(304)]
    collector = collecting(server.on("/feed", *answers), base_interval=HOUR)
    for hour in range(24):
        collector.run(HOUR, every=120)
        if hour % 5 == 4:
            collector.tick()
            collector.kill()
            collector.start()
            collector.tick()
    assert len(collector.moments) >= 18
    assert min(collector.gaps) >= HOUR


def test_r7_a_bundle_that_is_tried_again_asks_nobody_again(server: FeedServer, collecting: Callable[..., Collector]) -> None:
    answers = http(body=BODY, ETag=ETAG), http(body=rss(item(3), item(4)), ETag='"2"'), http(304)
    collector = collecting(server.on("/feed", *answers))
    before = collector.memory
    collector.clock.forward(HOUR)
    once = collector.shard.tick(collector.clock.forward(1), before)
    again = collector.shard.tick(collector.clock.forward(1), before)
    assert len(server.requests) == 2
    assert once.entries == again.entries
    assert len(once.entries) == 1
    assert again.counts["replayed"] == 1
    collector.memory = again.memory
    collector.run(2 * HOUR)
    assert asked(server)[2][0] == '"2"'


FRESH = "max-age=43200"


@pytest.mark.parametrize(
    "later", [http(304), http(304, Cache_Control=FRESH), http(body=BODY, Cache_Control=FRESH)], ids=["silent 304", "304", "200"]
)
def test_r8_as_long_as_the_answer_is_fresh_nothing_is_asked(
    server: FeedServer, collecting: Callable[..., Collector], later: bytes
) -> None:
    collector = collecting(server.on("/feed", http(body=BODY, ETag=ETAG, Cache_Control=FRESH), later))
    collector.run(3 * DAY)
    assert len(collector.gaps) >= 4
    assert min(collector.gaps) >= 43200


@pytest.mark.parametrize("wait", ["7200", "Mon, 06 Dec 2021 14:00:00 GMT"])
@pytest.mark.parametrize("status", [429, 503])
def test_r9_when_told_to_wait_it_asks_once_and_waits(
    server: FeedServer, collecting: Callable[..., Collector], status: int, wait: str
) -> None:
    refusal = http(status, Retry_After=wait, Date="Mon, 06 Dec 2021 12:00:00 GMT")
    collector = collecting(server.on("/feed", refusal, http(body=BODY, ETag=ETAG)))
    collector.run(2 * HOUR - 600)
    collector.kill()
    collector.start()
    collector.tick()
    assert len(server.requests) == 1
    collector.run(HOUR)
    assert len(server.requests) >= 2
    assert collector.gaps[0] >= 2 * HOUR


def test_r9_without_a_time_it_waits_longer_each_time(server: FeedServer, collecting: Callable[..., Collector]) -> None:
    collector = collecting(server.on("/feed", http(429)))
    collector.run(3 * DAY)
    assert [round(gap / HOUR) for gap in collector.gaps[:4]] == pytest.approx([1, 2, 4, 8], rel=0.2)
    assert all(later >= earlier for earlier, later in pairwise(collector.gaps[:5]))


def test_r10_no_forced_unconditional_polls_in_a_week(server: FeedServer, collecting: Callable[..., Collector]) -> None:
    collector = collecting(server.on("/feed", http(body=BODY, ETag=ETAG, Last_Modified=MODIFIED), http(304)))
    collector.run(7 * DAY - HOUR, every=900)
    assert sum(not is_conditional(request) for request in server.requests) == 1
    assert len(server.requests) >= 7 * 18


def test_r11_no_cookies_no_referrer_no_word_added_to_the_address(
    server: FeedServer, collecting: Callable[..., Collector]
) -> None:
    path = "/feed?format=rss&x=%2F,[1]&&"
    collector = collecting(server.on(path, http(body=BODY, ETag=ETAG, Set_Cookie="id=1; Path=/"), http(304, Set_Cookie="id=2")))
    collector.run(3 * HOUR)
    assert {request.path for request in server.requests} == {path}
    assert not [request for request in server.requests if {"cookie", "referer"} & request.headers.keys()]


def test_r12_it_says_who_asks_and_how_to_reach_them(server: FeedServer, collecting: Callable[..., Collector]) -> None:
    agent = "Vedette/0.1 (+https://newsroom.example/bot; feeds@newsroom.example)"
    collecting(server.on("/feed", http(body=BODY)), user_agent=agent)
    assert field(server.requests[0], "User-Agent") == agent.encode()
    assert "Mozilla" not in USER_AGENT
    assert USER_AGENT.startswith("Vedette/")


def test_r13_nothing_is_asked_but_the_feed(server: FeedServer, collecting: Callable[..., Collector]) -> None:
    page = http(body="<html><head><link rel='icon' href='/icon'><link rel='alternate' href='/other'></head></html>")
    feeds = [
        server.on("/feed", http(body=BODY, ETag=ETAG), http(304)),
        server.on("/page", page),
        server.on("/missing", http(404)),
        server.on("/locked", http(401)),
        server.on("/error", http(500)),
    ]
    collector = collecting(*feeds)
    assert len(server.requests) == len(feeds), "one request each when they are added"
    collector.run(DAY)
    assert {(request.method, request.path) for request in server.requests} == {
        ("GET", path) for path in ("/feed", "/page", "/missing", "/locked", "/error")
    }


def test_r14_no_article_is_fetched(server: FeedServer, collecting: Callable[..., Collector]) -> None:
    articles = [
        item(n, link=server.on(f"/article/{n}", http(body="<p>Text</p>")), enclosure="", description="In full. " * 300)
        for n in range(100)
    ]
    collector = collecting(server.on("/feed", http(body=rss(*articles), ETag=ETAG), http(304)))
    collector.run(6 * HOUR)
    assert {request.path for request in server.requests} == {"/feed"}


def test_r15_it_takes_compressed_answers(server: FeedServer, collecting: Callable[..., Collector]) -> None:
    collecting(server.on("/feed", http(body=gzip.compress(BODY), Content_Encoding="gzip", ETag='"1-gzip"')))
    assert field(server.requests[0], "Accept-Encoding") == b"gzip, deflate"


def test_r15_a_permanent_redirect_is_followed_and_then_replaced(server: FeedServer, collecting: Callable[..., Collector]) -> None:
    old = server.on("/old", http(301, Location="/new"))
    server.on("/new", http(body=BODY, ETag=ETAG), http(304))
    collector = collecting(old)
    collector.run(DAY + 4 * HOUR)
    asked_old = len(server.asked("/old"))
    collector.run(3 * DAY)
    assert len(server.asked("/old")) == asked_old
    assert len(server.asked("/new")) > asked_old
    assert sum(not is_conditional(request) for request in server.asked("/new")) == 1


def test_the_requests_are_these_bytes_and_no_others(server: FeedServer, collecting: Callable[..., Collector]) -> None:
    collector = collecting(server.on("/feed", http(body=BODY, ETag=ETAG, Last_Modified=MODIFIED), http(304)))
    collector.run(HOUR)
    always = (
        f"GET /feed HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUser-Agent: {USER_AGENT}\r\nAccept: {ACCEPT}\r\n"
        "Accept-Encoding: gzip, deflate\r\n"
    )
    conditions = f"If-None-Match: {ETAG}\r\nA-IM: feed\r\nIf-Modified-Since: {MODIFIED}\r\n"
    assert server.requests[0].raw.decode() == always + "\r\n"
    assert server.requests[1].raw.decode() == always + conditions + "\r\n"
