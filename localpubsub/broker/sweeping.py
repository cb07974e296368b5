"""What time does to a broker: retention ends, snapshots and unused subscriptions end, and leases end though nobody pulls."""

from __future__ import annotations

import logging

from localpubsub.broker.broker import Broker
from localpubsub.broker.snapshotting import end
from localpubsub.broker.subscriptions import Subscription
from localpubsub.broker.topics import Topic

_log = logging.getLogger(__name__)


def expiry_of_new(broker: Broker, topic: Topic) -> int | None:
    """When a message published to the topic now will outlive its time (microseconds): what publishing can bring forward."""
    windows = [subscription.retention for subscription in broker.subscriptions_of(topic)]
    windows += [topic.window] if topic.window else []
    return broker.now() + min(windows) + 1 if windows else None


def next_expiry(broker: Broker, topic: Topic) -> int | None:
    """When something of the topic or of its subscriptions next outlives its time (microseconds, 0 for at once)."""
    return _first([topic.next_due(), *(_due(subscription) for subscription in broker.subscriptions_of(topic))])


def sweep(broker: Broker) -> int | None:
    """Drops what has outlived its time. Returns when there is next something to drop (microseconds, 0 for at once)."""
    now = broker.now()
    for snapshot in list(broker.snapshots.values()):
        if snapshot.expires <= now:
            end(broker, snapshot)
    for subscription in list(broker.subscriptions.values()):
        if subscription.expires is not None and subscription.expires <= now:
            _log.warning("subscription %s: nobody used it for the time of its expiration policy", subscription.settings.name)
            broker.wake(broker.delete_subscription(subscription.settings.name))
    for subscription in broker.subscriptions.values():
        subscription.prune(now)
        if subscription.most_attempts:
            subscription.backlog.expire(now)
    more = [topic.prune(now) for topic in broker.all_topics()]
    broker.drop_empty()
    moments = [
        *(snapshot.expires for snapshot in broker.snapshots.values()),
        *(_due(subscription) for subscription in broker.subscriptions.values()),
        *(topic.next_due() for topic in broker.all_topics()),
    ]
    return 0 if any(more) else _first(moments)


def _due(subscription: Subscription) -> int | None:
    lease = subscription.backlog.next_due() if subscription.most_attempts else None  # the last one ends in the dead letters
    return _first([subscription.next_expiry(), subscription.expires, lease])


def _first(moments: list[int | None]) -> int | None:
    return min((moment for moment in moments if moment is not None), default=None)
