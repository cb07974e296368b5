"""Google's official clients on a server of ours, and a clock that only moves when a test moves it."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from google.cloud import pubsub_v1
from google.cloud.pubsub_v1.types import FlowControl
from google.pubsub_v1 import PublisherClient as RawPublisher
from google.pubsub_v1 import types

import localpubsub
from localpubsub import inspection


class ManualClock:
    """Seconds since the epoch, standing still until `advance`."""

    def __init__(self, seconds: float = 1_640_000_000.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Cloud:
    """Official clients on one server, and shorthands for what nearly every test does first."""

    server: localpubsub.Server
    publisher: pubsub_v1.PublisherClient
    subscriber: pubsub_v1.SubscriberClient
    project: str

    def topic(self, **settings: Any) -> str:
        name = f"{self.project}/topics/topic-{uuid.uuid4().hex[:8]}"
        self.publisher.create_topic(request=types.Topic(name=name, **settings))
        return name

    def subscription(self, topic: str, **settings: Any) -> str:
        name = f"{self.project}/subscriptions/sub-{uuid.uuid4().hex[:8]}"
        self.subscriber.create_subscription(request=types.Subscription(name=name, topic=topic, **settings))
        return name

    def publish(self, topic: str, *data: bytes, key: str = "", **attributes: str) -> list[str]:
        """All in one request, so that positions are those of the arguments. Returns message ids."""
        messages = [types.PubsubMessage(data=each, ordering_key=key, attributes=attributes) for each in data]
        request = types.PublishRequest(topic=topic, messages=messages)
        return list(RawPublisher.publish(self.publisher, request=request).message_ids)

    @contextlib.contextmanager
    def subscribed(self, subscription: str, callback: Callable[[Any], Any], most: int = 0) -> Iterator[Any]:
        """A running subscribe(), `most` messages of flow control; cancelled and waited for at the end."""
        limits = FlowControl(max_messages=most) if most else FlowControl()
        stream = self.subscriber.subscribe(subscription, callback, flow_control=limits)
        try:
            yield stream
        finally:
            stream.cancel()
            stream.result(10)

    def pull(self, subscription: str, most: int = 100) -> list[types.ReceivedMessage]:
        """What is there at once."""
        request = types.PullRequest(subscription=subscription, max_messages=most, return_immediately=True)
        return list(self.subscriber.pull(request=request, retry=None, timeout=10).received_messages)

    def status(self) -> dict[str, Any]:
        """What the server tells of itself."""
        return inspection.status(self.server.address)

    def pull_and_ack(self, subscription: str) -> list[bytes]:
        got = self.pull(subscription, 1000)
        if got:
            self.subscriber.acknowledge(subscription=subscription, ack_ids=[each.ack_id for each in got])
        return [each.message.data for each in got]
