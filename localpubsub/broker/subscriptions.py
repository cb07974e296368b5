"""A subscription: settings, filter and backlog, what a seek finds for it in the topic's log, and what it writes down."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from localpubsub.broker.ack_ids import new_epoch
from localpubsub.broker.backlog import Backlog, no_backoff
from localpubsub.broker.deliveries import Delivery
from localpubsub.broker.topics import Message, Topic
from localpubsub.protocol import pb
from localpubsub.rules.filters import Filter, parse_filter
from localpubsub.store import Store

_log = logging.getLogger(__name__)


class Subscription:
    """One subscription of one topic; its backlog stays when the topic is deleted.

    `since` is the position after which messages belong to it: those published before it was made are only seen by
    seeking into what the topic retains. `forward` takes a message that failed often enough to the dead letter topic.

    `used` is when a request last named it (microseconds), `streams` how many are open on it: whoever nobody asks for ends
    after the time of its expiration policy. Source: comments of google/pubsub/v1/pubsub.proto (ExpirationPolicy).
    """

    def __init__(
        self,
        id_: int,
        settings: Any,
        topic: Topic,
        since: int,
        store: Store,
        forward: Callable[[Subscription, Delivery], bool] = lambda subscription, delivery: False,
    ) -> None:
        self.id = id_
        self.settings = settings
        self.topic = topic
        self.since = since
        self.used = 0
        self.streams = 0
        self._store = store
        self._forward = forward
        self._matches: Filter = parse_filter(settings.filter)
        self.backlog = Backlog(
            settings.enable_message_ordering, _backoff(settings), self, exactly_once=settings.enable_exactly_once_delivery
        )

    @property
    def ack_deadline(self) -> int:
        """Microseconds for which a Pull leases messages."""
        return int(self.settings.ack_deadline_seconds) * 1_000_000

    @property
    def retention(self) -> int:
        """Microseconds for which an unacknowledged message is owed."""
        return pb.duration_micros(self.settings.message_retention_duration)

    @property
    def most_attempts(self) -> int:
        """Deliveries after which a message goes to the dead letter topic, 0 for never."""
        return int(self.settings.dead_letter_policy.max_delivery_attempts)

    @property
    def expires(self) -> int | None:
        """When it ends unless it is used again (microseconds), None if it never does, or not as long as it is read or pushed."""
        life = pb.duration_micros(self.settings.expiration_policy.ttl)
        if not life or self.streams or self.settings.push_config.push_endpoint:
            return None
        return self.used + life

    def save(self) -> None:
        """Writes down what it is (its backlog is written as it changes)."""
        self._store.put(
            "subscriptions",
            self.id,
            topic=self.topic.id,
            since=self.since,
            epoch=self.backlog.epoch,
            settings=self.settings.SerializeToString(),
        )

    def restore(self, epoch: str) -> None:
        """Takes up the backlog that the store has. Ack ids of before still count, except where exactly one may."""
        for row, failures in self._store.owed(self.id, self.topic.id):
            message = self.topic.held.get(row.position) or Message(*row)
            self.topic.hold(message)
            self.backlog.add(message, failures)
        self.backlog.epoch = new_epoch() if self.settings.enable_exactly_once_delivery else epoch

    def update(self, settings: Any) -> None:
        """Takes new settings; the backlog stays. Filter and ordering never change."""
        self.settings = settings
        self.backlog.backoff = _backoff(settings)
        self.backlog.exactly_once = settings.enable_exactly_once_delivery
        self.save()

    def describe(self) -> Any:
        """The settings as a client reads them, with what is told of the topic."""
        described = pb.Subscription()
        described.CopyFrom(self.settings)
        described.topic = self.topic.name
        described.ClearField("topic_message_retention_duration")
        if self.topic.retention:
            described.topic_message_retention_duration.CopyFrom(self.topic.settings.message_retention_duration)
        return described

    def lets_through(self, attributes: Mapping[str, str]) -> bool:
        """Whether a message with these attributes is for this subscription."""
        return not self.settings.detached and (not self.settings.filter or self._matches(attributes))

    def offer(self, messages: Iterable[Message]) -> None:
        """Owes messages just published, which it lets through."""
        for message in messages:
            self.topic.hold(message)
            self.backlog.add(message)
        self._store.owe(self.id, [message.position for message in messages])

    def prune(self, now: int) -> None:
        """Drops what nobody acknowledged within the retention, and says so in the log."""
        dropped = self.backlog.drop_older(now - self.retention)
        if dropped:
            _log.warning("subscription %s: %d messages expired unacknowledged", self.settings.name, dropped)

    def next_expiry(self) -> int | None:
        """When the oldest message owed outlives the retention (microseconds), None if nothing is owed."""
        oldest = self.backlog.oldest()
        return None if oldest is None else oldest + self.retention + 1

    def seek(self, time: int, now: int) -> None:
        """Owes everything known that was published at `time` (microseconds) or later, and nothing from before.

        Known is what is unacknowledged, what the topic retains, and, with retain_acked_messages, what the subscription
        has acknowledged within its own retention. A time in the future empties the backlog.
        """
        kept = [message for message in self.backlog.messages() if message.published >= time]
        held = {message.position for message in kept}
        log = [] if self.topic.deleted else self.topic.log(since=time)
        replayed = (m for m in log if m.position not in held and self._knows(m, now))
        self.owe_only(heapq.merge(kept, replayed, key=lambda message: message.position))

    def seek_to(self, unacknowledged: Iterable[Message], position: int) -> None:
        """Owes what was unacknowledged in a snapshot taken at `position`, and all that the topic has got since."""
        later = [] if self.topic.deleted else self.topic.log(after=position)
        self.owe_only(m for m in [*unacknowledged, *later] if self._passes(m))

    def owe_only(self, messages: Iterable[Message]) -> None:
        """Replaces the backlog by these messages, in publish order."""
        owed = list(messages)
        for message in owed:
            self.topic.hold(message)
        for message in self.backlog.messages(acknowledged=True):
            self.topic.release(message)
        self.backlog.replace(owed)
        self._store.replace_owed(self.id, [message.position for message in owed])
        self.save()

    def finished(self, message: Message) -> None:
        """A message has left the backlog."""
        self._store.finish(self.id, message.position)
        self.topic.release(message)

    def failed(self, delivery: Delivery) -> None:
        """A message came back. What is counted here only matters to a policy that asks how often."""
        if self.settings.HasField("dead_letter_policy") or self.settings.HasField("retry_policy"):
            self._store.failed(self.id, delivery.message.position, delivery.failures)

    def bury(self, delivery: Delivery) -> bool:
        """True if the message failed as often as it may and the dead letter topic has it now."""
        return 0 < self.most_attempts <= delivery.failures and self._forward(self, delivery)

    def _knows(self, message: Message, now: int) -> bool:
        age = now - message.published
        retained = 0 < self.topic.retention >= age
        if not retained and self.settings.retain_acked_messages:
            retained = message.position > self.since and age <= self.retention
        return retained and self._passes(message)

    def _passes(self, message: Message) -> bool:
        if not self.settings.filter:
            return True
        return self._matches(pb.PubsubMessage.FromString(self._store.raw(message.position)).attributes)


def _backoff(settings: Any) -> Callable[[int], int]:
    """The wait before redelivery: the minimum, doubled with each further failure, up to the maximum."""
    if not settings.HasField("retry_policy"):
        return no_backoff
    least = pb.duration_micros(settings.retry_policy.minimum_backoff)
    most = pb.duration_micros(settings.retry_policy.maximum_backoff)
    return lambda failures: min(most, least * 2 ** min(failures - 1, 32))
