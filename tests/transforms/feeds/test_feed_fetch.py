"""How a feed is asked for: byte for byte as polite pollers ask, bounded in time and size, and never inside our own network."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any, TypeVar

import aiohttp
import pytest
from feed_server import FeedServer, http, item, rss

from transforms.feeds.body import Body, TooLarge
from transforms.feeds.fetch import NO_VALIDATORS, Fetcher, FetchError, Response, Validators, parse_url
from transforms.feeds.guard import is_allowed
from transforms.feeds.politeness import HostTurns

T = TypeVar("T")
AGENT = "Vedette-tests/1 (+https://paper.example/about)"
DOCUMENT = rss(item(1), item(2))


def run(work: Callable[[Fetcher], Awaitable[T]], allow_local: bool = True, deadline: float = 5.0, **options: Any) -> T:
    async def main() -> T:
        fetcher = Fetcher(AGENT, HostTurns(gap=0.0), deadline, allow_local, **options)
        try:
            return await work(fetcher)
        finally:
            await fetcher.close()

    return asyncio.run(main())


def fetch(url: str, validators: Validators = NO_VALIDATORS, **options: Any) -> Response:
    return run(lambda fetcher: fetcher.fetch(url, validators), **options)


def refused(url: str, **options: Any) -> FetchError:
    with pytest.raises(FetchError) as error:
        fetch(url, **options)
    return error.value


def test_the_first_request_is_unconditional_and_says_who_asks_for_what(server: FeedServer) -> None:
    assert fetch(server.on("/feed", http(body=DOCUMENT))).body == DOCUMENT
    (request,) = server.requests
    assert request.method == "GET"
    assert request.headers["user-agent"] == AGENT
    assert request.headers["accept-encoding"] == "gzip, deflate"
    assert {"application/rss+xml", "application/atom+xml"} <= set(request.headers["accept"].split(", "))
    assert set(request.headers) == {"host", "user-agent", "accept", "accept-encoding"}


@pytest.mark.parametrize("etag", ['"abc"', 'W/"a,b"', '"x--gzip"', "unquoted", '"  spaced  "', '"ünïcode"'])
@pytest.mark.parametrize("modified", ["Thu, 1 Jan 2020 00:00:00 GMT", "thu, 01 jan 2020 01:00:00 +0100", "yesterday"])
def test_validators_go_back_byte_for_byte(server: FeedServer, etag: str, modified: str) -> None:
    url = server.on("/feed", http(body=DOCUMENT, ETag=etag, Last_Modified=modified), http(304))
    first = fetch(url)
    second = fetch(url, Validators(first.url, first.etag, first.last_modified))
    sent = server.requests[1].headers
    assert sent["if-none-match"].encode("latin-1") == etag.encode()
    assert sent["if-modified-since"] == modified
    assert second.status == 304
    assert second.asked


def test_no_cookies_no_referer_and_the_query_as_it_is_written(server: FeedServer) -> None:
    path = "/feed?b=%2f&a=%C3%A9&&x=[1]"
    url = server.on(path, http(body=DOCUMENT, Set_Cookie="session=1; Path=/"))
    run(lambda fetcher: asyncio.gather(fetcher.fetch(url), fetcher.fetch(url)))
    fetch(url)
    assert [request.path for request in server.requests] == [path] * 3
    assert not any({"cookie", "referer"} & request.headers.keys() for request in server.requests)


def test_a_password_goes_to_the_server_it_is_for_and_no_further(server: FeedServer) -> None:
    server.on("/open", http(body=DOCUMENT))
    url = server.on("/locked", http(302, Location=server.url("/open")))
    assert fetch(url.replace("http://", "http://reader:secret@")).body == DOCUMENT
    assert server.asked("/locked")[0].headers["authorization"].startswith("Basic ")
    assert "authorization" not in server.asked("/open")[0].headers


def test_validators_go_to_the_url_that_gave_them_only(server: FeedServer) -> None:
    old = server.on("/old", http(301, Location="/new"))
    server.on("/new", http(body=DOCUMENT, ETag='"1"'), http(304))
    first = fetch(old)
    assert first.url == server.url("/new")
    assert first.hops == ((301, old),)
    assert fetch(old, Validators(first.url, first.etag)).status == 304
    assert all("if-none-match" not in request.headers for request in server.asked("/old"))
    assert server.asked("/new")[1].headers["if-none-match"] == '"1"'


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(server: FeedServer, status: int) -> None:
    server.on("/there", http(body=DOCUMENT))
    assert fetch(server.on("/here", http(status, Location="there"))).body == DOCUMENT


def test_a_loop_of_redirects_ends(server: FeedServer) -> None:
    assert refused(server.on("/loop", http(302, Location="/loop"))).kind == "redirect"
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://paper.example/feed", "javascript:alert(1)", "http://", "//[bad/"]
)
def test_redirects_lead_to_http_only(server: FeedServer, target: str) -> None:
    assert refused(server.on("/feed", http(302, Location=target))).kind == "redirect"


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://paper.example/", "paper.example/feed", "", "http://", "http://[::1/", "http://a:b/"]
)
def test_only_http_urls_are_fetched(url: str) -> None:
    with pytest.raises(FetchError, match="URL"):
        parse_url(url)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f.1", "0x7f000001", "017700000001", "0177.0.0.1", "0", "0.0.0.0",
        "localhost", "LOCALHOST", "①②⑦.⓪.⓪.①", "127。0。0。1", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "[fc00::1]", "[::]",
        "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "168.63.129.16", "224.0.0.1", "255.255.255.255",
    ],
)  # fmt: skip
def test_no_spelling_of_an_inner_address_is_dialled(server: FeedServer, host: str) -> None:
    server.on("/", http(body=DOCUMENT))
    error = refused(f"http://{host}:{server.port}/", allow_local=False, deadline=2.0)
    assert error.kind in ("address-refused", "dns", "bad-url"), error
    assert not server.requests


@pytest.mark.parametrize("address", ["127.0.0.1", "10.2.3.4", "192.168.0.9", "::1", "fd00::7", "::ffff:127.0.0.1"])
def test_local_addresses_are_dialled_if_the_option_allows_it(address: str) -> None:
    assert is_allowed(address, allow_local=True)
    assert not is_allowed(address)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0", "168.63.129.16", "not an address"])
def test_metadata_and_link_local_addresses_are_never_dialled(address: str) -> None:
    assert not is_allowed(address, allow_local=True)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111"])
def test_public_addresses_are_dialled(address: str) -> None:
    assert is_allowed(address)


class Inward(aiohttp.abc.AbstractResolver):
    """A name server that says every name is this machine."""

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[Any]:
        record = {"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET, "proto": 0}
        return [record | {"flags": socket.AI_NUMERICHOST}]

    async def close(self) -> None:
        return None


def test_a_name_that_leads_inside_is_refused(server: FeedServer) -> None:
    url = f"http://paper.example:{server.port}/"

    async def main() -> None:
        fetcher = Fetcher(AGENT, HostTurns(gap=0.0), 5.0, False, resolver=Inward())
        try:
            with pytest.raises(FetchError) as error:
                await fetcher.fetch(url)
            assert error.value.kind == "address-refused"
        finally:
            await fetcher.close()

    asyncio.run(main())
    assert not server.requests


def test_a_body_in_gzip_or_deflate_is_read(server: FeedServer) -> None:
    raw = zlib.compressobj(wbits=-15)
    for i, (coding, body) in enumerate(
        [
            ("gzip", gzip.compress(DOCUMENT)),
            ("x-gzip", gzip.compress(DOCUMENT[:50]) + gzip.compress(DOCUMENT[50:])),
            ("deflate", zlib.compress(DOCUMENT)),
            ("deflate", raw.compress(DOCUMENT) + raw.flush()),
            ("gzip", DOCUMENT),
        ]
    ):
        response = fetch(server.on(f"/{i}", http(body=body, Content_Encoding=coding)))
        assert response.body == DOCUMENT
        assert not response.cut


def test_a_bomb_is_not_unpacked(server: FeedServer) -> None:
    bomb = gzip.compress(b"\0" * 200_000_000, 1)
    assert refused(server.on("/bomb", http(body=bomb, Content_Encoding="gzip"))).kind == "too-large"


def test_a_bomb_is_unpacked_no_further_than_the_limit() -> None:
    body = Body("gzip", limit=1000)
    with pytest.raises(TooLarge):
        body.feed(gzip.compress(b"\0" * 1_000_000))
    assert body.size == 1001


def test_a_bomb_in_a_bomb_stays_packed(server: FeedServer) -> None:
    inner = gzip.compress(b"\0" * 50_000_000)
    assert fetch(server.on("/bomb", http(body=gzip.compress(inner), Content_Encoding="gzip"))).body == inner


def test_a_body_beyond_the_limit_is_refused_whatever_its_length_says(server: FeedServer) -> None:
    answer = http(body=b"<" * 5000, Content_Length=None)
    assert refused(server.on("/feed", answer), max_body=4000).kind == "too-large"


def test_an_encoding_that_was_not_asked_for_is_an_error(server: FeedServer) -> None:
    assert refused(server.on("/feed", http(body=b"abc", Content_Encoding="br"))).kind == "encoding"
    assert refused(server.on("/feed", http(body=b"\x1f\x8b" + b"junk" * 9, Content_Encoding="gzip"))).kind == "encoding"


def test_an_answer_that_is_cut_off_is_known_to_be(server: FeedServer) -> None:
    short = fetch(server.on("/short", http(body=DOCUMENT[:100], Content_Length=len(DOCUMENT))))
    assert short.cut
    assert short.body == DOCUMENT[:100]
    assert fetch(server.on("/zip", http(body=gzip.compress(DOCUMENT)[:-20], Content_Encoding="gzip"))).cut


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"<")
        await writer.drain()
        await asyncio.sleep(0.02)


async def drip_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        writer.write(b"X-Slow: 1\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize("slow", [drip, drip_head, silence])
def test_a_server_that_is_slow_is_left_at_the_deadline(server: FeedServer, slow: Any) -> None:
    assert refused(server.on("/slow", slow), deadline=0.3).kind == "timeout"


def test_large_headers_are_read_and_giant_ones_refused(server: FeedServer) -> None:
    assert fetch(server.on("/large", http(body=DOCUMENT, X_Policy="a" * 30_000))).body == DOCUMENT
    assert refused(server.on("/giant", http(body=DOCUMENT, X_Policy="a" * 200_000))).kind == "bad-response"


def test_what_is_not_http_is_an_error(server: FeedServer) -> None:
    assert refused(server.on("/feed", b"220 mail.example ready\r\n")).kind == "bad-response"
    assert refused(server.on("/none", b"")).kind == "connect"


def test_a_port_where_nobody_listens_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert refused(f"http://127.0.0.1:{taken.getsockname()[1]}/").kind == "connect"


def test_validators_that_cannot_be_sent_back_are_not_kept(server: FeedServer) -> None:
    assert fetch(server.on("/long", http(ETag='"' + "a" * 2000 + '"'))).etag == ""
    binary = b'HTTP/1.1 200 OK\r\nETag: "\xff\xfe"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
    assert fetch(server.on("/binary", binary)).etag == ""
    two = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nETag: "2"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
    assert fetch(server.on("/two", two)).etag == ""


def test_at_most_two_requests_to_a_host_and_a_gap_between_their_starts() -> None:
    now, starts, running, most = 0.0, [], 0, 0

    async def main() -> None:
        nonlocal now, running, most

        async def sleep(seconds: float) -> None:
            nonlocal now
            now += seconds

        turns = HostTurns(in_flight=2, gap=5.0, clock=lambda: now, sleep=sleep)

        async def visit(host: str) -> None:
            nonlocal running, most
            async with turns.turn(host):
                running += host == "a.example"
                most = max(most, running)
                starts.append((host, now))
                for _ in range(10):
                    await asyncio.sleep(0)
                running -= host == "a.example"

        await asyncio.gather(*(visit("a.example") for _ in range(6)), visit("b.example"))

    asyncio.run(main())
    at_a = [moment for host, moment in starts if host == "a.example"]
    assert most == 2
    assert all(later - earlier >= 5.0 for earlier, later in pairwise(at_a))
    assert next(moment for host, moment in starts if host == "b.example") < at_a[-1]


def test_hosts_that_are_done_with_are_forgotten() -> None:
    async def main() -> int:
        turns = HostTurns(gap=0.0)
        for i in range(3000):
            async with turns.turn(f"{i}.example"):
                pass
        return len(turns._hosts)

    assert asyncio.run(main()) <= 1025
