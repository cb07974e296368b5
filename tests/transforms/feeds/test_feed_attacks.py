"""What attacks a poller is refused or bounded, and the other feeds do not notice."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
from feed_server import FeedServer, http, item, rss

from transforms.feeds.fetch import Fetcher, FetchError, Response
from transforms.feeds.opml import Feed
from transforms.feeds.politeness import HostTurns
from transforms.feeds.poller import Poller, PollOptions, wall_clock
from transforms.feeds.state import FeedState

ROOT = Path(__file__).parents[3]


def test_every_attack_is_refused_or_bounded_and_memory_does_not_grow() -> None:
    command = [sys.executable, "benchmarks/attacks.py", "--deadline", "0.4", "--budget", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("\n") >= 30


class Rebinding(aiohttp.abc.AbstractResolver):
    """A name server that says another address each time it is asked."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.answers = list(answers)

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[Any]:
        record = {"hostname": host, "port": port, "family": socket.AF_INET, "proto": 0, "flags": socket.AI_NUMERICHOST}
        return [record | {"host": address} for address in self.answers.pop(0)]

    async def close(self) -> None:
        return None


def test_a_name_that_moves_inside_is_refused_when_it_is_dialled(server: FeedServer) -> None:
    server.on("/feed", http(body=rss(item(1))))
    url = f"http://paper.example:{server.port}/feed"

    async def main() -> list[Response | FetchError]:
        names = Rebinding(("127.0.0.1",), ("169.254.169.254",), ("169.254.169.254", "127.0.0.1"), ("127.0.0.1",))
        fetcher = Fetcher("tests", HostTurns(gap=0.0), 5.0, True, resolver=names)
        found: list[Response | FetchError] = []
        for _ in range(4):
            fetcher._session.connector.clear_dns_cache()  # type: ignore[union-attr]
            try:
                found.append(await fetcher.fetch(url))
            except FetchError as e:
                found.append(e)
        await fetcher.close()
        return found

    first, second, third, fourth = asyncio.run(main())
    assert isinstance(first, Response)
    assert isinstance(second, FetchError)
    assert second.kind == "address-refused"
    assert isinstance(third, FetchError) or third.status == 200, "of several addresses only a permitted one may be dialled"
    assert isinstance(fourth, Response)


def test_feeds_that_hang_take_nothing_from_the_others(server: FeedServer) -> None:
    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    well = http(body=rss(item(1)))
    hanging = [Feed(server.on(f"/hang/{i}", silence), f"hangs {i}") for i in range(20)]
    others = [Feed(server.on(f"/{i}", well).replace("127.0.0.1", "localhost"), f"well {i}") for i in range(180)]
    feeds = [*hanging, *others]
    options = PollOptions(base_interval=900, deadline=30, patience=1, host_gap=0, allow_local_addresses=True)
    now = wall_clock()
    with Poller(options) as poller:
        begun = time.monotonic()
        result = poller.round(feeds, {feed.url: FeedState(due=now) for feed in feeds}, now)
        took = time.monotonic() - begun
    assert (result.counts["read"], result.running) == (180, 20)
    assert took < 30
    assert max(result.lateness) < 4
