"""The declaration as Pub/Sub's own messages, and what of a message the declaration speaks of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from google.protobuf import duration_pb2
from google.pubsub_v1 import types

from pipelines.topics.declaration import NEVER, SubscriptionSpec, TopicSpec
from pipelines.topics.durations import words

Setting = tuple[str, str]
"""Path of a field for an update, "" if it cannot be changed; and its value in words."""
NONE = "none"


def topic_message(project: str, name: str, spec: TopicSpec) -> types.Topic:
    """The topic as it is created. `project`: the id."""
    topic = types.Topic(name=f"projects/{project}/topics/{name}")
    if spec.retention:
        topic.message_retention_duration = _duration(spec.retention)
    if spec.binding:
        schema = f"projects/{project}/schemas/{spec.binding.name}"
        topic.schema_settings = types.SchemaSettings(schema=schema, encoding=getattr(types.Encoding, spec.binding.encoding))
    return topic


def subscription_message(project: str, topic: str, name: str, spec: SubscriptionSpec) -> types.Subscription:
    """The subscription as it is created. `topic`: its full name."""
    subscription = types.Subscription(
        name=f"projects/{project}/subscriptions/{name}",
        topic=topic,
        filter=spec.filter,
        ack_deadline_seconds=spec.ack_deadline,
        message_retention_duration=_duration(spec.retention),
        retain_acked_messages=spec.retain_acknowledged,
        enable_message_ordering=spec.ordering,
        enable_exactly_once_delivery=spec.exactly_once,
        # A policy without a length is how Pub/Sub says "never"; without a policy a subscription ends after 31 idle days.
        expiration_policy=types.ExpirationPolicy(ttl=_duration(spec.expiration) if spec.expiration != NEVER else None),
    )
    if spec.dead_letter:
        subscription.dead_letter_policy = types.DeadLetterPolicy(
            dead_letter_topic=f"projects/{project}/topics/{spec.dead_letter.topic}",
            max_delivery_attempts=spec.dead_letter.attempts,
        )
    if spec.retry:
        least, most = _duration(spec.retry.least), _duration(spec.retry.most)
        subscription.retry_policy = types.RetryPolicy(minimum_backoff=least, maximum_backoff=most)
    return subscription


def topic_settings(topic: types.Topic) -> dict[str, Setting]:
    """What a declaration says of a topic, by its names."""
    bound = topic.schema_settings
    told = f"{_short(bound.schema)} ({types.Encoding(bound.encoding).name})" if bound and bound.schema else NONE
    return {
        "retention": ("message_retention_duration", _told(topic.message_retention_duration)),
        "schema": ("schema_settings", told),
    }


def subscription_settings(subscription: types.Subscription) -> dict[str, Setting]:
    """What a declaration says of a subscription, by its names."""
    dead, retry = subscription.dead_letter_policy, subscription.retry_policy
    expires = types.Subscription.pb(subscription).expiration_policy
    ttl = expires.ttl.seconds if expires.HasField("ttl") else 0
    waits = f"{_told(retry.minimum_backoff)} to {_told(retry.maximum_backoff)}" if "retry_policy" in subscription else "at once"
    return {
        "topic": ("", _short(subscription.topic)),
        "filter": ("", subscription.filter or NONE),
        "ordering": ("", str(subscription.enable_message_ordering).lower()),
        "ack_deadline": ("ack_deadline_seconds", words(subscription.ack_deadline_seconds)),
        "retention": ("message_retention_duration", _told(subscription.message_retention_duration)),
        "retain_acknowledged": ("retain_acked_messages", str(subscription.retain_acked_messages).lower()),
        "expiration": ("expiration_policy", words(ttl) if ttl else "never"),
        "dead_letter": (
            "dead_letter_policy",
            f"{_short(dead.dead_letter_topic)} after {dead.max_delivery_attempts}" if dead.dead_letter_topic else NONE,
        ),
        "retry": ("retry_policy", waits),
        "exactly_once": ("enable_exactly_once_delivery", str(subscription.enable_exactly_once_delivery).lower()),
    }


def differences(
    settings: Callable[[Any], Mapping[str, Setting]], found: Any, declared: Any
) -> tuple[list[str], list[str], list[str]]:
    """(paths to update, "name: found -> declared" of what an update changes, and of what nothing can change)."""
    before, after = settings(found), settings(declared)
    changed = [name for name in after if before[name][1] != after[name][1]]
    told = {name: f"{name}: {before[name][1]} -> {after[name][1]}" for name in changed}
    can = [name for name in changed if after[name][0]]
    return [after[name][0] for name in can], [told[name] for name in can], [told[name] for name in changed if name not in can]


def _duration(seconds: int) -> duration_pb2.Duration:
    return duration_pb2.Duration(seconds=seconds)


def _told(length: timedelta | None) -> str:
    return words(int(length.total_seconds())) if length else NONE


def _short(name: str) -> str:
    return name.rpartition("/")[2]
