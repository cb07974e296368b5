"""What a dead letter says of where it comes from. Source: the page "Dead-letter topics", section on attributes."""

from __future__ import annotations

from typing import Any

from localpubsub.protocol import pb


def dead_letter(raw: bytes, subscription: str, failures: int) -> Any:
    """The PubsubMessage to publish for the message with body `raw`, which failed so often in the subscription of that name."""
    body = pb.PubsubMessage.FromString(raw)
    _, project, _, name = subscription.split("/")
    for key, value in (
        ("Subscription", name),
        ("SubscriptionProject", project),
        ("DeliveryCount", str(failures)),
        ("TopicPublishTime", body.publish_time.ToJsonString()),
    ):
        body.attributes[f"CloudPubSubDeadLetterSource{key}"] = value
    return body
