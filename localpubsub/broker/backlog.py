"""The backlog of one subscription: what it still owes its consumers, who has it on lease, and until when.

    ready ──take──► leased ──acknowledge──► gone
      ▲               │
      ├───────────────┴── nack, lease expired ──► buried, after so many failures, if there is a grave
      └── (after the back-off, if the subscription has one)

All times are microseconds of the server's clock and come in as arguments. Nothing here waits: whoever waits asks
`next_due` how long. Not safe for threads: the server runs all of it on one event loop.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator

from localpubsub.broker.ack_ids import ack_id, new_epoch, parse
from localpubsub.broker.deliveries import Consumer, Delivery, Keeper
from localpubsub.broker.metrics import Counts
from localpubsub.broker.ordering import KeyLine
from localpubsub.broker.topics import Message

SPARE_LEASES = 1000  # outdated entries that may lie among the leases before they are cleared out


def no_backoff(failures: int) -> int:
    """Redelivery at once, the default of a subscription without a retry policy."""
    return 0


class Backlog:
    """The unacknowledged messages of one subscription.

    `ordered`: messages with an ordering key keep their order. `exactly_once`: an ack id counts only while its lease lasts.
    `backoff`: microseconds before redelivery, given the failures. `epoch` marks the ack ids of this backlog.
    """

    def __init__(
        self,
        ordered: bool = False,
        backoff: Callable[[int], int] = no_backoff,
        keeper: Keeper | None = None,
        exactly_once: bool = False,
    ) -> None:
        self.ordered = ordered
        self.exactly_once = exactly_once
        self.backoff = backoff
        self.bytes = 0
        self.counts = Counts()
        self.epoch = ""
        self._keeper = keeper
        self._deliveries: dict[int, Delivery] = {}
        self._lines: dict[str, KeyLine] = {}
        # Heaps whose entries may be out of date; what is taken from them is checked against the delivery.
        self._ready: list[int] = []
        self._leases: list[tuple[int, int]] = []
        self._delayed: list[tuple[int, int]] = []
        self.replace(())

    def __len__(self) -> int:
        return len(self._deliveries)

    def messages(self, acknowledged: bool = False) -> list[Message]:
        """All that is unacknowledged, in publish order; with `acknowledged` also what was so behind something that is not."""
        return [d.message for d in self._deliveries.values() if acknowledged or not d.acked]

    def leased(self) -> int:
        """How many messages are on lease."""
        return sum(1 for delivery in self._deliveries.values() if delivery.deadline)

    def add(self, message: Message, failures: int = 0) -> None:
        """A message just published, or one that has come back `failures` times before."""
        key = message.key if self.ordered else ""
        line = self._lines.setdefault(key, KeyLine(key)) if key else None
        delivery = Delivery(message, line, failures)
        self._deliveries[message.position] = delivery
        self.bytes += message.size
        if line is None:
            heapq.heappush(self._ready, message.position)
        else:
            line.waiting.append(delivery)
            if len(line.waiting) == 1:
                self._announce(line)

    def replace(self, messages: Iterable[Message]) -> None:
        """Starts anew with `messages` (in publish order), all of them undelivered: what a seek does.

        Ack ids given out before mean nothing any more, and no consumer holds anything.
        """
        for delivery in self._deliveries.values():
            self._end_lease(delivery)
        self.epoch = new_epoch()
        self._deliveries, self._lines, self.bytes = {}, {}, 0
        self._ready, self._leases, self._delayed = [], [], []
        for message in messages:
            self.add(message)

    def take(self, consumer: Consumer, most: int, most_bytes: int, lease: int, now: int) -> list[tuple[str, Delivery]]:
        """Leases messages to `consumer` for `lease` microseconds: at most `most` of them and `most_bytes` together (but
        at least one), within the consumer's own limits. Returns ack ids and deliveries, oldest first."""
        self.expire(now)
        taken: list[tuple[str, Delivery]] = []
        size = 0
        while len(taken) < most:
            heap, delivery = self._next(consumer)
            if delivery is None:
                break
            need = delivery.message.size
            if (taken and size + need > most_bytes) or not consumer.has_room(need):
                break
            heapq.heappop(heap)
            size += need
            self._begin_lease(delivery, consumer, now + lease)
            taken.append((ack_id(self.epoch, delivery.message.position, delivery.sent), delivery))
        self.counts.delivered += len(taken)
        return taken

    def acknowledge(self, ack_ids: Iterable[str], now: int = 0) -> list[str]:
        """Ends the deliveries. Returns the ack ids that mean nothing any more.

        An ack id of an earlier delivery of the same message counts, except for ordered messages, which come again in order,
        and under exactly-once delivery, where it counts only while its lease lasts (`now` tells which have ended).
        Raises InvalidArgument, before anything is done, if one of them was never an ack id.
        """
        stale = []
        for each, delivery, current in self._find(ack_ids, now):
            if delivery is None:
                stale.append(each)
            elif (current and delivery.deadline) or (delivery.line is None and not self.exactly_once):
                self._end_lease(delivery)
                self._acknowledge(delivery)
            else:
                stale.append(each)
        return stale

    def modify_deadline(self, ack_ids: Iterable[str], lease: int, now: int) -> list[str]:
        """Sets the leases to end `lease` microseconds from now; 0 gives the messages back at once (a nack). Returns the ack
        ids that are on no lease any more, which are passed over.

        Raises InvalidArgument as `acknowledge` does.
        """
        stale = []
        for each, delivery, current in self._find(ack_ids, now):
            if delivery is None or not current or not delivery.deadline:
                stale.append(each)
            elif lease:
                self._set_deadline(delivery, now + lease)
            else:
                self.counts.nacked += 1
                self._give_back(delivery, now)
        return stale

    def expire(self, now: int) -> None:
        """Takes back what is on a lease that has ended, and lets go what has waited its back-off."""
        while self._leases and self._leases[0][0] <= now:
            deadline, position = heapq.heappop(self._leases)
            delivery = self._deliveries.get(position)
            if delivery is not None and delivery.deadline == deadline:
                self.counts.expired += 1
                self._give_back(delivery, now)
        while self._delayed and self._delayed[0][0] <= now:
            delivery = self._deliveries.get(heapq.heappop(self._delayed)[1])
            if delivery is not None and delivery.not_before:
                self._release(delivery)

    def next_due(self) -> int | None:
        """The next moment at which `expire` would have something to do (microseconds), None if there is none."""
        while self._leases:
            deadline, position = self._leases[0]
            delivery = self._deliveries.get(position)
            if delivery is not None and delivery.deadline == deadline:
                break
            heapq.heappop(self._leases)
        due = [heap[0][0] for heap in (self._leases, self._delayed) if heap]
        return min(due) if due else None

    def drop_older(self, than: int) -> int:
        """Drops what was published before `than`, on lease or not. Returns how many."""
        dropped = 0
        for delivery in list(itertools.takewhile(lambda d: d.message.published < than, self._deliveries.values())):
            if delivery.message.position not in self._deliveries:  # acknowledged, it went with the one before
                continue
            dropped += 1
            self._end_lease(delivery)
            if delivery.line is not None:
                (delivery.line.out or delivery.line.waiting).popleft()
                for finished in delivery.line.acknowledged():
                    self._forget(finished)
                self._announce(delivery.line)
            self._forget(delivery)
        return dropped

    def oldest(self) -> int | None:
        """When the oldest message was published, None if there is none."""
        return next((d.message.published for d in self._deliveries.values()), None)

    def _next(self, consumer: Consumer) -> tuple[list[int], Delivery | None]:
        own, shared = self._peek(consumer.ready, consumer), self._peek(self._ready, consumer)
        if own is not None and (shared is None or own.message.position < shared.message.position):
            return consumer.ready, own
        return self._ready, shared

    def _peek(self, heap: list[int], consumer: Consumer) -> Delivery | None:
        while heap:
            delivery = self._deliveries.get(heap[0])
            if delivery is not None and not delivery.deadline and not delivery.not_before:
                line = delivery.line
                if line is None or line.may_go(delivery, consumer):
                    return delivery
            heapq.heappop(heap)
        return None

    def _announce(self, line: KeyLine) -> None:
        """Puts the head of the line where a consumer that may have it will look; an empty line ends."""
        if line.waiting:
            heapq.heappush(line.owner.ready if line.owner else self._ready, line.waiting[0].message.position)
        elif not line.out:
            self._lines.pop(line.key, None)

    def _begin_lease(self, delivery: Delivery, consumer: Consumer, deadline: int) -> None:
        delivery.sent += 1
        delivery.consumer = consumer
        consumer.messages += 1
        consumer.bytes += delivery.message.size
        self._set_deadline(delivery, deadline)
        if delivery.line is not None:
            delivery.line.send(consumer)
            self._announce(delivery.line)

    def _set_deadline(self, delivery: Delivery, deadline: int) -> None:
        delivery.deadline = deadline
        heapq.heappush(self._leases, (deadline, delivery.message.position))
        if len(self._leases) > 2 * len(self._deliveries) + SPARE_LEASES:  # most are of messages long acknowledged
            self._leases = [(d.deadline, d.message.position) for d in self._deliveries.values() if d.deadline]
            heapq.heapify(self._leases)

    def _end_lease(self, delivery: Delivery) -> None:
        if delivery.consumer is not None:
            delivery.consumer.messages -= 1
            delivery.consumer.bytes -= delivery.message.size
        delivery.consumer = None
        delivery.deadline = 0

    def _acknowledge(self, delivery: Delivery) -> None:
        self.counts.acknowledged += 1
        line = delivery.line
        if line is None:
            self._forget(delivery)
            return
        delivery.acked = True
        for finished in line.acknowledged():
            self._forget(finished)
        if line.owner is None:
            self._announce(line)

    def _give_back(self, delivery: Delivery, now: int) -> None:
        line = delivery.line
        for returned in [delivery] if line is None else line.take_back(delivery):
            self._end_lease(returned)
            returned.acked = False
        delivery.failures += 1
        if self._keeper is not None:
            if self._keeper.bury(delivery):
                self._bury(delivery)
                return
            self._keeper.failed(delivery)
        delay = self.backoff(delivery.failures)
        if delay:
            delivery.not_before = now + delay
            heapq.heappush(self._delayed, (delivery.not_before, delivery.message.position))
        else:
            self._release(delivery)

    def _bury(self, delivery: Delivery) -> None:
        self.counts.dead_lettered += 1
        line = delivery.line
        if line is not None:
            line.waiting.popleft()  # it is the head of what has just come back
        self._forget(delivery)
        if line is not None:
            self._announce(line)

    def _release(self, delivery: Delivery) -> None:
        delivery.not_before = 0
        if delivery.line is not None:
            self._announce(delivery.line)
        else:
            heapq.heappush(self._ready, delivery.message.position)

    def _forget(self, delivery: Delivery) -> None:
        if self._deliveries.pop(delivery.message.position, None) is not None:
            self.bytes -= delivery.message.size
            if self._keeper is not None:
                self._keeper.finished(delivery.message)

    def _find(self, ack_ids: Iterable[str], now: int) -> Iterator[tuple[str, Delivery | None, bool]]:
        """The deliveries meant, each with whether the ack id is the one of its latest delivery; None for what is gone."""
        parsed = parse(ack_ids)
        if self.exactly_once:
            self.expire(now)
        for each, epoch, position, sent in parsed:
            delivery = self._deliveries.get(position) if epoch == self.epoch else None
            yield each, delivery, delivery is not None and sent == delivery.sent
