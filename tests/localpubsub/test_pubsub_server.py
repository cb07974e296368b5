"""Starting, stopping, and what the process around it sees."""

from __future__ import annotations

import logging
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.pubsub_v1 import types
from official_clients import Cloud

import localpubsub

ROOT = Path(localpubsub.__file__).parents[1]


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def test_a_second_server_on_the_same_port_is_told_so_at_once() -> None:
    with localpubsub.Server() as first:
        port = int(first.address.rsplit(":", 1)[1])
        started = time.monotonic()
        with pytest.raises(localpubsub.PortTaken, match=rf"port {port} of 127\.0\.0\.1 is taken"):
            localpubsub.Server(port=port).start()
        assert time.monotonic() - started < 5


def test_a_port_is_free_again_after_stop() -> None:
    with localpubsub.Server() as first:
        address = first.address
    with localpubsub.Server(port=int(address.rsplit(":", 1)[1])) as second:
        assert second.address == address


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "example.org"])
def test_only_the_loopback_interface_is_served(host: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        localpubsub.Server(host=host)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(ValueError, match="port"):
        localpubsub.Server(port=port)


def test_localhost_means_the_loopback_address() -> None:
    with localpubsub.Server(host="localhost") as server:
        assert server.address.startswith("127.0.0.1:")


def test_stop_ends_waiting_pulls_and_streams_within_two_seconds(make_cloud: Callable[..., Cloud]) -> None:
    cloud = make_cloud()
    subscription = cloud.subscription(cloud.topic())
    ended: queue.Queue[Any] = queue.Queue()

    def pull() -> None:
        ended.put(
            list(cloud.subscriber.pull(subscription=subscription, max_messages=1, timeout=60, retry=None).received_messages)
        )

    def read(responses: Any) -> None:
        try:
            list(responses)
        except exceptions.ServiceUnavailable:
            ended.put("unavailable")

    threads = [threading.Thread(target=pull)]
    open_streams: list[queue.Queue[Any]] = []
    for _ in range(10):
        requests: queue.Queue[Any] = queue.Queue()
        open_streams.append(requests)
        requests.put(types.StreamingPullRequest(subscription=subscription, stream_ack_deadline_seconds=10))
        responses = cloud.subscriber.streaming_pull(requests=iter(requests.get, None), timeout=60)
        threads.append(threading.Thread(target=read, args=(responses,)))
    for thread in threads:
        thread.start()
    cloud.pull(subscription)  # answered after the streams were opened on the same channel
    started = time.monotonic()
    cloud.server.stop()
    assert time.monotonic() - started < 2
    for requests in open_streams:
        requests.put(None)
    for thread in threads:
        thread.join(10)
    answers = [ended.get(timeout=1) for _ in threads]
    assert answers.count("unavailable") == 10
    assert answers.count([]) == 1


def test_stopping_twice_or_unstarted_does_nothing() -> None:
    server = localpubsub.Server()
    server.stop()
    server.start()
    server.stop()
    server.stop()
    with pytest.raises(RuntimeError, match="already started"):
        server.start()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_the_address_and_ends_cleanly_on_a_signal(number: signal.Signals) -> None:
    with subprocess.Popen(
        python("-m", "localpubsub", "--port", "0"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        assert line.startswith("export PUBSUB_EMULATOR_HOST=127.0.0.1:")
        host, port = line.strip().split("=")[1].split(":")
        socket.create_connection((host, int(port)), timeout=5).close()
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""


def test_the_command_says_that_a_port_is_taken() -> None:
    with localpubsub.Server() as server:
        port = server.address.rsplit(":", 1)[1]
        done = subprocess.run(python("-m", "localpubsub", "--port", port), cwd=ROOT, capture_output=True, text=True, timeout=10)
    assert done.returncode == 1
    assert done.stderr == f"localpubsub: port {port} of 127.0.0.1 is taken: {done.stderr.split('taken: ')[1]}"


def test_importing_it_brings_neither_beam_nor_models_nor_the_rest_of_the_project() -> None:
    code = "import sys, localpubsub; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run(python("-c", code), cwd=ROOT, capture_output=True, text=True, timeout=20, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"apache_beam", "torch", "transformers", "schemas", "transforms", "pipelines"}


def test_a_program_that_forgets_to_stop_it_ends_all_the_same() -> None:
    code = "import localpubsub; print(localpubsub.Server().start())"
    done = subprocess.run(python("-c", code), cwd=ROOT, capture_output=True, text=True, timeout=10)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_idle_server_uses_no_processor_time(make_cloud: Callable[..., Cloud]) -> None:
    """Held leases and open streams included: the second of waiting is the thing measured."""
    cloud = make_cloud()
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    cloud.publish(topic, b"leased")
    cloud.pull(subscription)
    requests: queue.Queue[Any] = queue.Queue()
    requests.put(types.StreamingPullRequest(subscription=subscription, stream_ack_deadline_seconds=10))
    responses = cloud.subscriber.streaming_pull(requests=iter(requests.get, None), timeout=30)
    before = os.times()
    assert not cloud.subscriber.pull(subscription=subscription, max_messages=1, timeout=2, retry=None).received_messages
    after = os.times()
    assert after.user + after.system - before.user - before.system < 0.2
    requests.put(None)
    assert list(responses) == []


def test_stop_does_not_wait_for_a_client_that_opened_a_stream_and_says_nothing(
    make_cloud: Callable[..., Cloud], caplog: pytest.LogCaptureFixture
) -> None:
    cloud = make_cloud()
    silent = [queue.Queue[Any]() for _ in range(10)]
    streams = [cloud.subscriber.streaming_pull(requests=iter(each.get, None), timeout=60) for each in silent]
    cloud.topic()
    started = time.monotonic()
    cloud.server.stop(grace=0.2)
    assert time.monotonic() - started < 2
    for requests, responses in zip(silent, streams, strict=True):
        with pytest.raises(exceptions.GoogleAPICallError):
            list(responses)
        requests.put(None)
    assert not [record for record in caplog.records if record.levelname == "ERROR"], "an ordinary end, no fault"


def test_a_client_that_leaves_in_the_middle_of_an_answer_is_no_fault_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with localpubsub.Server():
        of_grpc = logging.getLogger("grpc._cython.cygrpc")
        of_grpc.error("ExecuteBatchError raised in core by servicer method [%s]", "/google.pubsub.v1.Subscriber/Pull")
        of_grpc.error("something else")
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == ["something else"]
