"""What a topic or subscription may be set to: limits, defaults, and which fields an update may name.

Limits: comments of google/pubsub/v1/pubsub.proto and the page "Quotas and limits". What this server does not carry out
is refused with a sentence where it would change which messages arrive, and kept with a warning where it would not.
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

from localpubsub.errors import InvalidArgument, OutOfRange, Unimplemented
from localpubsub.protocol import pb
from localpubsub.rules.filters import parse_filter
from localpubsub.rules.names import check_subscription, check_topic

_log = logging.getLogger(__name__)

DAY = 24 * 3600
MIN_RETENTION, MAX_RETENTION = 600, 31 * DAY
DEFAULT_RETENTION = 7 * DAY
MIN_ACK_DEADLINE, MAX_ACK_DEADLINE = 10, 600
DEFAULT_EXPIRATION = 31 * DAY
MIN_ATTEMPTS, MAX_ATTEMPTS = 5, 100  # of a dead letter policy
MIN_BACKOFF, MAX_BACKOFF = 10, 600  # defaults of a retry policy; each may be 0 to 600 s

_TOPIC_FIXED = {"name", "kms_key_name", "satisfies_pzs", "state"}
_SUBSCRIPTION_FIXED = {
    "name",
    "topic",
    "filter",
    "enable_message_ordering",
    "detached",
    "topic_message_retention_duration",
    "state",
    "analytics_hub_subscription_info",
}
_SNAPSHOT_FIXED = {"name", "topic"}
_STORED_ONLY = ("message_transforms", "ingestion_data_source_settings")
_REFUSED = {
    "bigquery_config": "BigQuery subscriptions",
    "cloud_storage_config": "Cloud Storage subscriptions",
    "bigtable_config": "Bigtable subscriptions",
}


def checked_topic(asked: Any) -> Any:
    """A copy of the topic as it will be kept. Raises InvalidArgument. Whether its schema exists is the registry's matter."""
    check_topic(asked.name)
    topic = pb.Topic()
    topic.CopyFrom(asked)
    if topic.HasField("message_retention_duration"):
        _check_range("message_retention_duration", topic.message_retention_duration, MIN_RETENTION, MAX_RETENTION)
    _warn_of_stored_only(topic)
    topic.state = pb.Topic.ACTIVE
    return topic


def checked_subscription(asked: Any) -> Any:
    """A copy of the subscription with its defaults. Raises InvalidArgument, OutOfRange or Unimplemented."""
    check_subscription(asked.name)
    subscription = pb.Subscription()
    subscription.CopyFrom(asked)
    deadline = subscription.ack_deadline_seconds or MIN_ACK_DEADLINE
    check_ack_deadline("ack_deadline_seconds", deadline)
    subscription.ack_deadline_seconds = deadline
    if not subscription.HasField("message_retention_duration"):
        subscription.message_retention_duration.seconds = DEFAULT_RETENTION
    _check_range("message_retention_duration", subscription.message_retention_duration, MIN_RETENTION, MAX_RETENTION)
    if not subscription.HasField("expiration_policy"):
        subscription.expiration_policy.ttl.seconds = DEFAULT_EXPIRATION
    elif subscription.expiration_policy.HasField("ttl") and subscription.expiration_policy.ttl.seconds < DAY:
        raise InvalidArgument("expiration_policy.ttl must be at least one day; leave ttl out for never")
    if subscription.HasField("retry_policy"):
        _check_retry_policy(subscription.retry_policy)
    if subscription.HasField("dead_letter_policy"):
        _check_attempts(subscription.dead_letter_policy)
    check_push(subscription.push_config)
    if subscription.push_config.push_endpoint and subscription.enable_exactly_once_delivery:
        raise InvalidArgument("A subscription with a push_endpoint cannot have exactly-once delivery")
    parse_filter(subscription.filter)
    _refuse_unsupported(subscription)
    _warn_of_stored_only(subscription)
    subscription.push_config.SetInParent()
    subscription.state = pb.Subscription.ACTIVE
    return subscription


def merged_topic(current: Any, asked: Any, mask: Any) -> Any:
    """`current` with the fields that `mask` names taken from `asked`. Raises InvalidArgument."""
    return checked_topic(_merged(current, asked, mask, "Topic", _TOPIC_FIXED))


def merged_subscription(current: Any, asked: Any, mask: Any) -> Any:
    """`current` with the fields that `mask` names taken from `asked`. Raises InvalidArgument or Unimplemented."""
    return checked_subscription(_merged(current, asked, mask, "Subscription", _SUBSCRIPTION_FIXED))


def merged_snapshot(current: Any, asked: Any, mask: Any) -> Any:
    """`current` with the fields that `mask` names taken from `asked`. Raises InvalidArgument."""
    return _merged(current, asked, mask, "Snapshot", _SNAPSHOT_FIXED)


def check_push(push_config: Any) -> None:
    """Raises InvalidArgument unless the endpoint is empty (pull) or a URL that can be posted to."""
    endpoint = urlsplit(push_config.push_endpoint)
    if push_config.push_endpoint and (endpoint.scheme not in ("http", "https") or not endpoint.hostname):
        raise InvalidArgument(f"Unsupported push_endpoint: {push_config.push_endpoint}, expected a URL of http or https")
    if push_config.HasField("oidc_token"):
        _log.warning("%s: oidc_token is kept, but requests carry none", push_config.push_endpoint)


def check_ack_deadline(field: str, seconds: int) -> None:
    """Raises InvalidArgument unless `seconds` is a possible ack deadline."""
    if not MIN_ACK_DEADLINE <= seconds <= MAX_ACK_DEADLINE:
        raise InvalidArgument(f"{field} must be between {MIN_ACK_DEADLINE} and {MAX_ACK_DEADLINE} seconds, not {seconds}")


def _merged(current: Any, asked: Any, mask: Any, kind: str, fixed: set[str]) -> Any:
    if not mask.paths:
        raise InvalidArgument(f"The update_mask in the Update{kind}Request must be set, and must contain a non-empty paths list.")
    for path in mask.paths:
        wrong = f"Invalid update_mask provided in the Update{kind}Request: "
        if path.split(".")[0] in fixed:
            raise InvalidArgument(f"{wrong}the {path} field in the {kind} is not mutable.")
        if not pb.FieldMask(paths=[path]).IsValidForDescriptor(current.DESCRIPTOR):
            raise InvalidArgument(f"{wrong}{path} is not a known {kind} field.")
    merged = type(current)()
    merged.CopyFrom(current)
    mask.MergeMessage(asked, merged, replace_message_field=True, replace_repeated_field=True)
    return merged


def _check_range(field: str, duration: Any, least: int, most: int) -> None:
    if not least * 1_000_000 <= pb.duration_micros(duration) <= most * 1_000_000:
        raise InvalidArgument(f"{field} out of bounds: must be between {least} and {most} seconds")


def _check_retry_policy(policy: Any) -> None:
    if not policy.HasField("minimum_backoff"):
        policy.minimum_backoff.seconds = MIN_BACKOFF
    if not policy.HasField("maximum_backoff"):
        policy.maximum_backoff.seconds = MAX_BACKOFF
    for field in ("minimum_backoff", "maximum_backoff"):
        _check_range(field, getattr(policy, field), 0, 600)
    if pb.duration_micros(policy.maximum_backoff) < pb.duration_micros(policy.minimum_backoff):
        raise InvalidArgument("maximum_backoff must not be less than minimum_backoff")


def _check_attempts(policy: Any) -> None:
    attempts = policy.max_delivery_attempts or MIN_ATTEMPTS
    if not MIN_ATTEMPTS <= attempts <= MAX_ATTEMPTS:
        raise OutOfRange(f"max_delivery_attempts must be between {MIN_ATTEMPTS} and {MAX_ATTEMPTS}, not {attempts}")
    policy.max_delivery_attempts = attempts


def _refuse_unsupported(subscription: Any) -> None:
    for field, name in _REFUSED.items():
        if subscription.HasField(field):
            raise Unimplemented(f"This server does not offer {name}")


def _warn_of_stored_only(resource: Any) -> None:
    for field in _STORED_ONLY:
        if field in {found.name for found, _ in resource.ListFields()}:
            _log.warning("%s: %s is kept, but this server does not carry it out", resource.name, field)
