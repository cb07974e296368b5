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
from functools import cached_property

from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.pubsub_v1 import SchemaServiceClient, types
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from pipelines.topics.declaration import (
    DEFAULT_FILE,
    SubscriptionSpec,
    TopicSpec,
    definition_of,
    packaged_declaration,
)
from pipelines.topics.resources import subscription_message, topic_message
from pipelines.usage import UsageError
from schemas.records import EPOCH, MICROSECOND
from transforms.checkpoints import REPLAY_MARGIN
from transforms.publishing.client import check_endpoint, endpoint, local_channel, publisher

LONGEST_RETENTION = timedelta(days=31)
"""A topic can keep messages no longer than this: whoever goes so far back is at the beginning of what it holds."""
TIMEOUT = 30.0
FORGOTTEN = types.ExpirationPolicy(ttl=timedelta(days=1))
"""Of a subscription that is deleted after use: should its reader be killed, Pub/Sub deletes it. One day is the least."""
PLAIN_TOPIC = TopicSpec.model_validate({"retention": "7d"})
PLAIN_SUBSCRIPTION = SubscriptionSpec.model_validate({"ack_deadline": "60s"})
"""What a topic or a subscription becomes on a local endpoint if deploy/topics.yaml does not declare its name."""


class LocalOrReal:
    """The project's topics and subscriptions, at the endpoint that PUBSUB_EMULATOR_HOST names or at Google's."""

    def __init__(self) -> None:
        try:
            check_endpoint()
        except ConnectionError as e:
            raise UsageError(str(e)) from None
        self.local = bool(endpoint())
        self.publisher = publisher(endpoint())
        self.subscriber = subscriber()

    @cached_property
    def schemas(self) -> SchemaServiceClient:
        """The client of the schema service."""
        return SchemaServiceClient()

    def has_topic(self, name: str) -> bool:
        """Whether the topic is there."""
        try:
            self.publisher.get_topic(topic=name, timeout=TIMEOUT)
        except exceptions.NotFound:
            return False
        return True

    def ensure_topics(self, *names: str) -> None:
        """Raises UsageError, with what to do, for topics that a real project lacks; creates them on a local endpoint.

        They become what deploy/topics.yaml says. A topic of another name becomes a log of 7 days.
        """
        missing = []
        for name in names:
            if self.local:
                self._ensure_schema(name)
            if not self.has_topic(name):
                missing.append(name)
        if missing and not self.local:
            raise UsageError(_lacks("topics", missing, f"--message-retention-duration={PLAIN_TOPIC.retention}s"))
        for name in missing:
            _, project, _, short = name.split("/")
            spec = packaged_declaration().topic(short) or PLAIN_TOPIC
            with contextlib.suppress(exceptions.AlreadyExists):
                self.publisher.create_topic(request=topic_message(project, short, spec), timeout=TIMEOUT)

    def _ensure_schema(self, topic: str) -> None:
        """Make the schema of a declared topic, or bring it up to date: a store may be older than the code."""
        _, project, _, short = topic.split("/")
        spec = packaged_declaration().topic(short)
        if spec is None or spec.binding is None:
            return
        name = spec.binding.name
        text = definition_of(packaged_declaration().schemas[name], DEFAULT_FILE)
        full = f"projects/{project}/schemas/{name}"
        schema = types.Schema(name=full, type_=types.Schema.Type.AVRO, definition=text)
        try:
            found = self.schemas.get_schema(name=full, timeout=TIMEOUT)
        except exceptions.NotFound:
            with contextlib.suppress(exceptions.AlreadyExists):
                request = types.CreateSchemaRequest(parent=f"projects/{project}", schema=schema, schema_id=name)
                self.schemas.create_schema(request=request, timeout=TIMEOUT)
            return
        if json.loads(found.definition) != json.loads(text):
            self.schemas.commit_schema(request=types.CommitSchemaRequest(name=full, schema=schema), timeout=TIMEOUT)

    def ensure_subscription(self, name: str, topic: str) -> bool:
        """The same for a subscription. True if it was created now."""
        try:
            found = self.subscriber.get_subscription(subscription=name, timeout=TIMEOUT)
            if found.topic != topic:
                raise UsageError(f"{name} is a subscription on {found.topic}, not on {topic}: give another one, or delete it")
            return False
        except exceptions.NotFound:
            pass
        _, project, _, short = name.split("/")
        spec, _ = packaged_declaration().subscription(short) or (PLAIN_SUBSCRIPTION, "")
        if not self.local:
            raise UsageError(_lacks("subscriptions", [name], f"--topic={topic} --expiration-period=never --ack-deadline=60"))
        with contextlib.suppress(exceptions.AlreadyExists):
            request = subscription_message(project, topic, short, spec)
            self.subscriber.create_subscription(request=request, timeout=TIMEOUT)
        return True

    def seek(self, subscription: str, position: int | None) -> None:
        """Move a subscription to a position of the log (microseconds, less a margin), or to its beginning (None)."""
        if position is None:
            moment = datetime.now(UTC) - LONGEST_RETENTION
        else:
            moment = EPOCH + position * MICROSECOND - REPLAY_MARGIN
        self.subscriber.seek(request=types.SeekRequest(subscription=subscription, time=moment), timeout=TIMEOUT)

    @contextlib.contextmanager
    def from_the_beginning(self, topic: str, filter_: str = "") -> Iterator[str]:
        """A temporary subscription that delivers what the topic retains, and then what comes."""
        name = f"{topic.split('/topics/')[0]}/subscriptions/reader-{uuid.uuid4().hex[:12]}"
        request = types.Subscription(name=name, topic=topic, filter=filter_, ack_deadline_seconds=60, expiration_policy=FORGOTTEN)
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


def subscriber() -> pubsub_v1.SubscriberClient:
    """A client of the endpoint that PUBSUB_EMULATOR_HOST names, or of Google's."""
    address = endpoint()
    if not address:
        return pubsub_v1.SubscriberClient()
    return pubsub_v1.SubscriberClient(transport=SubscriberGrpcTransport(channel=local_channel(address)))


def _lacks(kind: str, names: Iterable[str], options: str) -> str:
    """The sentence for what a project lacks: topics.yaml makes what it declares, the rest is made one by one."""
    lines = []
    for name in names:
        _, project, _, short = name.split("/", 3)
        declared = packaged_declaration()
        if kind == "topics" and declared.topic(short):
            lines.append(f"  vedette topics apply --project={project}")
        elif kind == "subscriptions" and (found := declared.subscription(short)):
            lines.append(f"  vedette topics apply --project={project}" + (f" --watch={found[1]}" if found[1] else ""))
        else:
            lines.append(f"  gcloud pubsub {kind} create {short} --project={project} {options}")
    missing = ", ".join(name.rpartition("/")[2] for name in names)
    commands = "\n".join(dict.fromkeys(lines))
    return f"The project lacks {kind} that the pipeline needs: {missing}. Create them with:\n{commands}"
