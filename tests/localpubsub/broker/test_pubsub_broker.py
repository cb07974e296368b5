"""Names, limits, retention and seeking, on the broker alone and with a clock that stands still."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest
from official_clients import ManualClock

from localpubsub.broker import Broker
from localpubsub.broker.deliveries import Consumer
from localpubsub.broker.sweeping import next_expiry, sweep
from localpubsub.errors import InvalidArgument, NotFound, ResourceExhausted, Unimplemented
from localpubsub.protocol import pb
from localpubsub.store import Store

TOPIC = "projects/watch-test/topics/entries"
SUBSCRIPTION = "projects/watch-test/subscriptions/detect"
HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def broker(clock: ManualClock) -> Broker:
    return Broker(clock)


def make_topic(broker: Broker, retention: int = 0) -> None:
    topic = pb.Topic(name=TOPIC)
    if retention:
        topic.message_retention_duration.seconds = retention
    broker.create_topic(topic)


def make_subscription(broker: Broker, **settings: Any) -> None:
    broker.create_subscription(pb.Subscription(**{"name": SUBSCRIPTION, "topic": TOPIC, **settings}))


def publish(broker: Broker, *data: bytes, **attributes: str) -> list[str]:
    messages = [pb.PubsubMessage(data=each, attributes=attributes) for each in data]
    return broker.publish(pb.PublishRequest(topic=TOPIC, messages=messages))


def receive(broker: Broker, ack: bool = True) -> list[Any]:
    backlog = broker.subscription(SUBSCRIPTION).backlog
    taken = backlog.take(Consumer(), 10_000, 10**12, 10_000_000, broker.now())
    bodies = [pb.PubsubMessage.FromString(broker.store.raw(delivery.message.position)) for _, delivery in taken]
    if ack:
        backlog.acknowledge(ack_id for ack_id, _ in taken)
    return bodies


def data_of(messages: list[Any]) -> list[bytes]:
    return [message.data for message in messages]


def seek(broker: Broker, seconds: float) -> None:
    broker.subscription(SUBSCRIPTION).seek(round(seconds * 1_000_000), broker.now())


@pytest.mark.parametrize(
    "name",
    [
        "",
        "entries",
        "projects/p/topics/",
        "projects/p/topics/ab",
        "projects/p/topics/1abc",
        "projects/p/topics/googlers",
        "projects/p/topics/a b c",
        "projects/p/topics/abc/def",
        "projects/p/topics/" + "a" * 256,
        "projects/p/topics/müll",
        "projects//topics/abc",
        "projects/p/subscriptions/abc",
        "projects/p/topics/abc\n",
    ],
)
def test_a_malformed_name_is_refused_whatever_is_asked(broker: Broker, name: str) -> None:
    for ask in (lambda: broker.create_topic(pb.Topic(name=name)), lambda: broker.topic(name), lambda: broker.delete_topic(name)):
        with pytest.raises(InvalidArgument):
            ask()


@pytest.mark.parametrize("name", ["abc", "a" * 255, "a-b_c.d~e+f%20", "Z12"])
def test_a_well_formed_name_is_taken(broker: Broker, name: str) -> None:
    assert broker.create_topic(pb.Topic(name=f"projects/p/topics/{name}")).name.endswith(name)


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ({}, "it is empty"),
        ({"data": b"x" * 10_000_001}, "data has 10000001 bytes"),
        ({"data": b"x", "attributes": {f"k{n}": "" for n in range(101)}}, "101 attributes"),
        ({"data": b"x", "attributes": {"": "v"}}, "empty key"),
        ({"data": b"x", "attributes": {"google": "v"}}, "reserved"),
        ({"data": b"x", "attributes": {"ы" * 129: "v"}}, "258 bytes, the most is 256"),
        ({"data": b"x", "attributes": {"k": "ы" * 513}}, "1026 bytes, the most is 1024"),
        ({"data": b"x", "ordering_key": "ы" * 513}, "ordering_key has 1026 bytes"),
    ],
)
def test_one_message_beyond_a_limit_refuses_the_whole_request(broker: Broker, message: dict[str, Any], sentence: str) -> None:
    make_topic(broker)
    make_subscription(broker)
    request = pb.PublishRequest(topic=TOPIC, messages=[pb.PubsubMessage(data=b"good"), pb.PubsubMessage(**message)])
    with pytest.raises(InvalidArgument, match=sentence):
        broker.publish(request)
    assert receive(broker) == []


def test_what_is_exactly_at_the_limits_is_published(broker: Broker) -> None:
    make_topic(broker)
    attributes = {f"{n:02}".ljust(256, "k"): "v" * 1024 for n in range(100)}
    message = pb.PubsubMessage(data=b"x", attributes=attributes, ordering_key="k" * 1024)
    assert len(broker.publish(pb.PublishRequest(topic=TOPIC, messages=[message]))) == 1
    assert len(publish(broker, *[b"x"] * 1000)) == 1000


@pytest.mark.parametrize(("count", "size"), [(0, 0), (1001, 1), (6, 1_700_000)])
def test_a_request_with_too_few_or_too_many_messages_or_bytes_is_refused(broker: Broker, count: int, size: int) -> None:
    make_topic(broker)
    with pytest.raises(InvalidArgument):
        publish(broker, *[b"x" * size] * count)


@pytest.mark.parametrize(
    "settings",
    [
        {"ack_deadline_seconds": 9},
        {"ack_deadline_seconds": 601},
        {"message_retention_duration": {"seconds": 599}},
        {"message_retention_duration": {"seconds": 31 * 24 * HOUR + 1}},
        {"expiration_policy": {"ttl": {"seconds": HOUR}}},
        {"filter": "severity = high"},
        {"retry_policy": {"minimum_backoff": {"seconds": 20}, "maximum_backoff": {"seconds": 10}}},
        {"retry_policy": {"maximum_backoff": {"seconds": 601}}},
    ],
)
def test_settings_out_of_bounds_are_refused(broker: Broker, settings: dict[str, Any]) -> None:
    make_topic(broker)
    with pytest.raises(InvalidArgument):
        make_subscription(broker, **settings)
    with pytest.raises(NotFound):
        broker.subscription(SUBSCRIPTION)


@pytest.mark.parametrize(
    "settings",
    [
        {"bigquery_config": {"table": "p.d.t"}},
    ],
)
def test_what_is_not_offered_is_refused_rather_than_ignored(broker: Broker, settings: dict[str, Any]) -> None:
    make_topic(broker)
    with pytest.raises(Unimplemented, match="This server does not"):
        make_subscription(broker, **settings)


def test_publish_times_and_ids_rise_even_if_the_clock_stands_or_goes_back(broker: Broker, clock: ManualClock) -> None:
    make_topic(broker)
    make_subscription(broker)
    ids = publish(broker, b"1", b"2") + publish(broker, b"3")
    clock.advance(-100)
    ids += publish(broker, b"4")
    times = [message.publish_time.ToMicroseconds() for message in receive(broker)]
    assert times == [times[0] + n for n in range(4)]
    assert times[0] == 1_640_000_000_000_000
    assert [int(each) for each in ids] == sorted({int(each) for each in ids})


def test_a_client_cannot_choose_id_or_publish_time(broker: Broker) -> None:
    make_topic(broker)
    make_subscription(broker)
    forged = pb.PubsubMessage(data=b"x", message_id="mine", publish_time={"seconds": 1})
    ids = broker.publish(pb.PublishRequest(topic=TOPIC, messages=[forged]))
    received = receive(broker)[0]
    assert [received.message_id] == ids != ["mine"]
    assert received.publish_time.seconds == 1_640_000_000


class TestSeek:
    def test_seeking_to_a_publish_time_replays_exactly_that_message_and_its_successors(self, broker: Broker) -> None:
        make_topic(broker, HOUR)
        make_subscription(broker)
        publish(broker, *(b"%d" % n for n in range(10)))
        received = receive(broker)
        seek(broker, received[6].publish_time.ToMicroseconds() / 1e6)
        assert data_of(receive(broker)) == [b"6", b"7", b"8", b"9"]

    def test_a_new_subscription_sees_nothing_old_until_it_seeks(self, broker: Broker, clock: ManualClock) -> None:
        make_topic(broker, HOUR)
        publish(broker, b"old")
        make_subscription(broker)
        assert receive(broker) == []
        seek(broker, clock() - 10)
        publish(broker, b"new")
        assert data_of(receive(broker)) == [b"old", b"new"]

    def test_without_retention_only_the_unacknowledged_is_left(self, broker: Broker, clock: ManualClock) -> None:
        make_topic(broker)
        make_subscription(broker)
        publish(broker, b"acknowledged")
        receive(broker)
        publish(broker, b"open")
        receive(broker, ack=False)
        seek(broker, clock() - 10)
        assert data_of(receive(broker)) == [b"open"]

    def test_a_subscription_may_retain_what_it_acknowledged_but_nothing_from_before_it_was_made(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        make_topic(broker)
        other = pb.Subscription(name=SUBSCRIPTION + "-2", topic=TOPIC, retain_acked_messages=True)
        broker.create_subscription(other)
        publish(broker, b"before")
        make_subscription(broker, retain_acked_messages=True)
        publish(broker, b"after")
        receive(broker)
        seek(broker, clock() - 10)
        assert data_of(receive(broker)) == [b"after"]

    def test_what_is_both_owed_and_retained_is_owed_once(self, broker: Broker, clock: ManualClock) -> None:
        make_topic(broker, HOUR)
        make_subscription(broker)
        publish(broker, b"1", b"2")
        owed = broker.subscription(SUBSCRIPTION).backlog.bytes
        seek(broker, clock() - 10)
        assert broker.subscription(SUBSCRIPTION).backlog.bytes == owed
        assert data_of(receive(broker)) == [b"1", b"2"]

    def test_a_time_in_the_future_empties_the_backlog(self, broker: Broker, clock: ManualClock) -> None:
        make_topic(broker, HOUR)
        make_subscription(broker)
        publish(broker, b"1", b"2")
        receive(broker, ack=False)
        seek(broker, clock() + 10)
        clock.advance(60)
        assert receive(broker) == []
        publish(broker, b"3")
        assert data_of(receive(broker)) == [b"3"]

    def test_what_the_filter_holds_back_is_not_replayed(self, broker: Broker, clock: ManualClock) -> None:
        make_topic(broker, HOUR)
        make_subscription(broker, filter="attributes:keep")
        publish(broker, b"1", keep="yes")
        publish(broker, b"2", drop="yes")
        assert data_of(receive(broker)) == [b"1"]
        seek(broker, clock() - 10)
        assert data_of(receive(broker)) == [b"1"]

    def test_retention_ends(self, broker: Broker, clock: ManualClock) -> None:
        make_topic(broker, HOUR)
        make_subscription(broker)
        publish(broker, b"1")
        clock.advance(HOUR / 2)
        publish(broker, b"2")
        receive(broker)
        clock.advance(HOUR / 2 + 1)
        seek(broker, 0)
        assert data_of(receive(broker)) == [b"2"]

    def test_retention_set_later_counts_from_then(self, broker: Broker, clock: ManualClock) -> None:
        make_topic(broker)
        make_subscription(broker)
        publish(broker, b"1")
        longer = pb.Topic(name=TOPIC, message_retention_duration={"seconds": HOUR})
        broker.update_topic(longer, pb.FieldMask(paths=["message_retention_duration"]))
        publish(broker, b"2")
        receive(broker)
        seek(broker, clock() - 10)
        assert data_of(receive(broker)) == [b"2"]


class TestMemory:
    def test_a_topic_without_retention_holds_nothing_once_acknowledged(self, broker: Broker) -> None:
        make_topic(broker)
        make_subscription(broker)
        publish(broker, *[b"x" * 1000] * 100)
        receive(broker)
        assert broker.topic(TOPIC).messages == 0
        assert broker.store.log(broker.topic(TOPIC).id, 0) == []
        assert broker.subscription(SUBSCRIPTION).backlog.bytes == 0

    def test_the_byte_cap_drops_the_oldest_retained_messages_and_counts_them(
        self, clock: ManualClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        broker = Broker(clock, retained_bytes=100_000)
        make_topic(broker, HOUR)
        make_subscription(broker)
        with caplog.at_level(logging.WARNING):
            for n in range(200):
                publish(broker, b"%03d" % n + b"x" * 1000)
        topic = broker.topic(TOPIC)
        assert 50 < topic.dropped < 150
        assert len([r for r in caplog.records if "retained messages dropped" in r.message]) < 10, "no line per publish"
        assert len(receive(broker)) == 200, "what is unacknowledged is still owed"
        assert topic.messages == 200 - topic.dropped
        assert topic.bytes <= 100_000
        seek(broker, 0)
        replayed = receive(broker)
        assert len(replayed) == 200 - topic.dropped
        assert replayed[-1].data.startswith(b"199")

    def test_publishing_is_refused_when_a_subscription_owes_too_much(self, clock: ManualClock) -> None:
        broker = Broker(clock, backlog_bytes=10_000)
        make_topic(broker)
        make_subscription(broker)
        publish(broker, b"x" * 20_000)
        with pytest.raises(ResourceExhausted, match=SUBSCRIPTION):
            publish(broker, b"more")
        receive(broker)
        assert publish(broker, b"more")

    def test_a_sweep_drops_what_is_over_and_says_when_to_come_again(self, broker: Broker, clock: ManualClock) -> None:
        make_topic(broker, 2 * HOUR)
        make_subscription(broker, message_retention_duration={"seconds": HOUR}, expiration_policy={})
        start = broker.now()
        publish(broker, b"x")
        assert next_expiry(broker, broker.topic(TOPIC)) == start + HOUR * 1_000_000 + 1
        clock.advance(HOUR + 1)
        assert sweep(broker) == start + 2 * HOUR * 1_000_000 + 1
        assert receive(broker) == []
        clock.advance(HOUR)
        assert sweep(broker) is None
        assert broker.topic(TOPIC).messages == 0


class TestASubscriptionThatNobodyUses:
    POLICY: ClassVar = {"expiration_policy": {"ttl": {"seconds": DAY}}}

    def test_ends_after_the_time_of_its_policy(self, broker: Broker, clock: ManualClock) -> None:
        make_topic(broker)
        make_subscription(broker, **self.POLICY)
        publish(broker, b"x")
        clock.advance(DAY - 1)
        assert sweep(broker) == broker.now() + 1_000_000
        clock.advance(1)
        sweep(broker)
        assert not broker.subscriptions
        assert broker.topic(TOPIC).messages == 0

    def test_is_kept_by_every_request_that_names_it(self, broker: Broker, clock: ManualClock) -> None:
        make_topic(broker)
        make_subscription(broker, **self.POLICY)
        for _ in range(3):
            clock.advance(DAY - 1)
            broker.subscription(SUBSCRIPTION)
            sweep(broker)
        assert broker.subscriptions

    def test_is_kept_while_it_is_pushed_or_if_it_never_expires(self, broker: Broker, clock: ManualClock) -> None:
        make_topic(broker)
        make_subscription(broker, **self.POLICY, push_config={"push_endpoint": "http://127.0.0.1:1/"})
        make_subscription(broker, name=f"{SUBSCRIPTION}-2", expiration_policy={})
        clock.advance(400 * DAY)
        sweep(broker)
        assert len(broker.subscriptions) == 2

    def test_has_all_its_time_again_after_the_server_was_away(self, clock: ManualClock, tmp_path: Path) -> None:
        with closing(Store(tmp_path)) as store:
            broker = Broker(clock, store=store)
            make_topic(broker)
            make_subscription(broker, **self.POLICY)
        clock.advance(2 * DAY)
        with closing(Store(tmp_path)) as store:
            broker = Broker(clock, store=store)
            sweep(broker)
            assert broker.subscriptions
            clock.advance(DAY)
            sweep(broker)
            assert not broker.subscriptions


def test_lists_come_in_pages(broker: Broker) -> None:
    for n in range(5):
        broker.create_topic(pb.Topic(name=f"projects/watch-test/topics/topic-{n}"))
    broker.create_topic(pb.Topic(name="projects/watch-test-2/topics/elsewhere"))
    first, token = broker.list_topics("projects/watch-test", 3, "")
    second, end = broker.list_topics("projects/watch-test", 3, token)
    assert [topic.name[-1] for topic in [*first, *second]] == ["0", "1", "2", "3", "4"]
    assert end == ""
    with pytest.raises(InvalidArgument):
        broker.list_topics("projects/watch-test", -1, "")
    with pytest.raises(InvalidArgument):
        broker.list_topics("watch-test", 0, "")
