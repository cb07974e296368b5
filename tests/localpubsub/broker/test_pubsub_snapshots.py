"""Snapshots, seeking to them, and detached subscriptions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.api_core import exceptions
from google.protobuf import field_mask_pb2
from google.pubsub_v1 import types
from official_clients import Cloud, ManualClock

from localpubsub.broker import Broker, snapshotting
from localpubsub.broker.deliveries import Consumer
from localpubsub.broker.sweeping import sweep
from localpubsub.protocol import pb

DAY = 24 * 3600


@pytest.fixture
def timed(make_cloud: Callable[..., Cloud], clock: ManualClock) -> Cloud:
    return make_cloud(clock=clock)


def take(cloud: Cloud, subscription: str, name: str = "snap", **labels: str) -> types.Snapshot:
    request = types.CreateSnapshotRequest(
        name=f"{cloud.project}/snapshots/{name}" if name else "", subscription=subscription, labels=labels
    )
    return cloud.subscriber.create_snapshot(request=request)


def seek(cloud: Cloud, subscription: str, snapshot: str) -> None:
    cloud.subscriber.seek(request=types.SeekRequest(subscription=subscription, snapshot=snapshot))


def test_seeking_to_a_snapshot_brings_back_what_was_unacknowledged_then_and_all_that_came_later(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    cloud.publish(topic, b"acknowledged before")
    cloud.pull_and_ack(subscription)
    cloud.publish(topic, b"open")
    snapshot = take(cloud, subscription)
    cloud.publish(topic, b"later")
    assert cloud.pull_and_ack(subscription) == [b"open", b"later"]
    for _ in range(2):
        seek(cloud, subscription, snapshot.name)
        assert cloud.pull_and_ack(subscription) == [b"open", b"later"]


def test_another_subscription_of_the_topic_may_seek_to_it_and_keeps_its_filter(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    cloud.publish(topic, b"1", kind="a")
    cloud.publish(topic, b"2", kind="b")
    snapshot = take(cloud, subscription)
    cloud.publish(topic, b"3", kind="a")
    late = cloud.subscription(topic, filter='attributes.kind = "a"')
    seek(cloud, late, snapshot.name)
    assert cloud.pull_and_ack(late) == [b"1", b"3"]


def test_what_only_a_snapshot_held_goes_with_it(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    cloud.publish(topic, b"1")
    snapshot = take(cloud, subscription)
    cloud.publish(topic, b"2")
    cloud.pull_and_ack(subscription)
    assert cloud.status()["topics"][0]["messages"] == 2
    cloud.subscriber.delete_snapshot(snapshot=snapshot.name)
    with pytest.raises(exceptions.NotFound):
        seek(cloud, subscription, snapshot.name)
    cloud.publish(topic, b"3")
    assert cloud.pull_and_ack(subscription) == [b"3"]


def test_a_snapshot_lives_a_week_from_the_oldest_message_it_holds(timed: Cloud, clock: ManualClock) -> None:
    topic = timed.topic()
    subscription = timed.subscription(topic, message_retention_duration={"seconds": 8 * DAY})
    timed.publish(topic, b"1")
    clock.advance(6 * DAY)
    snapshot = take(timed, subscription)
    assert snapshot.expire_time.timestamp() == clock() + DAY
    clock.advance(DAY - 3599)
    with pytest.raises(exceptions.FailedPrecondition, match="within the hour"):
        take(timed, subscription, "another")


def test_snapshots_are_read_changed_listed_and_deleted(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    made = take(cloud, subscription, "first", a="b")
    named = take(cloud, subscription, "")
    assert made.topic == topic
    assert cloud.subscriber.get_snapshot(snapshot=made.name) == made
    assert [each.name for each in cloud.subscriber.list_snapshots(project=cloud.project)] == [made.name, named.name]
    assert list(cloud.publisher.list_topic_snapshots(topic=topic)) == [made.name, named.name]
    mask = field_mask_pb2.FieldMask(paths=["labels"])
    changed = types.Snapshot(name=made.name, labels={"c": "d"})
    updated = cloud.subscriber.update_snapshot(request={"snapshot": changed, "update_mask": mask})
    assert dict(updated.labels) == {"c": "d"}
    cloud.subscriber.delete_snapshot(snapshot=made.name)
    assert list(cloud.publisher.list_topic_snapshots(topic=topic)) == [named.name]
    with pytest.raises(exceptions.NotFound):
        cloud.subscriber.get_snapshot(snapshot=made.name)


def test_a_snapshot_is_refused_where_it_makes_no_sense(cloud: Cloud) -> None:
    subscription, other = cloud.subscription(cloud.topic()), cloud.subscription(cloud.topic())
    snapshot = take(cloud, subscription)
    with pytest.raises(exceptions.AlreadyExists):
        take(cloud, subscription)
    with pytest.raises(exceptions.FailedPrecondition):
        seek(cloud, other, snapshot.name)
    with pytest.raises(exceptions.NotFound):
        take(cloud, f"{cloud.project}/subscriptions/missing", "more")
    with pytest.raises(exceptions.InvalidArgument):
        take(cloud, subscription, "1")
    with pytest.raises(exceptions.InvalidArgument, match="time or to a snapshot"):
        cloud.subscriber.seek(request=types.SeekRequest(subscription=subscription))


def test_a_snapshot_outlives_its_topic_and_says_its_name(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    cloud.publish(topic, b"1")
    snapshot = take(cloud, subscription)
    cloud.pull_and_ack(subscription)
    cloud.publisher.delete_topic(topic=topic)
    assert cloud.subscriber.get_snapshot(snapshot=snapshot.name).topic == topic
    seek(cloud, subscription, snapshot.name)
    assert cloud.pull_and_ack(subscription) == [b"1"]


def test_a_detached_subscription_has_lost_its_backlog_and_gets_nothing_any_more(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    cloud.publish(topic, b"lost")
    cloud.publisher.detach_subscription(request={"subscription": subscription})
    assert cloud.subscriber.get_subscription(subscription=subscription).detached
    assert list(cloud.publisher.list_topic_subscriptions(topic=topic)) == []
    cloud.publish(topic, b"not for it")
    assert cloud.status()["subscriptions"][0]["backlog"] == 0
    with pytest.raises(exceptions.FailedPrecondition, match="detached"):
        cloud.pull(subscription)
    stream = cloud.subscriber.subscribe(subscription, lambda message: None)
    with pytest.raises(exceptions.FailedPrecondition):
        stream.result(20)
    with pytest.raises(exceptions.FailedPrecondition):
        take(cloud, subscription)


def test_detaching_ends_a_waiting_stream(cloud: Cloud) -> None:
    subscription = cloud.subscription(cloud.topic())
    stream = cloud.subscriber.subscribe(subscription, lambda message: None)
    cloud.publisher.detach_subscription(request={"subscription": subscription})
    with pytest.raises(exceptions.FailedPrecondition):
        stream.result(20)


def test_a_snapshot_ends_by_itself_and_so_does_what_only_it_held(clock: ManualClock) -> None:
    broker = Broker(clock)
    broker.create_topic(pb.Topic(name="projects/p/topics/reports"))
    subscription = "projects/p/subscriptions/mine"
    broker.create_subscription(pb.Subscription(name=subscription, topic="projects/p/topics/reports"))
    broker.publish(pb.PublishRequest(topic="projects/p/topics/reports", messages=[pb.PubsubMessage(data=b"x")]))
    request = pb.CreateSnapshotRequest(name="projects/p/snapshots/snap", subscription=subscription)
    snapshot = snapshotting.create(broker, request)
    backlog = broker.subscription(subscription).backlog
    backlog.acknowledge([ack_id for ack_id, _ in backlog.take(Consumer(), 1, 1000, DAY, broker.now())])
    assert broker.topic("projects/p/topics/reports").messages == 1
    clock.advance(7 * DAY - 1)
    assert sweep(broker) == pb.timestamp_micros(snapshot.expire_time)
    assert broker.snapshots
    clock.advance(1)
    sweep(broker)
    assert not broker.snapshots
    assert broker.topic("projects/p/topics/reports").messages == 0
