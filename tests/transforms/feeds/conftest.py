"""The scripted server and the clock as fixtures."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from feed_server import Clock, FeedServer


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
