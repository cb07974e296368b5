"""The scripted server of the feed tests, a poller on it, and pages to serve."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "feeds"))

from feed_server import Clock, FeedServer

from transforms.feeds.poller import Poller, PollOptions

AGENT = "Vedette-tests/1 (+https://paper.example/about)"


@pytest.fixture
def server() -> Iterator[FeedServer]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    scripted = FeedServer()
    listening = asyncio.run_coroutine_threadsafe(asyncio.start_server(scripted.handle, "127.0.0.1", 0), loop).result()
    scripted.port = listening.sockets[0].getsockname()[1]
    yield scripted

    async def end() -> None:
        listening.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(end(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def poller(clock: Clock) -> Iterator[Poller]:
    options = PollOptions(deadline=1.0, host_gap=0, user_agent=AGENT, allow_local_addresses=True)
    with Poller(options, clock) as running:
        yield running
