"""A server with Google's official clients on it, for each test that asks for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.cloud import pubsub_v1
from google.pubsub_v1 import SchemaServiceClient
from official_clients import Cloud, ManualClock

import localpubsub


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def make_cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Cloud]]:
    """A Cloud on a server of its own, with the server's arguments passed on. Its server stops after the test."""
    clouds: list[Cloud] = []

    def make(**options: Any) -> Cloud:
        server = localpubsub.Server(**options)
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.start())
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "watch-test")
        publisher = pubsub_v1.PublisherClient()
        subscriber = pubsub_v1.SubscriberClient()
        clouds.append(Cloud(server, publisher, subscriber, "projects/watch-test"))
        return clouds[-1]

    yield make
    for cloud in clouds:
        cloud.subscriber.close()
        cloud.publisher.stop()
        cloud.server.stop()


@pytest.fixture
def schemas() -> Callable[[Cloud], SchemaServiceClient]:
    """Google's client of schemas on a cloud's server. It must be asked for while PUBSUB_EMULATOR_HOST names that server."""
    return lambda cloud: SchemaServiceClient()


@pytest.fixture
def cloud(make_cloud: Callable[..., Cloud]) -> Cloud:
    return make_cloud()
