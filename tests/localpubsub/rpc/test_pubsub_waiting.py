"""Waiting: woken by events, by the end of a lease, or by the retention alarm, never by polling."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from official_clients import ManualClock

from localpubsub.broker import Broker
from localpubsub.broker.deliveries import Consumer
from localpubsub.broker.subscriptions import Subscription
from localpubsub.protocol import pb
from localpubsub.rpc.core import Core
from localpubsub.rpc.publisher import Publisher
from localpubsub.rpc.streaming import Streaming
from localpubsub.rpc.waiting import Alarm, Waits

SECOND = 1_000_000
SOON = 10


@pytest.fixture
def broker(clock: ManualClock) -> Broker:
    broker = Broker(clock)
    broker.create_topic(pb.Topic(name="projects/p/topics/entries", message_retention_duration={"seconds": 600}))
    broker.create_subscription(pb.Subscription(name="projects/p/subscriptions/detect", topic="projects/p/topics/entries"))
    return broker


@pytest.fixture
def subscription(broker: Broker) -> Subscription:
    return broker.subscription("projects/p/subscriptions/detect")


def request() -> Any:
    return pb.PublishRequest(topic="projects/p/topics/entries", messages=[pb.PubsubMessage(data=b"x")])


def timers_of(act: Callable[[], object]) -> list[float]:
    """The delays in seconds that `act` asks the event loop for."""
    delays: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        real_call_later = loop.call_later

        def call_later(delay: float, *call: Any) -> asyncio.TimerHandle:
            delays.append(delay)
            return real_call_later(delay, *call)

        loop.call_later = call_later  # type: ignore[method-assign, assignment]
        act()

    asyncio.run(main())
    return delays


def test_a_wait_ends_when_the_lease_does(broker: Broker, subscription: Subscription) -> None:
    broker.publish(request())
    subscription.backlog.take(Consumer(), 1, 10**9, 2_000, broker.now())  # 2 ms of a clock that stands still
    waits = Waits(broker.now)
    asyncio.run(asyncio.wait_for(waits.wait(subscription), SOON))


def test_a_wait_ends_when_its_time_is_over_and_leaves_nothing_behind(broker: Broker, subscription: Subscription) -> None:
    waits = Waits(broker.now)
    asyncio.run(asyncio.wait_for(waits.wait(subscription, 0.001), SOON))
    assert not waits._events


def test_waking_ends_all_waits_for_the_subscription(broker: Broker, subscription: Subscription) -> None:
    waits = Waits(broker.now)

    async def main() -> None:
        waiting = [asyncio.create_task(waits.wait(subscription)) for _ in range(3)]
        await asyncio.sleep(0)
        waits.wake(subscription)
        await asyncio.wait_for(asyncio.gather(*waiting), SOON)

    asyncio.run(main())


def test_the_alarm_is_set_to_the_earliest_moment_asked_for(clock: ManualClock, broker: Broker) -> None:
    now = broker.now()
    alarm = Alarm(broker.now, lambda: None)

    def set_four_times() -> None:
        for seconds in (600, 700, 60, 60):
            alarm.set(now + seconds * SECOND)

    assert timers_of(set_four_times) == [600, 60]


def test_the_alarm_sets_itself_again_while_there_is_something_to_ring_for(broker: Broker) -> None:
    moments: list[int | None] = [broker.now() + 30 * SECOND, None]
    alarm = Alarm(broker.now, lambda: moments.pop(0))

    def ring_twice() -> None:
        alarm._fire()
        alarm._fire()

    assert timers_of(ring_twice) == [30]
    assert moments == []


def test_publishing_sets_the_alarm_to_the_end_of_the_topics_retention(broker: Broker) -> None:
    publisher = Publisher(Core(broker))
    delays = timers_of(lambda: publisher._publish(request()))
    assert delays == [pytest.approx(600, abs=0.001)]


def test_a_subscription_does_not_expire_while_a_stream_is_open(broker: Broker, subscription: Subscription) -> None:
    streaming = Streaming(Core(broker))
    first = pb.StreamingPullRequest(subscription=subscription.settings.name, stream_ack_deadline_seconds=10)

    async def main() -> None:
        closed = asyncio.Event()

        async def requests() -> AsyncIterator[Any]:
            yield first
            await closed.wait()

        stream = asyncio.create_task(streaming.streaming_pull(requests(), None))
        while not subscription.streams:
            await asyncio.sleep(0)
        assert subscription.expires is None
        closed.set()
        await asyncio.wait_for(stream, SOON)

    asyncio.run(main())
    assert subscription.expires is not None
    assert subscription.expires > broker.now()


def test_a_stream_that_ends_with_the_server_sets_no_alarm(broker: Broker) -> None:
    core = Core(broker)

    def close_and_watch() -> None:
        core.close()
        core.watch(broker.topic("projects/p/topics/entries"))

    assert timers_of(close_and_watch) == []
