"""What our Pub/Sub server carries, beside Google's emulator, with the official client on both sides.

    python benchmarks/pubsub.py [--emulator PATH]        (make benchmark-pubsub)

Servers, publisher and subscriber are processes of their own on one machine, the clients with their defaults. The servers take
turns, several rounds, and the median counts. Ours is measured twice: in memory, as Google's is, and with its store on disk.
Measured are

- publish: messages a second until the last is confirmed, into a topic with a subscription that nobody reads;
- end to end: messages a second from the first publish to the last callback, publisher and subscriber at full speed;
- latency: from publish() to the callback at a calm pace, so it holds the client's own 10 ms of waiting for a full batch;
- memory: what the server's processes held at most (VmHWM) after all of that.

Without the emulator (it needs Java) only ours is measured.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import random
import statistics
import struct
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.pubsub_endpoints import Running, find_emulator, google_emulator, our_server

PROJECT = "projects/benchmark"
GOOGLE, MEMORY, DISK = "Google's emulator", "ours, in memory", "ours, on disk"
GIVE_UP_SECONDS = 120.0
PUBLISH_GOAL = 0.5  # of Google's rate
Figures = dict[str, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--emulator", default="", help="path of cloud-pubsub-emulator (default: where the SDK has it)")
    parser.add_argument("--messages", type=int, default=10_000, help="messages of a publish or end-to-end run (default 10,000)")
    parser.add_argument("--size", type=int, default=2_000, help="bytes of a message (default 2,000)")
    parser.add_argument("--pace", type=float, default=200.0, help="messages a second when latency is measured (default 200)")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    program = find_emulator(options.emulator)
    if program is None:
        print("Google's emulator is not installed here: only ours is measured")
    with contextlib.ExitStack() as stack:
        servers: dict[str, Running] = {}
        if program is not None:
            servers[GOOGLE] = stack.enter_context(google_emulator(program))
        servers[MEMORY] = stack.enter_context(our_server())
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        servers[DISK] = stack.enter_context(our_server("--data", folder))
        figures = measure(servers, options)
    report(figures, options)


def measure(servers: dict[str, Running], options: argparse.Namespace) -> dict[str, Figures]:
    """Figures by measure and server: rates a second, milliseconds and megabytes."""
    figures: dict[str, Figures] = {name: {server: [] for server in servers} for name in MEASURES}
    for server in servers.values():  # the first messages pay for imports and compilation
        end_to_end(server.address, 500, options.size, 0.0)
    for _ in range(options.rounds):
        for name, server in servers.items():
            figures["publish"][name].append(publish(server.address, options.messages, options.size))
            seconds, _latencies = end_to_end(server.address, options.messages, options.size, 0.0)
            figures["end to end"][name].append(options.messages / seconds)
            _, latencies = end_to_end(server.address, int(options.pace * 5), options.size, options.pace)
            figures["latency p50"][name].append(statistics.median(latencies) * 1e3)
            figures["latency p95"][name].append(statistics.quantiles(latencies, n=20)[-1] * 1e3)
    for name, server in servers.items():
        figures["memory"][name].append(server.peak_memory() / 1e6)
    return figures


MEASURES = {  # unit, and whether more is better
    "publish": ("messages/s", True),
    "end to end": ("messages/s", True),
    "latency p50": ("ms", False),
    "latency p95": ("ms", False),
    "memory": ("MB", False),
}


def report(figures: dict[str, Figures], options: argparse.Namespace) -> None:
    print(f"\n{options.messages:,} messages of {options.size:,} bytes, median of {options.rounds} rounds (lowest to highest)\n")
    names = list(figures["publish"])
    print(f"{'':24}" + "".join(f"{name:>30}" for name in names) + ("  ours on disk : Google" if GOOGLE in names else ""))
    for measure_, (unit, _) in MEASURES.items():
        cells = [_cell(figures[measure_][name]) for name in names]
        line = f"{measure_ + ', ' + unit:24}" + "".join(f"{cell:>30}" for cell in cells)
        if GOOGLE in names:
            line += f"{_ratio(figures[measure_], DISK):>23.2f}"
        print(line)
    if GOOGLE in names:
        publish_ratio, end_ratio = _ratio(figures["publish"], DISK), _ratio(figures["end to end"], DISK)
        print(f"\ngoal: publish at least {PUBLISH_GOAL:g} of Google's: {_said(publish_ratio >= PUBLISH_GOAL)}")
        print(f"goal: end to end ahead of Google's: {_said(end_ratio > 1)}")


def _cell(values: list[float]) -> str:
    return f"{statistics.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"


def _ratio(by_server: Figures, ours: str) -> float:
    return statistics.median(by_server[ours]) / statistics.median(by_server[GOOGLE])


def _said(met: bool) -> str:
    return "met" if met else "missed"


def publish(address: str, count: int, size: int) -> float:
    """Messages a second, confirmed."""
    topic, _ = make_topic(address)
    with child(send, address, topic, count, size, 0.0) as sender:
        start, end = receive_from(sender)
    return count / (end - start)


def end_to_end(address: str, count: int, size: int, pace: float) -> tuple[float, list[float]]:
    """Seconds from the first publish to the last callback, and the seconds that each message took."""
    topic, subscription = make_topic(address)
    with child(take, address, subscription, count) as taker:
        receive_from(taker)  # it listens
        with child(send, address, topic, count, size, pace) as sender:
            start, _ = receive_from(sender)
            end, latencies = receive_from(taker)
    return end - start, latencies


def send(tell: Connection, address: str, topic: str, count: int, size: int, pace: float) -> None:
    """Publish with the official client's defaults; tell when the first was handed over and when the last was confirmed."""
    from google.cloud import pubsub_v1

    os.environ["PUBSUB_EMULATOR_HOST"] = address
    client = pubsub_v1.PublisherClient()
    filling = random.Random(1).randbytes(size - 8)
    start = time.monotonic()
    futures = []
    for index in range(count):
        if pace and (wait := start + index / pace - time.monotonic()) > 0:
            time.sleep(wait)
        futures.append(client.publish(topic, struct.pack("d", time.monotonic()) + filling))
    for future in futures:
        future.result(GIVE_UP_SECONDS)
    tell.send((start, time.monotonic()))


def take(tell: Connection, address: str, subscription: str, count: int) -> None:
    """Acknowledge until `count` distinct messages have come; tell when the last came, and how long each took."""
    from google.cloud import pubsub_v1

    os.environ["PUBSUB_EMULATOR_HOST"] = address
    client = pubsub_v1.SubscriberClient()
    latencies: dict[str, float] = {}
    complete = threading.Event()
    end = 0.0

    def callback(message: Any) -> None:
        nonlocal end
        now = time.monotonic()
        message.ack()
        if message.message_id not in latencies:
            latencies[message.message_id] = now - struct.unpack_from("d", message.data)[0]
            if len(latencies) == count:
                end = now
                complete.set()

    stream = client.subscribe(subscription, callback)
    tell.send("listening")
    if not complete.wait(GIVE_UP_SECONDS):
        sys.exit(f"{len(latencies)} of {count} messages after {GIVE_UP_SECONDS:g} s")
    stream.cancel()
    stream.result(10)
    tell.send((end, list(latencies.values())))


def make_topic(address: str) -> tuple[str, str]:
    """A new topic and its subscription."""
    from google.cloud import pubsub_v1

    os.environ["PUBSUB_EMULATOR_HOST"] = address
    unique = uuid.uuid4().hex[:8]
    topic, subscription = f"{PROJECT}/topics/topic-{unique}", f"{PROJECT}/subscriptions/sub-{unique}"
    with pubsub_v1.PublisherClient() as publisher, pubsub_v1.SubscriberClient() as subscriber:
        publisher.create_topic(name=topic)
        subscriber.create_subscription(name=subscription, topic=topic)
    return topic, subscription


@contextlib.contextmanager
def child(target: Any, *arguments: Any) -> Iterator[Connection]:
    """`target` in a process of its own; gives what it tells."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=target, args=(theirs, *arguments))
    process.start()
    theirs.close()
    try:
        yield ours
        process.join(GIVE_UP_SECONDS)
    finally:
        if process.is_alive():
            process.kill()
        process.join()


def receive_from(connection: Connection) -> Any:
    try:
        return connection.recv()
    except EOFError:
        sys.exit("a client process ended early")


if __name__ == "__main__":
    main()
