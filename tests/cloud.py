"""An embedded Pub/Sub for a test, with Google's own clients on it."""

from __future__ import annotations

from google.cloud import pubsub_v1
from google.protobuf import duration_pb2
from google.pubsub_v1 import types

import localpubsub

PROJECT = "vedette-local"


class Cloud:
    """Made while PUBSUB_EMULATOR_HOST names the server."""

    def __init__(self, server: localpubsub.Server) -> None:
        self.server = server
        self.publisher = pubsub_v1.PublisherClient()
        self.subscriber = pubsub_v1.SubscriberClient()

    def topic(self, name: str) -> str:
        """A new topic that retains its messages, with a subscription of the same name; its full name."""
        topic = f"projects/{PROJECT}/topics/{name}"
        retention = duration_pb2.Duration(seconds=7 * 86_400)
        self.publisher.create_topic(request=types.Topic(name=topic, message_retention_duration=retention))
        self.subscriber.create_subscription(request=types.Subscription(name=self.subscription(topic), topic=topic))
        return topic

    def subscription(self, topic: str) -> str:
        return topic.replace("/topics/", "/subscriptions/")

    def received(self, topic: str) -> list[types.PubsubMessage]:
        """The messages that the topic's own subscription has not handed out yet."""
        found: list[types.PubsubMessage] = []
        while True:
            request = types.PullRequest(subscription=self.subscription(topic), max_messages=1000, return_immediately=True)
            batch = self.subscriber.pull(request=request, timeout=10).received_messages
            if not batch:
                return found
            found += [r.message for r in batch]
            self.subscriber.acknowledge(subscription=self.subscription(topic), ack_ids=[r.ack_id for r in batch])

    def close(self) -> None:
        self.publisher.stop()
        self.subscriber.close()
