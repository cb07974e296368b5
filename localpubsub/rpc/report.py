"""What the server tells of itself: inspection.py describes it."""

from __future__ import annotations

from typing import Any

from localpubsub.broker import Broker
from localpubsub.broker.metrics import Counts
from localpubsub.broker.subscriptions import Subscription
from localpubsub.broker.topics import Topic


def report(broker: Broker) -> dict[str, Any]:
    """The status, ready for JSON."""
    now = broker.now()
    total = Counts()
    total.add(broker.counts)
    for subscription in broker.subscriptions.values():
        subscription.backlog.expire(now)
        total.add(subscription.backlog.counts)
    store = broker.store
    return {
        "topics": [_topic(topic) for _, topic in sorted(broker.topics.items())],
        "subscriptions": [_subscription(each, now) for _, each in sorted(broker.subscriptions.items())],
        "metrics": total.as_dict(),
        "store": {"directory": str(store.directory or ""), "bytes": store.bytes()},
    }


def _topic(topic: Topic) -> dict[str, Any]:
    schema = topic.settings.schema_settings.schema
    return {"name": topic.name, "messages": topic.messages, "bytes": topic.bytes, "schema": schema}


def _subscription(subscription: Subscription, now: int) -> dict[str, Any]:
    settings, backlog = subscription.settings, subscription.backlog
    oldest = backlog.oldest()
    return {
        "name": settings.name,
        "topic": subscription.topic.name,
        "filter": settings.filter,
        "backlog": len(backlog),
        "backlog_bytes": backlog.bytes,
        "oldest_unacked_seconds": None if oldest is None else max(0.0, (now - oldest) / 1_000_000),
        "leased": backlog.leased(),
        "delivered": backlog.counts.delivered,
        "acknowledged": backlog.counts.acknowledged,
        "dead_lettered": backlog.counts.dead_lettered,
        "dead_letter_topic": settings.dead_letter_policy.dead_letter_topic,
    }
