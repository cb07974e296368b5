"""Topics: what was published, and the log of it that a topic retains."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from localpubsub import pb

_log = logging.getLogger(__name__)

RETAINED_BYTES = 256 * 1024 * 1024  # per topic: a laptop runs several, and a day of a busy news topic is less
ENVELOPE_BYTES = 96  # the most that ack id, delivery attempt and framing add to a message on its way out


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """One published message. `position` counts over the whole server and is also the message id; `published` is in
    microseconds since the epoch; `size` is the most it takes in a response, in bytes.

    It is kept serialized (`raw`, a PubsubMessage), in half the memory that the parsed message takes.
    """

    raw: bytes
    key: str
    position: int
    published: int
    size: int

    @classmethod
    def stamp(cls, body: Any, position: int, published: int) -> Message:
        """A message from the PubsubMessage that a client sent, whose message_id and publish_time are overwritten."""
        body.message_id = str(position)
        body.publish_time.FromMicroseconds(published)
        raw = body.SerializeToString()
        return cls(raw, body.ordering_key, position, published, len(raw) + ENVELOPE_BYTES)

    def body(self) -> Any:
        """The PubsubMessage."""
        return pb.PubsubMessage.FromString(self.raw)


@dataclass(eq=False)
class Topic:
    """A topic's settings and its log: messages in publish order, kept for `window` microseconds and within
    `retained_bytes`. A message leaves the log without leaving the backlog of a subscription that still owes it."""

    settings: Any
    retained_bytes: int = RETAINED_BYTES
    window: int = 0
    log: deque[Message] = field(default_factory=deque)
    log_bytes: int = 0
    dropped: int = 0
    _next_warning: int = 1

    @property
    def retention(self) -> int:
        """Microseconds for which any subscription may seek back, 0 if the topic retains nothing."""
        return pb.duration_micros(self.settings.message_retention_duration)

    def append(self, messages: list[Message], now: int) -> None:
        """Logs messages just published, oldest first."""
        if self.window:
            self.log.extend(messages)
            self.log_bytes += sum(message.size for message in messages)
        self.prune(now)

    def prune(self, now: int) -> None:
        """Drops what is older than the window, then the oldest until the rest fits the byte cap."""
        while self.log and (not self.window or self.log[0].published < now - self.window):
            self._drop_oldest()
        while self.log_bytes > self.retained_bytes:
            self._drop_oldest()
            self.dropped += 1
        if self.dropped >= self._next_warning:  # at each doubling, since a full topic drops at every publish
            self._next_warning = 2 * self.dropped
            _log.warning(
                "topic %s: %d retained messages dropped so far to stay within %d bytes; nobody can seek to them any more",
                self.settings.name,
                self.dropped,
                self.retained_bytes,
            )

    def next_due(self) -> int | None:
        """When the oldest message of the log ends its time (microseconds), None if the log is empty."""
        return self.log[0].published + self.window + 1 if self.log else None

    def _drop_oldest(self) -> None:
        self.log_bytes -= self.log.popleft().size
