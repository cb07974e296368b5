"""What a launcher does with Pub/Sub before and beside a pipeline: topics, subscriptions, the start in the log, poll ticks.

On a local endpoint everything missing is created. Against a real project nothing is: what is missing is said together
with the command that creates it.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.protobuf import duration_pb2
from google.pubsub_v1 import types

from pipelines.options import UsageError
from schemas.records import EPOCH, MICROSECOND
from transforms.publishing.client import check_endpoint, endpoint

RETENTION = timedelta(days=7)
REPLAY_MARGIN = timedelta(minutes=2)
"""Pub/Sub delivers out of order: a restart reads the log from so long before its checkpoint. What was folded is a replay."""
TIMEOUT = 30.0


class LocalOrReal:
    """The project's topics and subscriptions, at the endpoint that PUBSUB_EMULATOR_HOST names or at Google's."""

    def __init__(self) -> None:
        try:
            check_endpoint()
        except ConnectionError as e:
            raise UsageError(str(e)) from None
        self.local = bool(endpoint())
        self.publisher = pubsub_v1.PublisherClient()
        self.subscriber = pubsub_v1.SubscriberClient()

    def ensure_topics(self, *names: str) -> None:
        """Raises UsageError with the commands for the topics a real project lacks; creates them on a local endpoint."""
        missing = []
        for name in names:
            try:
                self.publisher.get_topic(topic=name, timeout=TIMEOUT)
            except exceptions.NotFound:
                missing.append(name)
        if missing and not self.local:
            raise UsageError(_lacks("topics", missing, f"--message-retention-duration={RETENTION.days}d"))
        for name in missing:
            with contextlib.suppress(exceptions.AlreadyExists):
                topic = types.Topic(
                    name=name, message_retention_duration=duration_pb2.Duration(seconds=int(RETENTION.total_seconds()))
                )
                self.publisher.create_topic(request=topic, timeout=TIMEOUT)

    def ensure_subscription(self, name: str, topic: str, filter_: str = "") -> bool:
        """The same for a subscription. True if it was created now."""
        try:
            found = self.subscriber.get_subscription(subscription=name, timeout=TIMEOUT)
            if found.topic != topic:
                raise UsageError(f"{name} is a subscription on {found.topic}, not on {topic}: give another one, or delete it")
            return False
        except exceptions.NotFound:
            pass
        if not self.local:
            raise UsageError(_lacks("subscriptions", [name], f"--topic={topic} --expiration-period=never --ack-deadline=60"))
        request = types.Subscription(name=name, topic=topic, filter=filter_, ack_deadline_seconds=60)
        with contextlib.suppress(exceptions.AlreadyExists):
            self.subscriber.create_subscription(request=request, timeout=TIMEOUT)
        return True

    def seek(self, subscription: str, position: int | None) -> None:
        """Move a subscription to a position of the log (microseconds, less a margin), or to its beginning (None)."""
        if position is None:
            moment = datetime.now(UTC) - RETENTION
        else:
            moment = EPOCH + position * MICROSECOND - REPLAY_MARGIN
        self.subscriber.seek(request=types.SeekRequest(subscription=subscription, time=moment), timeout=TIMEOUT)

    @contextlib.contextmanager
    def from_the_beginning(self, topic: str, filter_: str = "") -> Iterator[str]:
        """A temporary subscription that delivers what the topic retains, and then what comes."""
        name = f"{topic.split('/topics/')[0]}/subscriptions/reader-{uuid.uuid4().hex[:12]}"
        request = types.Subscription(name=name, topic=topic, filter=filter_, ack_deadline_seconds=60)
        self.subscriber.create_subscription(request=request, timeout=TIMEOUT)
        try:
            self.seek(name, None)
            yield name
        finally:
            self.subscriber.delete_subscription(subscription=name, timeout=TIMEOUT)

    def retained(self, topic: str, filter_: str = "") -> Iterator[types.PubsubMessage]:
        """The messages that a topic retains, as far as the service hands them out now."""
        with self.from_the_beginning(topic, filter_) as name:
            empty = 0
            while empty < (1 if self.local else 2):  # the service may answer "nothing" once though there is more
                request = types.PullRequest(subscription=name, max_messages=1000, return_immediately=self.local)
                try:
                    received = self.subscriber.pull(request=request, timeout=10.0).received_messages
                except exceptions.DeadlineExceeded:
                    received = []
                if not received:
                    empty += 1
                    continue
                empty = 0
                self.subscriber.acknowledge(subscription=name, ack_ids=[r.ack_id for r in received], timeout=TIMEOUT)
                yield from (r.message for r in received)

    def retained_alert_ids(self, topic: str, watch: str) -> frozenset[str]:
        """Ids of the watch's alerts that the topic retains."""
        return frozenset(m.attributes.get("alert_id", "") for m in self.retained(topic, f'attributes.watch = "{watch}"'))


class TickPublisher:
    """Publishes a poll tick to the topics at once and then every so many seconds, on a thread of its own, until stopped."""

    def __init__(self, every: float, *topics: str) -> None:
        self.every = every
        self.topics = topics
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ticks", daemon=True)

    def __enter__(self) -> TickPublisher:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()

    def _run(self) -> None:
        client = pubsub_v1.PublisherClient()
        while not self._stop.is_set():
            data = tick_data(time.time())
            for topic in self.topics:
                client.publish(topic, data)
            self._stop.wait(self.every)


def tick_data(seconds: float) -> bytes:
    """A poll tick: JSON with the time (seconds since 1970) at which it was due."""
    return json.dumps({"time": seconds}).encode()


def _lacks(kind: str, names: Iterable[str], options: str) -> str:
    lines = []
    for name in names:
        _, project, _, short = name.split("/", 3)
        lines.append(f"  gcloud pubsub {kind} create {short} --project={project} {options}")
    return f"The project lacks {kind} that the pipeline needs. Create them with:\n" + "\n".join(lines)
