"""All topics and subscriptions of the server, by name: what the RPCs do, without gRPC.

Publish times are in microseconds and strictly increasing over the whole server, whatever the clock does, so that a
seek to the publish time of a message replays exactly that message and its successors. Message ids increase with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from localpubsub import names
from localpubsub.errors import AlreadyExists, InvalidArgument, NotFound, ResourceExhausted
from localpubsub.publishing import check_publish
from localpubsub.settings import checked_subscription, checked_topic, merged_subscription, merged_topic
from localpubsub.subscriptions import Subscription
from localpubsub.topics import RETAINED_BYTES, Message, Topic

BACKLOG_BYTES = 1024 * 1024 * 1024  # per subscription: publishing is refused rather than the machine's memory used up
DEFAULT_PAGE, MAX_PAGE = 100, 1000

T = TypeVar("T")


class Broker:
    """The state of the server. `clock` gives seconds since the epoch, as time.time does.

    `retained_bytes` caps what each topic retains for seeking, `backlog_bytes` what each subscription may owe.
    """

    def __init__(
        self, clock: Callable[[], float], retained_bytes: int = RETAINED_BYTES, backlog_bytes: int = BACKLOG_BYTES
    ) -> None:
        self._clock = clock
        self._retained_bytes = retained_bytes
        self._backlog_bytes = backlog_bytes
        self._topics: dict[str, Topic] = {}
        self._subscriptions: dict[str, Subscription] = {}
        self._position = 0
        self._last_published = 0

    def now(self) -> int:
        """Microseconds since the epoch."""
        return round(self._clock() * 1_000_000)

    def create_topic(self, asked: Any) -> Any:
        """The topic as it is kept. Raises InvalidArgument, AlreadyExists, or NotFound for a schema."""
        settings = checked_topic(asked)
        if settings.name in self._topics:
            raise AlreadyExists(f"Topic already exists: {settings.name}")
        topic = Topic(settings, self._retained_bytes)
        self._topics[settings.name] = topic
        self._set_window(topic)
        return topic.settings

    def topic(self, name: str) -> Topic:
        """Raises InvalidArgument or NotFound."""
        topic = self._topics.get(names.check_topic(name))
        if topic is None:
            raise NotFound(f"Topic not found: {name}")
        return topic

    def update_topic(self, asked: Any, mask: Any) -> Any:
        """The topic after the update. Raises InvalidArgument or NotFound."""
        topic = self.topic(asked.name)
        topic.settings = merged_topic(topic.settings, asked, mask)
        self._set_window(topic)
        return topic.settings

    def list_topics(self, project: str, page_size: int, page_token: str) -> tuple[list[Any], str]:
        """One page of the project's topics by name, and the token of the next page or ''. Raises InvalidArgument."""
        names.check_project(project)
        found = [topic.settings for name, topic in sorted(self._topics.items()) if names.in_project(name, project)]
        return _page(found, lambda topic: topic.name, page_size, page_token)

    def list_topic_subscriptions(self, name: str, page_size: int, page_token: str) -> tuple[list[str], str]:
        """One page of the names of the topic's subscriptions. Raises InvalidArgument or NotFound."""
        found = sorted(subscription.settings.name for subscription in self.subscriptions_of(self.topic(name)))
        return _page(found, str, page_size, page_token)

    def delete_topic(self, name: str) -> None:
        """Its subscriptions stay, with what they are owed. Raises InvalidArgument or NotFound."""
        topic = self.topic(name)
        for subscription in self.subscriptions_of(topic):
            subscription.topic = None
        del self._topics[name]

    def publish(self, request: Any) -> list[str]:
        """The message ids, in the order of the request's messages, which are stamped in place. All or nothing.

        Raises InvalidArgument, NotFound, or ResourceExhausted if a subscription already owes too much.
        """
        names.check_topic(request.topic)
        check_publish(request)
        topic = self.topic(request.topic)
        subscriptions = self.subscriptions_of(topic)
        for subscription in subscriptions:
            if subscription.backlog.bytes > self._backlog_bytes:
                raise ResourceExhausted(
                    f"Subscription {subscription.settings.name} owes {subscription.backlog.bytes} unacknowledged bytes, more "
                    f"than {self._backlog_bytes}: let a subscriber catch up, seek it forward, or delete it"
                )
        now = self.now()
        messages = [self._stamped(body, now) for body in request.messages]
        topic.append(messages, now)
        for subscription in subscriptions:
            subscription.offer(messages)
        return [str(message.position) for message in messages]

    def create_subscription(self, asked: Any) -> Any:
        """The subscription as it is kept. Raises InvalidArgument, AlreadyExists, NotFound or Unimplemented."""
        settings = checked_subscription(asked)
        names.check_topic(settings.topic)
        if settings.name in self._subscriptions:
            raise AlreadyExists(f"Subscription already exists: {settings.name}")
        if settings.topic not in self._topics:
            raise NotFound(f"Subscription topic does not exist: {settings.topic}")
        topic = self._topics[settings.topic]
        subscription = Subscription(settings, topic, self._position)
        self._subscriptions[settings.name] = subscription
        self._set_window(topic)
        return subscription.describe()

    def subscription(self, name: str) -> Subscription:
        """Raises InvalidArgument or NotFound."""
        subscription = self._subscriptions.get(names.check_subscription(name))
        if subscription is None:
            raise NotFound(f"Subscription does not exist: {name}")
        return subscription

    def subscriptions_of(self, topic: Topic) -> list[Subscription]:
        """The topic's subscriptions."""
        return [subscription for subscription in self._subscriptions.values() if subscription.topic is topic]

    def update_subscription(self, asked: Any, mask: Any) -> Any:
        """The subscription after the update. Raises InvalidArgument, NotFound or Unimplemented."""
        subscription = self.subscription(asked.name)
        subscription.update(merged_subscription(subscription.settings, asked, mask))
        if subscription.topic is not None:
            self._set_window(subscription.topic)
        return subscription.describe()

    def list_subscriptions(self, project: str, page_size: int, page_token: str) -> tuple[list[Any], str]:
        """One page of the project's subscriptions by name. Raises InvalidArgument."""
        names.check_project(project)
        found = [s.describe() for name, s in sorted(self._subscriptions.items()) if names.in_project(name, project)]
        return _page(found, lambda subscription: subscription.name, page_size, page_token)

    def delete_subscription(self, name: str) -> Subscription:
        """The subscription that is no more. Raises InvalidArgument or NotFound."""
        subscription = self.subscription(name)
        del self._subscriptions[name]
        subscription.backlog.replace(())
        if subscription.topic is not None:
            self._set_window(subscription.topic)
        return subscription

    def next_expiry(self, topic: Topic) -> int | None:
        """When something of the topic or of its subscriptions next outlives its retention (microseconds)."""
        moments = [topic.next_due(), *(subscription.next_expiry() for subscription in self.subscriptions_of(topic))]
        return min((moment for moment in moments if moment is not None), default=None)

    def sweep(self) -> int | None:
        """Drops what has outlived its retention. Returns when there is next something to drop (microseconds)."""
        now = self.now()
        moments: list[int | None] = []
        for topic in self._topics.values():
            topic.prune(now)
            moments.append(topic.next_due())
        for subscription in self._subscriptions.values():
            subscription.prune(now)
            moments.append(subscription.next_expiry())
        return min((moment for moment in moments if moment is not None), default=None)

    def _stamped(self, body: Any, now: int) -> Message:
        self._position += 1
        self._last_published = max(now, self._last_published + 1)
        return Message.stamp(body, self._position, self._last_published)

    def _set_window(self, topic: Topic) -> None:
        """A topic's log serves its own retention and that of every subscription that retains what it acknowledged."""
        retaining = (s.retention for s in self.subscriptions_of(topic) if s.settings.retain_acked_messages)
        topic.window = max([topic.retention, *retaining])
        topic.prune(self.now())


def _page(found: Iterable[T], key: Callable[[T], str], size: int, token: str) -> tuple[list[T], str]:
    if size < 0:
        raise InvalidArgument("page_size must not be negative")
    rest = [entry for entry in found if key(entry) > token]
    page = rest[: min(size or DEFAULT_PAGE, MAX_PAGE)]
    return page, key(page[-1]) if len(page) < len(rest) else ""
