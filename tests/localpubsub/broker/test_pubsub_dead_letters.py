"""What a subscriber can't take: counted, held back, and forwarded to the dead letter topic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.api_core import exceptions
from google.protobuf import field_mask_pb2
from google.pubsub_v1 import types
from official_clients import Cloud, ManualClock


def policy_of(topic: str, attempts: int = 5) -> types.DeadLetterPolicy:
    return types.DeadLetterPolicy(dead_letter_topic=topic, max_delivery_attempts=attempts)


def nack(cloud: Cloud, subscription: str, *ack_ids: str) -> None:
    cloud.subscriber.modify_ack_deadline(subscription=subscription, ack_ids=list(ack_ids), ack_deadline_seconds=0)


@pytest.fixture
def timed(make_cloud: Callable[..., Cloud], clock: ManualClock) -> Cloud:
    return make_cloud(clock=clock)


def test_a_message_nacked_as_often_as_it_may_goes_to_the_dead_letter_topic_and_says_where_it_comes_from(timed: Cloud) -> None:
    cloud = timed
    grave = cloud.topic()
    watch = cloud.subscription(grave)
    topic = cloud.topic()
    subscription = cloud.subscription(topic, dead_letter_policy=policy_of(grave))
    cloud.publish(topic, b"poison", key="k", kind="report")
    attempts = []
    while received := cloud.pull(subscription):
        attempts.append(received[0].delivery_attempt)
        nack(cloud, subscription, received[0].ack_id)
    assert attempts == [1, 2, 3, 4, 5]
    (dead,) = cloud.pull(watch)
    assert (dead.message.data, dead.message.ordering_key, dead.delivery_attempt) == (b"poison", "k", 0)
    source = "CloudPubSubDeadLetterSource"
    assert dict(dead.message.attributes) == {
        "kind": "report",
        f"{source}Subscription": subscription.split("/")[-1],
        f"{source}SubscriptionProject": "watch-test",
        f"{source}DeliveryCount": "5",
        f"{source}TopicPublishTime": "2021-12-20T11:33:20Z",
    }


def test_a_lease_that_ends_counts_as_a_nack_does_and_needs_nobody_to_pull(make_cloud: Callable[..., Cloud]) -> None:
    clock = ManualClock()
    cloud = make_cloud(clock=clock)
    grave = cloud.topic()
    watch = cloud.subscription(grave)
    topic = cloud.topic()
    subscription = cloud.subscription(topic, dead_letter_policy=policy_of(grave))
    cloud.publish(topic, b"poison")
    for attempt in range(1, 5):
        (received,) = cloud.pull(subscription)
        assert received.delivery_attempt == attempt
        clock.advance(11)
    cloud.pull(subscription)
    request = types.ModifyAckDeadlineRequest(subscription=subscription, ack_ids=[received.ack_id], ack_deadline_seconds=0)
    cloud.subscriber.modify_ack_deadline(request=request)
    assert cloud.pull(watch) == [], "an outdated ack id fails nothing"
    clock.advance(11)
    got = cloud.subscriber.pull(subscription=watch, max_messages=1, timeout=20, retry=None).received_messages
    assert [each.message.data for each in got] == [b"poison"]


def test_without_a_policy_attempts_are_not_told_and_never_end(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    cloud.publish(topic, b"x")
    for _ in range(10):
        (received,) = cloud.pull(subscription)
        assert received.delivery_attempt == 0
        nack(cloud, subscription, received.ack_id)


def test_while_there_is_no_dead_letter_topic_any_more_the_subscription_keeps_the_message(cloud: Cloud) -> None:
    grave, topic = cloud.topic(), cloud.topic()
    subscription = cloud.subscription(topic, dead_letter_policy=policy_of(grave))
    cloud.publisher.delete_topic(topic=grave)
    cloud.publish(topic, b"x")
    for attempt in range(1, 8):
        (received,) = cloud.pull(subscription)
        assert received.delivery_attempt == attempt
        nack(cloud, subscription, received.ack_id)


def test_a_topic_may_be_its_own_dead_letter_topic(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic, dead_letter_policy=policy_of(topic))
    cloud.publish(topic, b"x")
    for _ in range(5):
        (received,) = cloud.pull(subscription)
        nack(cloud, subscription, received.ack_id)
    (again,) = cloud.pull(subscription)
    assert again.delivery_attempt == 1
    assert again.message.message_id != received.message.message_id


def test_in_order_delivery_goes_on_behind_a_dead_letter(cloud: Cloud) -> None:
    grave, topic = cloud.topic(), cloud.topic()
    watch = cloud.subscription(grave)
    subscription = cloud.subscription(topic, enable_message_ordering=True, dead_letter_policy=policy_of(grave))
    cloud.publish(topic, b"poison", b"2", b"3", key="k")
    for _ in range(5):
        received = cloud.pull(subscription)
        assert [each.message.data for each in received] == [b"poison", b"2", b"3"]
        nack(cloud, subscription, received[0].ack_id)
    later = cloud.pull(subscription)
    assert [(each.message.data, each.delivery_attempt) for each in later] == [(b"2", 1), (b"3", 1)], "no failure of theirs"
    assert cloud.pull_and_ack(watch) == [b"poison"]


@pytest.mark.parametrize("attempts", [4, 101])
def test_attempts_out_of_range_are_refused_as_googles_emulator_does(cloud: Cloud, attempts: int) -> None:
    topic = cloud.topic()
    with pytest.raises(exceptions.OutOfRange, match="between 5 and 100"):
        cloud.subscription(topic, dead_letter_policy=policy_of(topic, attempts))


def test_no_number_of_attempts_means_five(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic, dead_letter_policy=policy_of(topic, 0))
    found = cloud.subscriber.get_subscription(subscription=subscription)
    assert found.dead_letter_policy.max_delivery_attempts == 5


@pytest.mark.parametrize(
    ("name", "error"),
    [("", exceptions.InvalidArgument), ("bad", exceptions.InvalidArgument), ("projects/p/topics/missing", exceptions.NotFound)],
)
def test_a_dead_letter_topic_must_exist_when_the_policy_is_set(cloud: Cloud, name: str, error: type[Exception]) -> None:
    topic = cloud.topic()
    with pytest.raises(error):
        cloud.subscription(topic, dead_letter_policy=policy_of(name))
    subscription = cloud.subscription(topic)
    changed = types.Subscription(name=subscription, dead_letter_policy=policy_of(name))
    mask = field_mask_pb2.FieldMask(paths=["dead_letter_policy"])
    with pytest.raises(error):
        cloud.subscriber.update_subscription(request=types.UpdateSubscriptionRequest(subscription=changed, update_mask=mask))


def test_a_policy_that_is_taken_away_forwards_no_more(cloud: Cloud) -> None:
    grave, topic = cloud.topic(), cloud.topic()
    watch = cloud.subscription(grave)
    subscription = cloud.subscription(topic, dead_letter_policy=policy_of(grave))
    cloud.publish(topic, b"x")
    mask = field_mask_pb2.FieldMask(paths=["dead_letter_policy"])
    request: dict[str, Any] = {"subscription": types.Subscription(name=subscription), "update_mask": mask}
    cloud.subscriber.update_subscription(request=request)
    for _ in range(7):
        (received,) = cloud.pull(subscription)
        nack(cloud, subscription, received.ack_id)
    assert cloud.pull(watch) == []


def test_the_retry_policy_holds_a_failed_message_back_longer_each_time(timed: Cloud, clock: ManualClock) -> None:
    topic = timed.topic()
    retry = types.RetryPolicy(minimum_backoff={"seconds": 10}, maximum_backoff={"seconds": 30})
    subscription = timed.subscription(topic, retry_policy=retry)
    timed.publish(topic, b"x")
    for wait in (10, 20, 30, 30):
        (received,) = timed.pull(subscription)
        nack(timed, subscription, received.ack_id)
        clock.advance(wait - 1)
        assert timed.pull(subscription) == []
        clock.advance(1)
