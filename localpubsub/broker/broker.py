"""All topics and subscriptions of the server, by name: what the RPCs do, without gRPC.

Publish times are in microseconds and strictly increasing over the whole server, whatever the clock does, so that a
seek to the publish time of a message replays exactly that message and its successors. Message ids increase with them.
Both go on where they were when the server starts again on the same store.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from localpubsub.broker.dead_letters import dead_letter
from localpubsub.broker.deliveries import Delivery
from localpubsub.broker.metrics import Counts
from localpubsub.broker.paging import page_of
from localpubsub.broker.registry import Registry
from localpubsub.broker.restoring import Restored, by_name
from localpubsub.broker.snapshots import Snapshot
from localpubsub.broker.subscriptions import Subscription
from localpubsub.broker.topics import RETAINED_BYTES, RETAINED_BYTES_IN_MEMORY, Message, Topic
from localpubsub.errors import AlreadyExists, InvalidArgument, NotFound, PubSubError, ResourceExhausted
from localpubsub.protocol.wire import stamped
from localpubsub.rules import names
from localpubsub.rules.limits import check_publish
from localpubsub.rules.settings import checked_subscription, checked_topic, merged_subscription, merged_topic
from localpubsub.store import Store

_log = logging.getLogger(__name__)

BACKLOG_BYTES = 8 * 1024 * 1024 * 1024  # per subscription: publishing is refused rather than the disk filled
BACKLOG_BYTES_IN_MEMORY = 1024 * 1024 * 1024
BACKLOG_MESSAGES = 1_000_000  # per subscription: where each message stands is in memory, half a kilobyte for each


class Broker:
    """The state of the server. `clock` gives seconds since the epoch, as time.time does; `store` keeps what outlives it.

    `retained_bytes` caps what each topic retains for seeking, `backlog_bytes` what each subscription may owe. `wake` is
    called with each subscription that owes something new, `grown` with each topic that has got messages.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        retained_bytes: int | None = None,
        backlog_bytes: int | None = None,
        store: Store | None = None,
    ) -> None:
        self.store = store or Store()
        self.counts = Counts()
        self.wake: Callable[[Subscription], None] = lambda subscription: None
        self.grown: Callable[[Topic], None] = lambda topic: None
        durable = self.store.directory is not None
        self._clock = clock
        self._retained_bytes = retained_bytes or (RETAINED_BYTES if durable else RETAINED_BYTES_IN_MEMORY)
        self._backlog_bytes = backlog_bytes or (BACKLOG_BYTES if durable else BACKLOG_BYTES_IN_MEMORY)
        counters = self.store.counters()
        self._position = counters.get("position", 0)
        self._last_published = counters.get("published", 0)
        self._last_id = counters.get("id", 0)
        restored = Restored(self.store, self._retained_bytes, self.forward)
        self.topics = {topic.name: topic for topic in restored.topics.values() if not topic.deleted}
        self._deleted_topics = [topic for topic in restored.topics.values() if topic.deleted]
        self.subscriptions: dict[str, Subscription] = by_name(restored.subscriptions)
        self.snapshots: dict[str, Snapshot] = by_name(restored.snapshots)
        self.registry = Registry(self.store, self.now)
        for topic in self.all_topics():
            topic.restore_rules(*self._retention(topic))
        for subscription in self.subscriptions.values():
            subscription.used = self.now()  # nobody could use it while there was no server

    @property
    def position(self) -> int:
        """The position of the message published last."""
        return self._position

    def now(self) -> int:
        """Microseconds since the epoch."""
        return round(self._clock() * 1_000_000)

    def all_topics(self) -> list[Topic]:
        """The deleted ones too, as long as they have messages."""
        return [*self.topics.values(), *self._deleted_topics]

    def drop_empty(self) -> None:
        """Forgets the deleted topics that have no messages any more."""
        for topic in self._deleted_topics:
            if not topic.messages:
                self.store.drop("topics", topic.id)
        self._deleted_topics = [topic for topic in self._deleted_topics if topic.messages]

    def new_id(self) -> int:
        """An id that nothing in the store ever had."""
        self._last_id += 1
        self.store.count("id", self._last_id)
        return self._last_id

    def create_topic(self, asked: Any) -> Any:
        """The topic as it is kept. Raises InvalidArgument, AlreadyExists, or NotFound for a schema."""
        settings = checked_topic(asked)
        if settings.name in self.topics:
            raise AlreadyExists(f"Topic already exists: {settings.name}")
        self.registry.check_binding(settings)
        topic = Topic(self.new_id(), settings, self.store, self._retained_bytes)
        self.topics[settings.name] = topic
        self._save(topic)
        return topic.settings

    def topic(self, name: str) -> Topic:
        """Raises InvalidArgument or NotFound."""
        topic = self.topics.get(names.check_topic(name))
        if topic is None:
            raise NotFound(f"Topic not found: {name}")
        return topic

    def update_topic(self, asked: Any, mask: Any) -> Any:
        """The topic after the update. Raises InvalidArgument or NotFound."""
        topic = self.topic(asked.name)
        settings = merged_topic(topic.settings, asked, mask)
        if settings.schema_settings != topic.settings.schema_settings:
            self.registry.check_binding(settings)
        topic.settings = settings
        self._save(topic)
        return topic.settings

    def list_topics(self, project: str, page_size: int, page_token: str) -> tuple[list[Any], str]:
        """One page of the project's topics by name, and the token of the next page or ''. Raises InvalidArgument."""
        names.check_project(project)
        found = [topic.settings for name, topic in sorted(self.topics.items()) if names.in_project(name, project)]
        return page_of(found, lambda topic: topic.name, page_size, page_token)

    def list_topic_subscriptions(self, name: str, page_size: int, page_token: str) -> tuple[list[str], str]:
        """One page of the names of the topic's subscriptions. Raises InvalidArgument or NotFound."""
        attached = (s for s in self.subscriptions_of(self.topic(name)) if not s.settings.detached)
        return page_of(sorted(subscription.settings.name for subscription in attached), str, page_size, page_token)

    def delete_topic(self, name: str) -> None:
        """Its subscriptions stay, with what they are owed. Raises InvalidArgument or NotFound."""
        topic = self.topic(name)
        del self.topics[name]
        topic.deleted = True
        self._deleted_topics.append(topic)
        self._save(topic)

    def publish(self, request: Any) -> list[str]:
        """The message ids, in the order of the request's messages. All or nothing.

        Raises InvalidArgument, NotFound, or ResourceExhausted if a subscription already owes too much.
        """
        names.check_topic(request.topic)
        try:
            check_publish(request)
            topic = self.topic(request.topic)
            extras = self.registry.accept(topic.settings, request.messages)
            self._check_room(topic)
        except PubSubError:
            self.counts.rejected += len(request.messages)
            raise
        return self._append(topic, request.messages, extras)

    def create_subscription(self, asked: Any) -> Any:
        """The subscription as it is kept. Raises InvalidArgument, AlreadyExists, NotFound, OutOfRange or Unimplemented."""
        settings = checked_subscription(asked)
        settings.ClearField("detached")
        names.check_topic(settings.topic)
        if settings.name in self.subscriptions:
            raise AlreadyExists(f"Subscription already exists: {settings.name}")
        if settings.topic not in self.topics:
            raise NotFound(f"Subscription topic does not exist: {settings.topic}")
        self._check_dead_letter_topic(settings)
        topic = self.topics[settings.topic]
        subscription = Subscription(self.new_id(), settings, topic, self._position, self.store, self.forward)
        self.subscriptions[settings.name] = subscription
        subscription.used = self.now()
        subscription.save()
        self.set_retention(topic)
        return subscription.describe()

    def subscription(self, name: str) -> Subscription:
        """The one that a request names, and so uses. Raises InvalidArgument or NotFound."""
        subscription = self.subscriptions.get(names.check_subscription(name))
        if subscription is None:
            raise NotFound(f"Subscription does not exist: {name}")
        subscription.used = self.now()
        return subscription

    def unbind_schema(self, name: str) -> None:
        """The schema is gone for good: its topics say so, and take no messages until they are given another."""
        for topic in self.topics.values():
            if topic.settings.schema_settings.schema == name:
                topic.settings.schema_settings.schema = names.DELETED_SCHEMA
                self._save(topic)

    def subscriptions_of(self, topic: Topic) -> list[Subscription]:
        """The topic's subscriptions."""
        return [subscription for subscription in self.subscriptions.values() if subscription.topic is topic]

    def update_subscription(self, asked: Any, mask: Any) -> Any:
        """The subscription after the update. Raises InvalidArgument, NotFound, OutOfRange or Unimplemented."""
        subscription = self.subscription(asked.name)
        settings = merged_subscription(subscription.settings, asked, mask)
        if "dead_letter_policy" in {path.split(".")[0] for path in mask.paths}:
            self._check_dead_letter_topic(settings)
        subscription.update(settings)
        self.set_retention(subscription.topic)
        return subscription.describe()

    def list_subscriptions(self, project: str, page_size: int, page_token: str) -> tuple[list[Any], str]:
        """One page of the project's subscriptions by name. Raises InvalidArgument."""
        names.check_project(project)
        found = [s.describe() for name, s in sorted(self.subscriptions.items()) if names.in_project(name, project)]
        return page_of(found, lambda subscription: subscription.name, page_size, page_token)

    def delete_subscription(self, name: str) -> Subscription:
        """The subscription that is no more. Raises InvalidArgument or NotFound."""
        subscription = self.subscription(name)
        del self.subscriptions[name]
        subscription.owe_only(())
        self.store.drop("subscriptions", subscription.id)
        self.counts.add(subscription.backlog.counts)
        self.set_retention(subscription.topic)
        return subscription

    def detach_subscription(self, name: str) -> Subscription:
        """The subscription, which gets nothing any more and has lost its backlog. Raises InvalidArgument or NotFound."""
        subscription = self.subscription(name)
        subscription.settings.detached = True
        subscription.owe_only(())
        return subscription

    def forward(self, subscription: Subscription, delivery: Delivery) -> bool:
        """Publishes the message to the subscription's dead letter topic, saying where it comes from. False if there is no
        such topic any more: then the subscription keeps it."""
        topic = self.topics.get(subscription.settings.dead_letter_policy.dead_letter_topic)
        if topic is None:
            return False
        raw = self.store.raw(delivery.message.position)
        body = dead_letter(raw, subscription.settings.name, delivery.failures)
        self._append(topic, [body], [b""])
        return True

    def set_retention(self, topic: Topic) -> None:
        """To be called when something has changed that a topic retains messages for."""
        topic.retain(*self._retention(topic))

    def _retention(self, topic: Topic) -> tuple[int, int | None]:
        """A topic retains for itself, for every subscription that may seek to what it acknowledged, and for snapshots."""
        retaining = (s.retention for s in self.subscriptions_of(topic) if s.settings.retain_acked_messages)
        floors = (snapshot.since for snapshot in self.snapshots.values() if snapshot.topic is topic)
        if topic.deleted:
            return 0, None
        return max([topic.retention, *retaining]), min(floors, default=None)

    def _append(self, topic: Topic, bodies: Any, extras: list[bytes]) -> list[str]:
        now = self.now()
        subscriptions = self.subscriptions_of(topic)
        offered: dict[Subscription, list[Message]] = {}
        ids = []
        for body, extra in zip(bodies, extras, strict=True):
            self._position += 1
            self._last_published = max(now, self._last_published + 1)
            ids.append(str(self._position))
            attributes = body.attributes
            takers = [subscription for subscription in subscriptions if subscription.lets_through(attributes)]
            if takers or topic.retains:
                raw = stamped(body, self._position, self._last_published, extra)
                message = Message.of(raw, body.ordering_key, self._position, self._last_published)
                topic.append(message, raw)
                for subscription in takers:
                    offered.setdefault(subscription, []).append(message)
        self.counts.published += len(ids)
        self.store.count("position", self._position)
        self.store.count("published", self._last_published)
        for subscription, messages in offered.items():
            subscription.offer(messages)
            self.wake(subscription)
        if topic.next_due() == 0:
            topic.prune(now)
        self.grown(topic)
        return ids

    def _check_room(self, topic: Topic) -> None:
        for subscription in self.subscriptions_of(topic):
            backlog = subscription.backlog
            if backlog.bytes > self._backlog_bytes or len(backlog) > BACKLOG_MESSAGES:
                raise ResourceExhausted(
                    f"Subscription {subscription.settings.name} owes {len(backlog)} unacknowledged messages of {backlog.bytes} "
                    f"bytes, the most are {BACKLOG_MESSAGES} of {self._backlog_bytes}: let a subscriber catch up, seek it "
                    "forward, or delete it"
                )

    def _check_dead_letter_topic(self, settings: Any) -> None:
        if settings.HasField("dead_letter_policy"):
            name = settings.dead_letter_policy.dead_letter_topic
            if not name:
                raise InvalidArgument("dead_letter_policy names no dead_letter_topic")
            if names.check_topic(name) not in self.topics:
                raise NotFound(f"Dead letter topic not found: {name}")

    def _save(self, topic: Topic) -> None:
        self.store.put("topics", topic.id, settings=None if topic.deleted else topic.settings.SerializeToString())
        self.set_retention(topic)
