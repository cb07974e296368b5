"""What Google's official clients see of the server."""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import threading
import time
from collections.abc import Callable
from importlib import resources
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1.types import FlowControl, PublisherOptions
from google.protobuf import duration_pb2, field_mask_pb2, timestamp_pb2
from google.pubsub_v1 import types
from official_clients import Cloud, ManualClock

SOON = 10  # seconds after which something that should have come will not come


class Received(queue.Queue[Any]):
    """A callback for subscribe() that keeps what it gets."""

    def __call__(self, message: Any) -> None:
        self.put(message)

    def next(self) -> Any:
        return self.get(timeout=SOON)


def retention(seconds: int) -> duration_pb2.Duration:
    return duration_pb2.Duration(seconds=seconds)


def mask(*paths: str) -> field_mask_pb2.FieldMask:
    return field_mask_pb2.FieldMask(paths=paths)


def test_topics_are_created_read_changed_listed_and_deleted(cloud: Cloud) -> None:
    topic = cloud.topic(labels={"stage": "collect", "owner": "desk"})
    with pytest.raises(exceptions.AlreadyExists):
        cloud.publisher.create_topic(name=topic)
    changed = types.Topic(name=topic, labels={"stage": "detect"}, message_retention_duration=retention(600))
    cloud.publisher.update_topic(topic=changed, update_mask=mask("labels"))
    read = cloud.publisher.get_topic(topic=topic)
    assert dict(read.labels) == {"stage": "detect"}
    assert not read.message_retention_duration, "the mask did not name it"
    more = sorted([topic, *(cloud.topic() for _ in range(4))])
    assert [each.name for each in cloud.publisher.list_topics(request={"project": cloud.project, "page_size": 2})] == more
    cloud.publisher.delete_topic(topic=topic)
    with pytest.raises(exceptions.NotFound):
        cloud.publisher.get_topic(topic=topic)


@pytest.mark.parametrize("paths", [[], ["nonsense"], ["name"]])
def test_an_update_names_fields_that_exist_and_may_change(cloud: Cloud, paths: list[str]) -> None:
    topic = cloud.topic()
    with pytest.raises(exceptions.InvalidArgument):
        cloud.publisher.update_topic(topic=types.Topic(name=topic), update_mask=mask(*paths))


def test_subscriptions_are_created_read_changed_listed_and_deleted(cloud: Cloud) -> None:
    topic = cloud.topic(message_retention_duration=retention(1200))
    subscription = cloud.subscription(topic, filter="attributes:a")
    read = cloud.subscriber.get_subscription(subscription=subscription)
    assert read.ack_deadline_seconds == 10
    assert read.message_retention_duration.total_seconds() == 7 * 24 * 3600
    assert read.topic_message_retention_duration.total_seconds() == 1200
    assert list(cloud.publisher.list_topic_subscriptions(topic=topic)) == [subscription]
    assert [each.name for each in cloud.subscriber.list_subscriptions(project=cloud.project)] == [subscription]
    changed = types.Subscription(name=subscription, ack_deadline_seconds=30, filter="attributes:b")
    assert (
        cloud.subscriber.update_subscription(subscription=changed, update_mask=mask("ack_deadline_seconds")).ack_deadline_seconds
        == 30
    )
    with pytest.raises(exceptions.InvalidArgument, match="not mutable"):
        cloud.subscriber.update_subscription(subscription=changed, update_mask=mask("filter"))
    with pytest.raises(exceptions.NotFound):
        cloud.subscription(f"{cloud.project}/topics/missing")
    cloud.subscriber.delete_subscription(subscription=subscription)
    with pytest.raises(exceptions.NotFound):
        cloud.pull(subscription)


def test_a_deleted_topic_leaves_its_subscriptions_with_what_they_are_owed(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    cloud.publish(topic, b"last words")
    cloud.publisher.delete_topic(topic=topic)
    assert cloud.subscriber.get_subscription(subscription=subscription).topic == "_deleted-topic_"
    assert cloud.pull_and_ack(subscription) == [b"last words"]
    cloud.publisher.create_topic(name=topic)
    cloud.publish(topic, b"a topic of the same name")
    assert cloud.pull(subscription) == []


def test_a_published_message_arrives_whole(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    before = time.time()
    message_id = cloud.publisher.publish(topic, b"\x00\xff data", kind="alert", empty="").result(SOON)
    (got,) = cloud.pull(subscription)
    assert got.message.data == b"\x00\xff data"
    assert dict(got.message.attributes) == {"kind": "alert", "empty": ""}
    assert got.message.message_id == message_id
    assert before - 1 < got.message.publish_time.timestamp() < time.time() + 1


def test_every_subscription_gets_every_message_that_its_filter_lets_through(cloud: Cloud) -> None:
    topic = cloud.topic()
    all_of_it, high = cloud.subscription(topic), cloud.subscription(topic, filter='attributes.severity = "HIGH"')
    cloud.publish(topic, b"1", severity="HIGH")
    cloud.publish(topic, b"2", severity="LOW")
    cloud.publish(topic, b"3")
    assert cloud.pull_and_ack(all_of_it) == [b"1", b"2", b"3"]
    assert cloud.pull_and_ack(high) == [b"1"]
    with pytest.raises(exceptions.InvalidArgument, match="Invalid filter"):
        cloud.subscription(topic, filter="severity > 3")


def test_a_limit_is_refused_as_the_service_refuses_it(cloud: Cloud) -> None:
    topic = cloud.topic()
    with pytest.raises(exceptions.InvalidArgument, match="10000000"):
        cloud.publish(topic, b"x" * 11 * 1024 * 1024)
    with pytest.raises(exceptions.InvalidArgument, match="No messages"):
        cloud.publish(topic)
    with pytest.raises(exceptions.NotFound):
        cloud.publish(f"{cloud.project}/topics/missing", b"x")


def test_a_pull_waits_for_a_message_and_gets_it_at_once(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    got: queue.Queue[Any] = queue.Queue()
    waiting = threading.Thread(
        target=lambda: got.put(cloud.subscriber.pull(subscription=subscription, max_messages=10, timeout=30).received_messages)
    )
    waiting.start()
    cloud.publish(topic, b"news")
    assert [each.message.data for each in got.get(timeout=SOON)] == [b"news"]
    waiting.join(SOON)


def test_an_idle_pull_ends_empty_before_the_clients_deadline(cloud: Cloud) -> None:
    subscription = cloud.subscription(cloud.topic())
    # An answer after the deadline would be DeadlineExceeded here.
    assert not cloud.subscriber.pull(subscription=subscription, max_messages=10, timeout=1.5, retry=None).received_messages


def test_an_idle_pull_as_beam_does_it_ends_empty_after_the_wait(make_cloud: Callable[..., Cloud]) -> None:
    cloud = make_cloud(pull_wait=0.2)
    subscription = cloud.subscription(cloud.topic())
    started = time.monotonic()
    response = cloud.subscriber.pull(subscription=subscription, max_messages=10, timeout=30)
    assert not response.received_messages
    assert 0.15 < time.monotonic() - started < 15, "after the wait, not at the client's deadline"


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("pull", {"max_messages": 0}),
        ("acknowledge", {"ack_ids": []}),
        ("acknowledge", {"ack_ids": ["bogus"]}),
        ("modify_ack_deadline", {"ack_ids": ["bogus"], "ack_deadline_seconds": 10}),
        ("modify_ack_deadline", {"ack_ids": [], "ack_deadline_seconds": 10}),
        ("modify_ack_deadline", {"ack_ids": ["0123456789abcdef.1.1"], "ack_deadline_seconds": 601}),
        ("seek", {}),
    ],
)
def test_a_malformed_request_is_an_invalid_argument(cloud: Cloud, call: str, arguments: dict[str, Any]) -> None:
    subscription = cloud.subscription(cloud.topic())
    with pytest.raises(exceptions.InvalidArgument):
        getattr(cloud.subscriber, call)(request={"subscription": subscription, **arguments}, timeout=5, retry=None)


def test_an_expired_lease_brings_a_pulled_message_back(make_cloud: Callable[..., Cloud], clock: ManualClock) -> None:
    cloud = make_cloud(clock=clock)
    topic = cloud.topic()
    subscription = cloud.subscription(topic, ack_deadline_seconds=20)
    cloud.publish(topic, b"x")
    (first,) = cloud.pull(subscription)
    clock.advance(19)
    assert cloud.pull(subscription) == []
    cloud.subscriber.modify_ack_deadline(subscription=subscription, ack_ids=[first.ack_id], ack_deadline_seconds=60)
    clock.advance(59)
    assert cloud.pull(subscription) == []
    clock.advance(1)
    (second,) = cloud.pull(subscription)
    assert second.message == first.message
    assert second.ack_id != first.ack_id


def test_seek_replays_what_the_topic_retains(make_cloud: Callable[..., Cloud], clock: ManualClock) -> None:
    cloud = make_cloud(clock=clock)
    topic = cloud.topic(message_retention_duration=retention(24 * 3600))
    for n in range(5):
        cloud.publish(topic, b"%d" % n)
        clock.advance(60)
    subscription = cloud.subscription(topic)
    assert cloud.pull(subscription) == []
    position = timestamp_pb2.Timestamp(seconds=int(clock()) - 180)
    cloud.subscriber.seek(request={"subscription": subscription, "time": position})
    assert cloud.pull_and_ack(subscription) == [b"2", b"3", b"4"]
    cloud.subscriber.seek(request={"subscription": subscription, "time": position})
    (third, *_) = cloud.pull(subscription)
    cloud.subscriber.seek(request={"subscription": subscription, "time": third.message.publish_time})
    assert cloud.pull_and_ack(subscription) == [b"2", b"3", b"4"]


def test_subscribe_delivers_acknowledges_and_delivers_no_more(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    received = Received()
    with cloud.subscribed(subscription, received) as stream:
        cloud.publish(topic, b"1", b"2")
        got = [received.next(), received.next()]
        assert [message.data for message in got] == [b"1", b"2"]
        for message in got:
            message.ack()
        assert stream.running()
    assert cloud.pull(subscription) == []


def test_a_nacked_message_comes_again(cloud: Cloud) -> None:
    topic = cloud.topic()
    received = Received()
    with cloud.subscribed(cloud.subscription(topic), received):
        cloud.publish(topic, b"again")
        first = received.next()
        first.nack()
        second = received.next()
        assert second.message_id == first.message_id
        second.ack()


def test_the_clients_flow_control_is_kept(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    cloud.publish(topic, *(b"%02d" % n for n in range(20)))
    received = Received()
    with cloud.subscribed(subscription, received, most=3):
        held = [received.next() for _ in range(3)]
        assert len(cloud.pull(subscription)) == 17, "the server kept the rest for others"
        for message in held:
            message.ack()


def stream_of(cloud: Cloud, first: types.StreamingPullRequest) -> tuple[queue.Queue[Any], Any]:
    """A bare stream: a queue for its requests (None ends them) and the responses."""
    requests: queue.Queue[Any] = queue.Queue()
    requests.put(first)
    return requests, cloud.subscriber.streaming_pull(requests=iter(requests.get, None), timeout=30)


def test_a_stream_with_a_limit_gets_more_as_it_acknowledges(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    cloud.publish(topic, *[b"x"] * 12)
    first = types.StreamingPullRequest(subscription=subscription, stream_ack_deadline_seconds=10, max_outstanding_messages=5)
    requests, responses = stream_of(cloud, first)
    started = time.monotonic()
    sizes: list[int] = []
    while sum(sizes) < 12:
        got = next(iter(responses)).received_messages
        sizes.append(len(got))
        requests.put(types.StreamingPullRequest(ack_ids=[each.ack_id for each in got]))
    assert sizes == [5, 5, 2]
    assert time.monotonic() - started < 8, "by the acknowledgements, not because leases ended"
    requests.put(None)
    assert list(responses) == [], "the stream ends when the client has no more requests"
    assert cloud.pull(subscription) == []


@pytest.mark.parametrize(
    ("requests", "error"),
    [
        ([{"subscription": "nonsense", "stream_ack_deadline_seconds": 10}], exceptions.InvalidArgument),
        ([{"subscription": "projects/watch-test/subscriptions/missing", "stream_ack_deadline_seconds": 10}], exceptions.NotFound),
        ([{"stream_ack_deadline_seconds": 9}], exceptions.InvalidArgument),
        ([{"stream_ack_deadline_seconds": 601}], exceptions.InvalidArgument),
        ([{"stream_ack_deadline_seconds": 10}, {"max_outstanding_messages": 5}], exceptions.InvalidArgument),
        ([{"stream_ack_deadline_seconds": 10}, {"ack_ids": ["bogus"]}], exceptions.InvalidArgument),
        ([{"stream_ack_deadline_seconds": 10}, {"modify_deadline_seconds": [10]}], exceptions.InvalidArgument),
    ],
)
def test_a_malformed_stream_ends_with_its_reason(cloud: Cloud, requests: list[dict[str, Any]], error: type[Exception]) -> None:
    requests[0].setdefault("subscription", cloud.subscription(cloud.topic()))
    sent, responses = stream_of(cloud, types.StreamingPullRequest(**requests[0]))
    for request in requests[1:]:
        sent.put(types.StreamingPullRequest(**request))
    with pytest.raises(error):
        list(responses)
    sent.put(None)


def test_a_stream_redelivers_what_it_let_expire(make_cloud: Callable[..., Cloud], clock: ManualClock) -> None:
    cloud = make_cloud(clock=clock)
    topic = cloud.topic()
    first = types.StreamingPullRequest(subscription=cloud.subscription(topic), stream_ack_deadline_seconds=10)
    requests, responses = stream_of(cloud, first)
    cloud.publish(topic, b"1")
    (held,) = next(iter(responses)).received_messages
    clock.advance(11)
    cloud.publish(topic, b"2")  # the standing clock rings no timer: this wakes the stream
    again: list[types.ReceivedMessage] = []
    while len(again) < 2:
        again += next(iter(responses)).received_messages
    assert [each.message.data for each in again] == [b"1", b"2"]
    assert again[0].ack_id != held.ack_id
    requests.put(None)


def test_a_stream_redelivers_by_itself_when_a_lease_ends(cloud: Cloud) -> None:
    topic = cloud.topic()
    first = types.StreamingPullRequest(subscription=cloud.subscription(topic), stream_ack_deadline_seconds=10)
    requests, responses = stream_of(cloud, first)
    cloud.publish(topic, b"x")
    (held,) = next(iter(responses)).received_messages
    started = time.monotonic()
    requests.put(types.StreamingPullRequest(modify_deadline_ack_ids=[held.ack_id], modify_deadline_seconds=[1]))
    (again,) = next(iter(responses)).received_messages
    assert again.message == held.message
    assert 0.9 < time.monotonic() - started < 8
    requests.put(None)


def test_a_seek_reaches_a_waiting_stream(cloud: Cloud) -> None:
    topic = cloud.topic(message_retention_duration=retention(600))
    subscription = cloud.subscription(topic)
    requests, responses = stream_of(cloud, types.StreamingPullRequest(subscription=subscription, stream_ack_deadline_seconds=10))
    cloud.publish(topic, b"x")
    (first,) = next(iter(responses)).received_messages
    cloud.subscriber.acknowledge(subscription=subscription, ack_ids=[first.ack_id])
    cloud.subscriber.seek(request={"subscription": subscription, "time": first.message.publish_time})
    (again,) = next(iter(responses)).received_messages
    assert again.message == first.message
    requests.put(None)


def test_a_deleted_subscription_ends_its_streams(cloud: Cloud) -> None:
    subscription = cloud.subscription(cloud.topic())
    requests, responses = stream_of(cloud, types.StreamingPullRequest(subscription=subscription, stream_ack_deadline_seconds=10))
    cloud.subscriber.delete_subscription(subscription=subscription)
    with pytest.raises(exceptions.NotFound):
        list(responses)
    requests.put(None)


def test_streams_share_a_subscription_and_none_gets_what_another_has(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    sides = Received(), Received()
    streams = [
        cloud.subscriber.subscribe(
            subscription, side, flow_control=FlowControl(max_messages=10), await_callbacks_on_shutdown=True
        )
        for side in sides
    ]
    ids = cloud.publish(topic, *(b"%d" % n for n in range(20)))
    got = [side.next().message_id for side in sides for _ in range(10)]
    assert sorted(got, key=int) == ids
    for stream in streams:
        stream.cancel()
        stream.result(SOON)


def test_many_streams_do_not_use_up_the_server(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscriptions = [cloud.subscription(topic) for _ in range(60)]
    streams = [
        stream_of(cloud, types.StreamingPullRequest(subscription=each, stream_ack_deadline_seconds=10)) for each in subscriptions
    ]
    cloud.publish(topic, b"to all")
    for requests, responses in streams:
        assert next(iter(responses)).received_messages[0].message.data == b"to all"
        requests.put(None)


def test_messages_of_a_key_are_delivered_in_order(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic, enable_message_ordering=True)
    seen: dict[str, list[int]] = {"a": [], "b": []}
    done = threading.Event()

    def note(message: Any) -> None:
        seen[message.ordering_key].append(int(message.data))
        message.ack()
        if sum(map(len, seen.values())) == 60:
            done.set()

    with cloud.subscribed(subscription, note, most=7):
        for n in range(30):
            for key in seen:
                cloud.publish(topic, b"%d" % n, key=key)
        assert done.wait(SOON)
    assert seen == {"a": list(range(30)), "b": list(range(30))}


def test_ordered_publishing_of_the_official_client_works(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic, enable_message_ordering=True)
    publisher = type(cloud.publisher)(publisher_options=PublisherOptions(enable_message_ordering=True))
    results = [publisher.publish(topic, b"%d" % n, ordering_key="story") for n in range(20)]
    ids = [result.result(SOON) for result in results]
    assert [each.message.message_id for each in cloud.pull(subscription)] == ids
    publisher.stop()


def test_1500_messages_of_10_kb_arrive_once_each(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    published = [cloud.publisher.publish(topic, b"x" * 10_000, n=str(n)) for n in range(1500)]
    for each in published:
        each.result(SOON)
    received = Received()
    with cloud.subscribed(subscription, received):
        numbers = []
        for _ in range(1500):
            message = received.next()
            message.ack()
            numbers.append(int(message.attributes["n"]))
    assert sorted(numbers) == list(range(1500))
    assert received.empty()
    assert cloud.pull(subscription) == []


def test_no_response_exceeds_what_an_official_client_receives(cloud: Cloud) -> None:
    topic = cloud.topic()
    pulled, streamed = cloud.subscription(topic), cloud.subscription(topic)
    for _ in range(6):
        cloud.publish(topic, b"x" * 1_500_000)
    counts = []
    while got := cloud.pull(pulled):
        counts.append(len(got))
    assert counts == [2, 2, 2]
    received = Received()
    with cloud.subscribed(streamed, received):
        assert {len(received.next().data) for _ in range(6)} == {1_500_000}


def test_a_message_no_official_client_can_receive_is_said_at_publish(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    topic = cloud.topic()
    with caplog.at_level(logging.WARNING):
        cloud.publish(topic, b"x" * 5_000_000)
    assert "5000000 bytes" in caplog.text


def test_clients_that_vanish_leave_the_server_well(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    cloud.publish(topic, *[b"x" * 100_000] * 50)
    for _ in range(5):
        channel = grpc.insecure_channel(cloud.server.address)
        call = channel.stream_stream(
            "/google.pubsub.v1.Subscriber/StreamingPull",
            types.StreamingPullRequest.serialize,
            types.StreamingPullResponse.deserialize,
        )
        never = threading.Event()

        def requests(never: threading.Event = never) -> Any:
            yield types.StreamingPullRequest(
                subscription=subscription, stream_ack_deadline_seconds=10, max_outstanding_messages=10
            )
            never.wait(SOON)

        responses = call(requests())
        assert len(next(responses).received_messages) == 10
        pull = channel.unary_unary(
            "/google.pubsub.v1.Subscriber/Pull", types.PullRequest.serialize, types.PullResponse.deserialize
        ).future(types.PullRequest(subscription=cloud.subscription(topic), max_messages=1), timeout=30)
        channel.close()
        never.set()
        with contextlib.suppress(grpc.RpcError, grpc.FutureCancelledError):
            pull.result(SOON)
    assert cloud.pull(subscription) == [], "all 50 are on lease with clients that are gone"
    cloud.publish(topic, b"still here")
    assert [each.message.data for each in cloud.pull(subscription)] == [b"still here"]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("method", ["Pull", "StreamingPull"])
def test_a_waiting_client_that_vanished_takes_no_more_messages(cloud: Cloud, method: str) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    never = threading.Event()

    def requests() -> Any:
        yield types.StreamingPullRequest(subscription=subscription, stream_ack_deadline_seconds=10)
        never.wait(SOON)

    with grpc.insecure_channel(cloud.server.address) as channel:
        if method == "Pull":
            call = channel.unary_unary(f"/google.pubsub.v1.Subscriber/{method}", types.PullRequest.serialize)
            call.future(types.PullRequest(subscription=subscription, max_messages=1), timeout=30)
        else:
            channel.stream_stream(f"/google.pubsub.v1.Subscriber/{method}", types.StreamingPullRequest.serialize)(requests())
        cloud.publish(cloud.topic(), b"elsewhere")
    never.set()
    # The server learns of it some moment later; what it hands over before then comes back when the lease ends.
    for attempt in range(1000):
        cloud.publish(topic, b"%d" % attempt)
        if cloud.pull(subscription):
            break
    else:
        pytest.fail("1000 messages went to a client that is gone")


def every_rpc() -> list[tuple[str, str]]:
    services = json.loads(resources.files("google.pubsub_v1").joinpath("gapic_metadata.json").read_text())["services"]
    found = [
        (f"google.pubsub.v1.{name}", rpc) for name, service in services.items() for rpc in service["clients"]["grpc"]["rpcs"]
    ]
    return found + [("google.iam.v1.IAMPolicy", rpc) for rpc in ("GetIamPolicy", "SetIamPolicy", "TestIamPermissions")]


def test_every_rpc_of_the_api_is_served_or_answers_with_a_sentence(cloud: Cloud) -> None:
    refused = set()
    with grpc.insecure_channel(cloud.server.address) as channel:
        for service, rpc in every_rpc():
            call = channel.stream_stream if rpc == "StreamingPull" else channel.unary_unary
            empty = iter([b""]) if rpc == "StreamingPull" else b""
            with pytest.raises(grpc.RpcError) as answer:
                list(call(f"/{service}/{rpc}")(empty, timeout=5))
            if answer.value.code() is grpc.StatusCode.UNIMPLEMENTED:
                assert f"does not offer {service}/{rpc}" in answer.value.details()
                refused.add(rpc)
            else:
                assert answer.value.code() is grpc.StatusCode.INVALID_ARGUMENT, "nothing was named"
    assert len(every_rpc()) == 38
    assert refused == set()
