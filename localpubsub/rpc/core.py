"""A broker on an event loop: what all RPCs share.

Everything runs on the event loop of one thread, so the state needs no lock, and a waiting stream costs a coroutine
rather than a thread of a pool that many subscribers would use up. Waiting is woken by events (waiting.py): the only
timers are the end of a wait, of a lease, and of retention.
"""

from __future__ import annotations

from collections.abc import Callable

from localpubsub.broker import Broker
from localpubsub.broker.deliveries import Delivery
from localpubsub.broker.subscriptions import Subscription
from localpubsub.broker.sweeping import expiry_of_new, next_expiry, sweep
from localpubsub.broker.topics import Topic
from localpubsub.errors import FailedPrecondition, InvalidArgument, NotFound
from localpubsub.protocol.wire import received
from localpubsub.rpc.committing import GroupCommit
from localpubsub.rpc.waiting import Alarm, Waits

RESPONSE_BYTES = 4 * 1024 * 1024 - 4096  # a client on PUBSUB_EMULATOR_HOST refuses more than 4 MiB
PULL_WAIT = 20.0


class Core:
    """`pull_wait` is how long a Pull without messages waits, in seconds, unless its client gives up sooner. `on_failure` is
    called if the store fails."""

    def __init__(self, broker: Broker, pull_wait: float = PULL_WAIT, on_failure: Callable[[], None] = lambda: None) -> None:
        self.broker = broker
        self.pull_wait = pull_wait
        self.closing = False
        self.waits = Waits(broker.now)
        self.commits = GroupCommit(broker.store, on_failure)
        self.followed: Callable[[Subscription], None] = lambda subscription: None  # is told who may want to be pushed to
        self.alarm = Alarm(broker.now, lambda: sweep(broker))
        broker.wake = self.waits.wake
        broker.grown = lambda topic: self.alarm.set(expiry_of_new(broker, topic))

    def start(self) -> None:
        """Once the event loop runs: what a store brought along may have outlived its time."""
        self.alarm.set(sweep(self.broker))

    def close(self) -> None:
        """Ends every wait: pulls answer empty, streams end with UNAVAILABLE."""
        self.closing = True
        self.alarm.cancel()
        self.waits.wake_all()

    def watch(self, topic: Topic) -> None:
        """Sets the alarm to the next end of something of the topic, unless the server ends first."""
        if not self.closing:
            self.alarm.set(next_expiry(self.broker, topic))

    def check_attached(self, subscription: Subscription) -> None:
        """Raises NotFound if the subscription was deleted, even if another has its name now, or FailedPrecondition if it was
        detached."""
        name = subscription.settings.name
        if self.broker.subscription(name) is not subscription:
            raise NotFound(f"Subscription was deleted: {name}")
        if subscription.settings.detached:
            raise FailedPrecondition(f"Subscription is detached from its topic: {name}")

    def framed(self, subscription: Subscription, taken: list[tuple[str, Delivery]]) -> bytes:
        """What was taken of a backlog, as the `received_messages` of a response."""
        if subscription.most_attempts:
            self.alarm.set(subscription.backlog.next_due())
            return received((i, self.broker.store.raw(d.message.position), d.failures + 1) for i, d in taken)
        return received((i, self.broker.store.raw(d.message.position), 0) for i, d in taken)


def lease(field: str, seconds: int) -> int:
    """Microseconds. Raises InvalidArgument unless a lease may be so long."""
    if not 0 <= seconds <= 600:
        raise InvalidArgument(f"{field} must be between 0 and 600, not {seconds}")
    return seconds * 1_000_000
