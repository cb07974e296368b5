"""Messages of one ordering key: the line they stand in.

The head of a line may be out with one consumer at a time; nothing of the key goes to anybody else until all that is
out has been acknowledged or has come back. When a message comes back, every later one of its key comes back too, the
acknowledged included, so that a subscriber always sees the key in order. Source: the Pub/Sub page "Order messages".
"""

from __future__ import annotations

from collections import deque

from localpubsub.broker.deliveries import Consumer, Delivery


class KeyLine:
    """The unfinished messages of one key of one subscription, in publish order.

    `out` holds what is with the owner, and what was acknowledged behind something that is not; `waiting` the rest.
    """

    __slots__ = ("key", "out", "owner", "waiting")

    def __init__(self, key: str) -> None:
        self.key = key
        self.out: deque[Delivery] = deque()
        self.waiting: deque[Delivery] = deque()
        self.owner: Consumer | None = None

    def may_go(self, delivery: Delivery, consumer: Consumer) -> bool:
        """Whether `delivery` is next and `consumer` may have it."""
        return bool(self.waiting) and self.waiting[0] is delivery and self.owner in (None, consumer)

    def send(self, consumer: Consumer) -> None:
        """The next waiting message goes out to `consumer`."""
        self.owner = consumer
        self.out.append(self.waiting.popleft())

    def acknowledged(self) -> list[Delivery]:
        """Takes the acknowledged messages off the front of the line: they are finished."""
        finished = []
        while self.out and self.out[0].acked:
            finished.append(self.out.popleft())
        if not self.out:
            self.owner = None
        return finished

    def take_back(self, delivery: Delivery) -> list[Delivery]:
        """`delivery` and all that went out after it wait again. Returns them in order."""
        returned: list[Delivery] = []
        while self.out:
            last = self.out.pop()
            returned.append(last)
            if last is delivery:
                break
        self.waiting.extendleft(returned)
        if not self.out:
            self.owner = None
        return returned[::-1]
