"""Topics: what was published, who holds it still, and for how long the rest is retained."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from localpubsub.protocol import pb
from localpubsub.rules.names import DELETED_TOPIC
from localpubsub.store import Row, Store

_log = logging.getLogger(__name__)

RETAINED_BYTES = 1024 * 1024 * 1024  # per topic; a day of a busy news topic is less
RETAINED_BYTES_IN_MEMORY = 256 * 1024 * 1024  # a laptop runs several
ENVELOPE_BYTES = 112  # the most that ack id, delivery attempt and framing add to a message on its way out
SWEEP, PAGE = 5_000, 250  # messages looked at in one go, which takes some tens of milliseconds, and at once


@dataclass(slots=True, eq=False)
class Message:
    """A message that some subscription or snapshot holds; its body is in the store.

    `position` counts over the whole server and is also the message id; `published` is in microseconds since the epoch;
    `size` is the most it takes in a response, in bytes.
    """

    position: int
    published: int
    size: int
    key: str
    holders: int = 0

    @classmethod
    def of(cls, raw: bytes, key: str, position: int, published: int) -> Message:
        """The message whose body is `raw`."""
        return cls(position, published, len(raw) + ENVELOPE_BYTES, key)


class Topic:
    """A topic's settings and messages. `window` is how long they are retained (microseconds), whoever acknowledges them.

    A message leaves when nobody holds it and it is not retained. Retained are those within the window, up to
    `retained_bytes`, and those behind `floor`: a snapshot promises everything published after it.
    """

    def __init__(self, id_: int, settings: Any, store: Store, retained_bytes: int) -> None:
        self.id = id_
        self.settings = settings
        self.deleted = False
        self.window = 0
        self.floor: int | None = None
        self.held: dict[int, Message] = {}
        self.messages, self.bytes = 0, 0
        self.dropped = 0
        self._store = store
        self._retained_bytes = retained_bytes
        self._swept = 0  # all up to this position are held or gone, and retained no more
        self._unswept_bytes = 0
        self._oldest: int | None = None  # when the first behind it was published, as far as is known
        self._next_warning = 1

    @property
    def name(self) -> str:
        """As its subscriptions show it."""
        return DELETED_TOPIC if self.deleted else str(self.settings.name)

    @property
    def retention(self) -> int:
        """Microseconds for which any subscription may seek back, 0 if the topic retains nothing."""
        return 0 if self.deleted else pb.duration_micros(self.settings.message_retention_duration)

    @property
    def retains(self) -> bool:
        """Whether anything stays that nobody holds."""
        return bool(self.window) or self.floor is not None

    def restore(self) -> None:
        """Counts what the store has."""
        self.messages, self.bytes = self._store.volume(self.id)
        self._unswept_bytes = self.bytes
        self._oldest = 0 if self.messages else None

    def retain(self, window: int, floor: int | None) -> None:
        """Retains by these rules from now on: what was published before there were any is not retained by them."""
        begins = not self.retains and (window or floor is not None)
        if begins and self.held and self._oldest is None:  # else there is something left to sweep before them
            self._swept, self._unswept_bytes = max(self.held), 0
        self.restore_rules(window, floor)

    def restore_rules(self, window: int, floor: int | None) -> None:
        """Retains by these rules, and all there is; the next sweep looks at what may go by them."""
        if (window, floor) != (self.window, self.floor):
            self.window, self.floor = window, floor
            self._oldest = 0 if self.messages else None

    def append(self, message: Message, raw: bytes) -> None:
        """A message just published, which somebody holds or the topic retains."""
        self._store.add(self.id, Row(message.position, message.published, message.size, message.key), raw)
        self.messages += 1
        self.bytes += message.size
        self._unswept_bytes += message.size
        if self._oldest is None and self.retains:
            self._oldest = message.published

    def hold(self, message: Message) -> None:
        """One more holder."""
        message.holders += 1
        self.held[message.position] = message

    def release(self, message: Message) -> None:
        """One holder less; the message goes with the last one unless it is retained."""
        message.holders -= 1
        if message.holders:
            return
        del self.held[message.position]
        if message.position <= self._swept or not (self.window or self._promised(message.position)):
            self._drop(message)

    def log(self, after: int = 0, since: int = 0) -> list[Message]:
        """What there is behind position `after`, published at `since` (microseconds) or later, in publish order."""
        return [self.held.get(row.position) or Message(*row) for row in self._store.log(self.id, after, since)]

    def prune(self, now: int) -> bool:
        """Drops what is not retained any more. True if that was too much for one go and there is more to do."""
        for _ in range(SWEEP // PAGE):
            rows = self._store.log(self.id, self._swept, limit=PAGE)
            for row in rows:
                over = row.published < now - self.window
                if self._promised(row.position) or not (over or self._unswept_bytes > self._retained_bytes):
                    self._oldest = row.published
                    self._warn()
                    return False
                if row.position not in self.held:
                    self._drop(row)
                else:
                    self._unswept_bytes -= row.size
                self._swept = row.position
                self.dropped += not over
            if len(rows) < PAGE:
                self._oldest = None
                self._warn()
                return False
        return True

    def next_due(self) -> int | None:
        """When `prune` next has something to do (microseconds, 0 for at once), None if it will not."""
        if self._unswept_bytes > self._retained_bytes and self._oldest is not None:
            return 0
        return None if self._oldest is None or self.floor is not None else self._oldest + self.window + 1

    def _promised(self, position: int) -> bool:
        return self.floor is not None and position > self.floor

    def _drop(self, message: Message | Row) -> None:
        self._store.forget(self.id, message.position)
        self.messages -= 1
        self.bytes -= message.size
        if message.position > self._swept:
            self._unswept_bytes -= message.size

    def _warn(self) -> None:
        if self.dropped >= self._next_warning:  # at each doubling, since a full topic drops all the time
            self._next_warning = 2 * self.dropped
            _log.warning(
                "topic %s: %d retained messages dropped so far to stay within %d bytes; nobody can seek to them any more",
                self.name,
                self.dropped,
                self._retained_bytes,
            )
