"""Who takes messages, how each message of a backlog stands, and who keeps account of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from localpubsub.broker.topics import Message

if TYPE_CHECKING:
    from localpubsub.broker.ordering import KeyLine


class Consumer:
    """Whoever takes messages: one StreamingPull stream, or one Pull. Counts what it holds on lease.

    `max_messages` and `max_bytes` are its flow control limits, 0 for none.
    """

    __slots__ = ("bytes", "max_bytes", "max_messages", "messages", "ready")

    def __init__(self, max_messages: int = 0, max_bytes: int = 0) -> None:
        self.max_messages = max_messages
        self.max_bytes = max_bytes
        self.messages = 0
        self.bytes = 0
        self.ready: list[int] = []  # positions of ordered messages that only this consumer may have

    def has_room(self, size: int) -> bool:
        """Whether one more message of `size` bytes is within the limits. A message larger than max_bytes goes alone."""
        if self.max_messages > 0 and self.messages >= self.max_messages:
            return False
        return self.max_bytes <= 0 or self.messages == 0 or self.bytes + size <= self.max_bytes


class Delivery:
    """A message of the backlog and how it stands. `deadline` is 0 unless it is on lease; `sent` counts deliveries,
    `failures` those of them that ended in a nack or by the lease."""

    __slots__ = ("acked", "consumer", "deadline", "failures", "line", "message", "not_before", "sent")

    def __init__(self, message: Message, line: KeyLine | None, failures: int = 0) -> None:
        self.message = message
        self.line = line
        self.consumer: Consumer | None = None
        self.deadline = 0
        self.not_before = 0
        self.sent = 0
        self.failures = failures
        self.acked = False


class Keeper(Protocol):
    """Who is told what becomes of a backlog's messages, to write it down."""

    def finished(self, message: Message) -> None:
        """The message was acknowledged, buried, or dropped."""

    def failed(self, delivery: Delivery) -> None:
        """It came back: `delivery.failures` has grown."""

    def bury(self, delivery: Delivery) -> bool:
        """Forwards it to the dead letter topic if it has failed often enough. True if it was forwarded."""
