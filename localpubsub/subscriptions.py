"""A subscription: settings, filter and backlog, and what a seek finds for it in the topic's log."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable
from typing import Any

from localpubsub import pb
from localpubsub.backlog import Backlog, no_backoff
from localpubsub.filters import Filter, parse_filter
from localpubsub.names import DELETED_TOPIC
from localpubsub.topics import Message, Topic

_log = logging.getLogger(__name__)


class Subscription:
    """One subscription of one topic. `topic` is None once the topic was deleted; the backlog then stays.

    `since` is the position after which messages belong to it: those published before it was made are only seen by
    seeking into what the topic retains.
    """

    def __init__(self, settings: Any, topic: Topic, since: int) -> None:
        self.settings = settings
        self.topic: Topic | None = topic
        self.since = since
        self._matches: Filter = parse_filter(settings.filter)
        self.backlog = Backlog(settings.enable_message_ordering, _backoff(settings))

    @property
    def ack_deadline(self) -> int:
        """Microseconds for which a Pull leases messages."""
        return int(self.settings.ack_deadline_seconds) * 1_000_000

    @property
    def retention(self) -> int:
        """Microseconds for which an unacknowledged message is owed."""
        return pb.duration_micros(self.settings.message_retention_duration)

    def update(self, settings: Any) -> None:
        """Takes new settings; the backlog stays. Filter and ordering never change."""
        self.settings = settings
        self.backlog.backoff = _backoff(settings)

    def describe(self) -> Any:
        """The settings as a client reads them, with what is told of the topic."""
        described = pb.Subscription()
        described.CopyFrom(self.settings)
        described.ClearField("topic_message_retention_duration")
        if self.topic is None:
            described.topic = DELETED_TOPIC
        elif self.topic.retention:
            described.topic_message_retention_duration.CopyFrom(self.topic.settings.message_retention_duration)
        return described

    def offer(self, messages: list[Message]) -> None:
        """Messages just published: those the filter lets through are owed from now on."""
        for message in messages:
            if self._lets_through(message):
                self.backlog.add(message)

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
        owed = self.backlog.messages()
        replayed: list[Message] = []
        if self.topic is not None:
            self.topic.prune(now)
            held = {message.position for message in owed}
            replayed = [m for m in self.topic.log if m.published >= time and m.position not in held and self._knows(m, now)]
        kept = [message for message in owed if message.published >= time]
        self.backlog.replace(heapq.merge(kept, replayed, key=lambda message: message.position))

    def _knows(self, message: Message, now: int) -> bool:
        age = now - message.published
        retained = self.topic is not None and 0 < self.topic.retention >= age
        if not retained and self.settings.retain_acked_messages:
            retained = message.position > self.since and age <= self.retention
        return retained and self._lets_through(message)

    def _lets_through(self, message: Message) -> bool:
        return not self.settings.filter or self._matches(message.body().attributes)


def _backoff(settings: Any) -> Callable[[int], int]:
    """The wait before redelivery: the minimum, doubled with each further delivery, up to the maximum."""
    if not settings.HasField("retry_policy"):
        return no_backoff
    least = pb.duration_micros(settings.retry_policy.minimum_backoff)
    most = pb.duration_micros(settings.retry_policy.maximum_backoff)
    return lambda sent: min(most, least * 2 ** min(sent - 1, 32))
