"""The scripted server and the clock as fixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from feed_server import Clock, FeedServer, serving


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with serving() as scripted:
        yield scripted


@pytest.fixture
def clock() -> Clock:
    return Clock()
