"""What the server tells of itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.iam.v1 import policy_pb2
from google.pubsub_v1 import types
from official_clients import Cloud, ManualClock

from localpubsub import inspection


def test_an_empty_server_has_nothing_to_tell(cloud: Cloud) -> None:
    counts = dict.fromkeys(("published", "delivered", "acknowledged", "nacked", "expired", "dead_lettered", "rejected"), 0)
    status = inspection.status(cloud.server.address)
    assert status.pop("store")["directory"] == ""
    assert status == {"topics": [], "subscriptions": [], "metrics": counts}


def test_backlogs_leases_and_everything_done_are_told(make_cloud: Callable[..., Cloud], clock: ManualClock) -> None:
    cloud = make_cloud(clock=clock)
    grave = cloud.topic()
    topic = cloud.topic(message_retention_duration={"seconds": 3600})
    policy = types.DeadLetterPolicy(dead_letter_topic=grave)
    subscription = cloud.subscription(topic, filter="attributes:kind", dead_letter_policy=policy)
    cloud.publish(topic, b"1", b"2", b"3", kind="report")
    cloud.publish(topic, b"not for it")
    with pytest.raises(Exception, match="empty"):
        cloud.publish(topic, b"")
    clock.advance(5)
    first, second, _ = cloud.pull(subscription)
    cloud.subscriber.acknowledge(subscription=subscription, ack_ids=[first.ack_id])
    cloud.subscriber.modify_ack_deadline(subscription=subscription, ack_ids=[second.ack_id], ack_deadline_seconds=0)
    status = cloud.status()
    (told,) = status["subscriptions"]
    size = told.pop("backlog_bytes")
    assert 100 < size < 1000
    assert told == {
        "name": subscription,
        "topic": topic,
        "filter": "attributes:kind",
        "backlog": 2,
        "oldest_unacked_seconds": pytest.approx(5, abs=0.001),
        "leased": 1,
        "delivered": 3,
        "acknowledged": 1,
        "dead_lettered": 0,
        "dead_letter_topic": grave,
    }
    topics = {each["name"]: each for each in status["topics"]}
    assert topics[grave] == {"name": grave, "messages": 0, "bytes": 0, "schema": ""}
    assert topics[topic]["messages"] == 4, "retained, though one is acknowledged and one is nobody's"
    clock.advance(10)
    status = cloud.status()
    assert status["subscriptions"][0]["leased"] == 0
    assert status["metrics"] == {
        "published": 4,
        "delivered": 3,
        "acknowledged": 1,
        "nacked": 1,
        "expired": 1,
        "dead_lettered": 0,
        "rejected": 1,
    }


def test_what_a_deleted_subscription_did_still_counts(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    cloud.publish(topic, b"1")
    cloud.pull_and_ack(subscription)
    cloud.subscriber.delete_subscription(subscription=subscription)
    assert cloud.status()["metrics"]["acknowledged"] == 1


def test_a_store_tells_where_it_is_and_how_large(make_cloud: Callable[..., Cloud], tmp_path: Path) -> None:
    cloud = make_cloud(data=tmp_path)
    store = cloud.status()["store"]
    assert store["directory"] == str(tmp_path)
    assert store["bytes"] > 0


def test_another_pubsub_is_told_apart(cloud: Cloud) -> None:
    with pytest.raises(grpc.RpcError) as answer:
        inspection.status("127.0.0.1:1", timeout=1)
    assert answer.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


def test_policies_are_kept_and_nobody_is_kept_out(cloud: Cloud) -> None:
    topic = cloud.topic()
    policy: Any = cloud.publisher.get_iam_policy(request={"resource": topic})
    policy.bindings.add(role="roles/pubsub.viewer", members=["group:analysts@example.com"])
    cloud.publisher.set_iam_policy(request={"resource": topic, "policy": policy})
    assert list(cloud.publisher.get_iam_policy(request={"resource": topic}).bindings) == list(policy.bindings)
    with pytest.raises(Exception, match="changed since it was read"):
        cloud.publisher.set_iam_policy(request={"resource": topic, "policy": policy_pb2.Policy(etag=policy.etag)})
    asked = {"resource": topic, "permissions": ["pubsub.topics.publish"]}
    assert list(cloud.publisher.test_iam_permissions(request=asked).permissions) == ["pubsub.topics.publish"]
    cloud.publisher.delete_topic(topic=topic)
    with pytest.raises(Exception, match="not found"):
        cloud.publisher.get_iam_policy(request={"resource": topic})


def test_the_module_promises_what_the_server_tells(cloud: Cloud) -> None:
    cloud.subscription(cloud.topic())
    documented = str(inspection.__doc__)
    status = cloud.status()
    for key in [*status, *status["topics"][0], *status["subscriptions"][0], *status["metrics"], *status["store"]]:
        assert f'"{key}"' in documented
