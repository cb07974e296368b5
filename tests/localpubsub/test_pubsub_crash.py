"""The server is killed with SIGKILL, at random moments and again and again, while official clients publish and consume.

What must hold, whenever it is killed:

- a message whose publishing was confirmed comes to every subscription;
- a message whose acknowledgement was confirmed never comes again: by the answer to Acknowledge, or, over StreamingPull, by the
  confirmation that a subscription with exactly-once delivery gives;
- messages of one ordering key, published one after the other, come in that order: none before all earlier ones have come.

What may come more than once is the rest: a message whose acknowledgement was lost with the server; one of an ordering key whose
acknowledgement reached another server than had delivered it (as after a lease has ended: the key starts again where it was);
over StreamingPull without exactly-once delivery, what was not yet written, since nobody is told when it is. And what a
publisher sent again because no answer came is another message.

PUBSUB_KILLS sets how often (`make pubsub-crash`: 50).
"""

from __future__ import annotations

import itertools
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.api_core.retry import Retry
from google.cloud import pubsub_v1
from google.cloud.pubsub_v1.subscriber.scheduler import ThreadScheduler
from google.cloud.pubsub_v1.types import FlowControl
from google.pubsub_v1 import PublisherClient as RawPublisher
from google.pubsub_v1 import types
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

KILLS = int(os.environ.get("PUBSUB_KILLS", "3"))
LONGEST_LIFE = 1.2  # seconds from the moment the server listens to its end
MOST_BEHIND = 2_000  # messages that the slowest consumer may have before it while more are published
PATIENCE = 60.0  # seconds in which something has to come
BODY = b"x" * 1_000
TOPIC, ORDERED_TOPIC = "projects/crash/topics/alerts", "projects/crash/topics/ordered"
PULLED, STREAMED, ORDERED = (f"projects/crash/subscriptions/{name}" for name in ("pulled", "streamed", "ordered"))
PATIENT = Retry(
    predicate=lambda error: isinstance(error, exceptions.ServiceUnavailable | exceptions.Unknown | exceptions.Aborted),
    initial=0.05,
    maximum=0.5,
    timeout=PATIENCE,
)


class Mortal:
    """`python -m localpubsub` on one port and one directory, started again after each death."""

    def __init__(self, data: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.data = data
        self.address = f"127.0.0.1:{self.port}"
        self.lives = 0
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.lives += 1
        command = [sys.executable, "-m", "localpubsub", "--port", str(self.port), "--data", str(self.data)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout
        assert self.address in self.process.stdout.readline(), "the server did not start on its store"

    def kill(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        assert self.process.stdout
        self.process.stdout.close()


def channel(address: str) -> grpc.Channel:
    """One that connects again as soon as the server is back, and whose calls wait for that.

    The client's own waits a second and longer between attempts, and opens a stream five times in ten seconds at most: it would
    be away for most of the short lives here.
    """
    options: list[tuple[str, Any]] = [(f"grpc.{name}_reconnect_backoff_ms", 50) for name in ("initial", "min", "max")]
    options.append(("grpc.service_config", '{"methodConfig": [{"name": [{}], "waitForReady": true}]}'))
    return grpc.insecure_channel(address, options)


class Publishing(threading.Thread):
    """Publishes numbers until told to end, not too far before the consumers. `confirmed`: those that were answered."""

    def __init__(self, address: str, consumers: list[Consumer]) -> None:
        super().__init__(name="publishing")
        self.consumers = consumers
        self.client = pubsub_v1.PublisherClient(transport=PublisherGrpcTransport(channel=channel(address)))
        self.confirmed: set[int] = set()
        self.ended = threading.Event()
        self.unanswered = threading.Semaphore(300)

    def run(self) -> None:
        for number in itertools.count():
            if self.ended.is_set():
                break
            while number > MOST_BEHIND + min(len(each.numbers) for each in self.consumers) and not self.ended.is_set():
                self.ended.wait(0.01)
            self.unanswered.acquire()
            future = self.client.publish(TOPIC, b"%d " % number + BODY, retry=PATIENT)
            future.add_done_callback(lambda future, number=number: self.answered(number, future))
        self.client.stop()

    def answered(self, number: int, future: Any) -> None:
        if future.exception() is None:
            self.confirmed.add(number)
        self.unanswered.release()


class PublishingInOrder(threading.Thread):
    """Publishes numbers under one ordering key, each when the one before it was confirmed."""

    def __init__(self, address: str) -> None:
        super().__init__(name="publishing-in-order")
        self.client = RawPublisher(transport=PublisherGrpcTransport(channel=channel(address)))
        self.confirmed = -1
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.is_set():
            message = types.PubsubMessage(data=b"%d " % (self.confirmed + 1), ordering_key="key")
            self.client.publish(topic=ORDERED_TOPIC, messages=[message], retry=PATIENT)
            self.confirmed += 1


class Consumer:
    """What was delivered and what was confirmed as acknowledged. `broken` are promises that were not kept."""

    def __init__(self, address: str) -> None:
        self.client = pubsub_v1.SubscriberClient(transport=SubscriberGrpcTransport(channel=channel(address)))
        self.numbers: set[int] = set()
        self.acknowledged: set[str] = set()
        self.deliveries = 0
        self.broken: list[str] = []

    def came(self, message: Any) -> None:
        self.deliveries += 1
        self.numbers.add(int(message.data.split()[0]))
        if message.message_id in self.acknowledged:
            self.broken.append(f"message {message.message_id} came again, though its acknowledgement was confirmed")


class Pulling(Consumer, threading.Thread):
    """Pull and Acknowledge, one after the other."""

    may_be_another_server = True  # that takes the acknowledgement

    def __init__(self, server: Mortal, subscription: str) -> None:
        Consumer.__init__(self, server.address)
        threading.Thread.__init__(self, name="pulling")
        self.server = server
        self.subscription = subscription
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.is_set():
            try:
                self.pull_once()
            except exceptions.ServerError:
                self.ended.wait(0.02)

    def pull_once(self) -> int:
        life = self.server.lives
        request = types.PullRequest(subscription=self.subscription, max_messages=100, return_immediately=True)
        received = self.client.pull(request=request, retry=None, timeout=10).received_messages
        for each in received:
            self.came(each.message)
        if received:
            ack_ids = [each.ack_id for each in received]
            self.client.acknowledge(subscription=self.subscription, ack_ids=ack_ids, retry=None, timeout=10)
            if self.may_be_another_server or life == self.server.lives:
                self.acknowledged.update(each.message.message_id for each in received)
        return len(received)


class PullingInOrder(Pulling):
    """Pulls one ordering key; `broken` also tells of numbers that came too early."""

    may_be_another_server = False

    def came(self, message: Any) -> None:
        super().came(message)
        number = int(message.data.split()[0])
        if number and number - 1 not in self.numbers:
            self.broken.append(f"number {number} came before number {number - 1}")


class Streaming(Consumer):
    """subscribe() on a subscription with exactly-once delivery. One worker: callbacks come in the order of delivery."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        worker = ThreadScheduler(ThreadPoolExecutor(max_workers=1))
        self.stream = self.client.subscribe(STREAMED, self.callback, flow_control=FlowControl(max_messages=200), scheduler=worker)

    def callback(self, message: Any) -> None:
        self.came(message)
        message.ack_with_response().add_done_callback(lambda future: self.confirm(message.message_id, future))

    def confirm(self, message_id: str, future: Any) -> None:
        if future.exception() is None:
            self.acknowledged.add(message_id)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[Mortal]:
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)  # with it the client would take no channel of ours
    caplog.set_level(logging.CRITICAL, "google.cloud.pubsub_v1")  # it tells each failed acknowledgement at length
    mortal = Mortal(tmp_path / "store")
    mortal.start()
    yield mortal
    mortal.kill()


def test_nothing_confirmed_is_lost_or_undone_by_a_kill(server: Mortal) -> None:
    pulling, ordered = Pulling(server, PULLED), PullingInOrder(server, ORDERED)
    in_order = PublishingInOrder(server.address)
    for topic in (TOPIC, ORDERED_TOPIC):
        in_order.client.create_topic(name=topic)
    pulling.client.create_subscription(name=PULLED, topic=TOPIC, ack_deadline_seconds=600)
    pulling.client.create_subscription(request={"name": STREAMED, "topic": TOPIC, "enable_exactly_once_delivery": True})
    pulling.client.create_subscription(request={"name": ORDERED, "topic": ORDERED_TOPIC, "enable_message_ordering": True})
    streaming = Streaming(server.address)
    publishing = Publishing(server.address, [pulling, streaming])
    for thread in (publishing, in_order, pulling, ordered):
        thread.start()
    moments = random.Random(KILLS)
    for _ in range(KILLS):
        time.sleep(moments.uniform(0, LONGEST_LIFE))  # not to wait for anything: the moment of death is the point
        server.kill()
        server.start()
    for publisher in (publishing, in_order):
        publisher.ended.set()
        publisher.join()
    _drain(pulling, publishing.confirmed)
    _drain(streaming, publishing.confirmed)
    _drain(ordered, set(range(in_order.confirmed + 1)))
    for puller in (pulling, ordered):
        puller.ended.set()
        puller.join()
    streaming.stream.cancel()
    streaming.stream.result(10)
    print(f"\n{KILLS} kills: {len(publishing.confirmed):,} publishes confirmed, and {in_order.confirmed + 1:,} in order")
    for name, consumer in (("pulled", pulling), ("streamed", streaming), ("in order", ordered)):
        print(f"{name}: {consumer.deliveries:,} deliveries, {len(consumer.acknowledged):,} acknowledgements confirmed")
        assert not consumer.broken
        assert consumer.acknowledged, "nothing was confirmed, so nothing was tested"
    server.kill()
    server.start()
    while pulling.pull_once() or ordered.pull_once():
        pass
    assert not pulling.broken
    assert not ordered.broken


def _drain(consumer: Consumer, confirmed: set[int]) -> None:
    """Returns once all that was confirmed has come; fails if some has not and nothing more comes."""
    seen, until = -1, 0.0
    while not confirmed <= consumer.numbers:
        if consumer.deliveries > seen:
            seen, until = consumer.deliveries, time.monotonic() + PATIENCE
        assert time.monotonic() < until, f"{len(confirmed - consumer.numbers)} confirmed messages never came"
        time.sleep(0.05)
