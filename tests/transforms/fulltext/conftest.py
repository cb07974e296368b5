"""The scripted server of the feed tests, a poller on it, and pages to serve."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "feeds"))

from feed_server import Clock, FeedServer, serving

from transforms.feeds.poller import Poller, PollOptions

AGENT = "Vedette-tests/1 (+https://paper.example/about)"


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with serving() as scripted:
        yield scripted


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def poller(clock: Clock) -> Iterator[Poller]:
    options = PollOptions(deadline=1.0, host_gap=0, user_agent=AGENT, allow_local_addresses=True)
    with Poller(options, clock) as running:
        yield running
