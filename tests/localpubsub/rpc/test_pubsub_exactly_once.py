"""Exactly-once delivery: an acknowledgement counts while its lease lasts, and a client is told when it does not."""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1.subscriber.exceptions import AcknowledgeStatus
from google.pubsub_v1 import types
from official_clients import Cloud, ManualClock


@pytest.fixture
def timed(make_cloud: Callable[..., Cloud], clock: ManualClock) -> Cloud:
    return make_cloud(clock=clock)


def reasons(error: exceptions.GoogleAPICallError) -> dict[str, str]:
    """What the error says of each ack id."""
    assert error.reason == "EXACTLY_ONCE_ACKID_FAILURE"
    assert error.domain == "pubsub.googleapis.com"
    return dict(error.metadata or {})


def test_an_ack_id_whose_lease_has_ended_is_refused_and_the_others_count(timed: Cloud, clock: ManualClock) -> None:
    topic = timed.topic()
    subscription = timed.subscription(topic, enable_exactly_once_delivery=True)
    timed.publish(topic, b"1", b"2")
    stale = timed.pull(subscription, 1)[0].ack_id
    clock.advance(5)
    fresh = timed.pull(subscription, 1)[0].ack_id
    clock.advance(5)
    with pytest.raises(exceptions.InvalidArgument) as refused:
        timed.subscriber.acknowledge(subscription=subscription, ack_ids=[stale, fresh])
    assert reasons(refused.value) == {stale: "PERMANENT_FAILURE_INVALID_ACK_ID"}
    assert timed.pull_and_ack(subscription) == [b"1"]


@pytest.mark.parametrize("seconds", [0, 30])
def test_a_lease_that_has_ended_can_neither_be_made_longer_nor_given_back(timed: Cloud, clock: ManualClock, seconds: int) -> None:
    topic = timed.topic()
    subscription = timed.subscription(topic, enable_exactly_once_delivery=True)
    timed.publish(topic, b"1")
    stale = timed.pull(subscription)[0].ack_id
    clock.advance(10)
    with pytest.raises(exceptions.InvalidArgument) as refused:
        timed.subscriber.modify_ack_deadline(subscription=subscription, ack_ids=[stale], ack_deadline_seconds=seconds)
    assert reasons(refused.value) == {stale: "PERMANENT_FAILURE_INVALID_ACK_ID"}


def test_an_acknowledged_message_cannot_be_acknowledged_again(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic, enable_exactly_once_delivery=True)
    cloud.publish(topic, b"1")
    ack_id = cloud.pull(subscription)[0].ack_id
    cloud.subscriber.acknowledge(subscription=subscription, ack_ids=[ack_id])
    with pytest.raises(exceptions.InvalidArgument) as refused:
        cloud.subscriber.acknowledge(subscription=subscription, ack_ids=[ack_id])
    assert reasons(refused.value) == {ack_id: "PERMANENT_FAILURE_INVALID_ACK_ID"}


def test_the_refusal_of_very_many_ack_ids_still_fits_what_a_client_receives(timed: Cloud, clock: ManualClock) -> None:
    topic = timed.topic()
    subscription = timed.subscription(topic, enable_exactly_once_delivery=True)
    timed.publish(topic, *[b"x"] * 1000)
    stale = [each.ack_id for each in timed.pull(subscription, 1000)]
    clock.advance(10)
    with pytest.raises(exceptions.InvalidArgument) as refused:
        timed.subscriber.acknowledge(subscription=subscription, ack_ids=stale)
    assert set(reasons(refused.value)) < set(stale)


def test_without_it_a_late_acknowledgement_is_welcome(timed: Cloud, clock: ManualClock) -> None:
    topic = timed.topic()
    subscription = timed.subscription(topic)
    timed.publish(topic, b"1")
    late = timed.pull(subscription)[0].ack_id
    clock.advance(10)
    timed.subscriber.acknowledge(subscription=subscription, ack_ids=[late, late])
    assert timed.pull(subscription) == []


def test_a_stream_confirms_what_counted_and_what_did_not(timed: Cloud, clock: ManualClock) -> None:
    topic = timed.topic()
    subscription = timed.subscription(topic, enable_exactly_once_delivery=True)
    timed.publish(topic, b"1")
    stale = timed.pull(subscription)[0].ack_id
    clock.advance(10)
    requests: queue.Queue[Any] = queue.Queue()
    requests.put(types.StreamingPullRequest(subscription=subscription, stream_ack_deadline_seconds=10))
    responses = timed.subscriber.streaming_pull(requests=iter(requests.get, None), timeout=30)
    first = next(responses)
    assert first.subscription_properties.exactly_once_delivery_enabled
    fresh = first.received_messages[0].ack_id
    requests.put(types.StreamingPullRequest(modify_deadline_ack_ids=[stale, fresh], modify_deadline_seconds=[20, 20]))
    longer = next(responses).modify_ack_deadline_confirmation
    assert (list(longer.ack_ids), list(longer.invalid_ack_ids)) == ([fresh], [stale])
    requests.put(types.StreamingPullRequest(ack_ids=[fresh, stale]))
    done = next(responses).acknowledge_confirmation
    assert (list(done.ack_ids), list(done.invalid_ack_ids)) == ([fresh], [stale])
    requests.put(None)
    assert list(responses) == []
    assert timed.pull(subscription) == []


def test_the_official_client_learns_whether_its_acknowledgement_counted(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic, enable_exactly_once_delivery=True)
    acknowledged: Future[AcknowledgeStatus] = Future()

    def show(message: Any) -> None:
        acknowledged.set_result(message.ack_with_response().result(10))

    with cloud.subscribed(subscription, show):
        cloud.publish(topic, b"1")
        assert acknowledged.result(20) is AcknowledgeStatus.SUCCESS
    assert cloud.pull(subscription) == []
