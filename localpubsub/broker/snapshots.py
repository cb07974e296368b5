"""Snapshots: what a subscription had not acknowledged at a moment, kept together with all that was published after it.

A snapshot lives for a week from the oldest message it holds, and is not made for less than an hour. Source: comments of
google/pubsub/v1/pubsub.proto (CreateSnapshot) and the page "Replay and purge messages with seek".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from localpubsub.broker.topics import Message, Topic
from localpubsub.errors import FailedPrecondition
from localpubsub.protocol import pb
from localpubsub.store import Store

LIFE = 7 * 24 * 3600 * 1_000_000
LEAST_LIFE = 3600 * 1_000_000


class Snapshot:
    """`messages` are those unacknowledged when it was taken, at position `since` of the log of `topic`."""

    def __init__(self, id_: int, settings: Any, topic: Topic, since: int, store: Store) -> None:
        self.id = id_
        self.settings = settings
        self.topic = topic
        self.since = since
        self.messages: list[Message] = []
        self._store = store

    def take(self, messages: Iterable[Message]) -> None:
        """Holds the messages and writes itself down."""
        self._hold(messages)
        self._store.owe(self.id, [message.position for message in self.messages])
        self.save()

    def restore(self) -> None:
        """Takes up what the store has."""
        rows = (row for row, _ in self._store.owed(self.id, self.topic.id))
        self._hold(self.topic.held.get(row.position) or Message(*row) for row in rows)

    def save(self) -> None:
        """Writes down its settings."""
        settings = self.settings.SerializeToString()
        self._store.put("snapshots", self.id, topic=self.topic.id, since=self.since, settings=settings)

    def end(self) -> None:
        """Lets everything go."""
        for message in self.messages:
            self.topic.release(message)
        self._store.drop("snapshots", self.id)

    @property
    def expires(self) -> int:
        """When it ends, in microseconds since the epoch."""
        return pb.timestamp_micros(self.settings.expire_time)

    def _hold(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.topic.hold(message)
            self.messages.append(message)


def expiry(messages: list[Message], now: int) -> int:
    """When a snapshot of these ends (microseconds). Raises FailedPrecondition if that is too soon to take one."""
    ends = LIFE + min([now, *(message.published for message in messages)])
    if ends - now < LEAST_LIFE:
        raise FailedPrecondition(
            "The oldest unacknowledged message of the subscription is so old that the snapshot would end within the hour: "
            "acknowledge it, or seek past it"
        )
    return ends
