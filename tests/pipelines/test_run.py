"""`make run` as a person has it: in a terminal, ended by Ctrl-C."""

from __future__ import annotations

import os
import pty
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.cloud import pubsub_v1

import localpubsub
from localpubsub import inspection

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
CTRL_C = b"\x03"


class Terminal:
    """A command in a terminal of its own, under a shell that stands for make: it dies of an interrupt that reaches it."""

    def __init__(self, *command: str) -> None:
        self.screen = b""
        environment = {**os.environ, "MAKELEVEL": "1", "COLUMNS": "120", "PYTHONPATH": str(ROOT)}
        environment.pop("PUBSUB_EMULATOR_HOST", None)
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execve(
                "/bin/sh", ["/bin/sh", "-c", '"$@"; status=$?; echo "status $status"; exit $status', "sh", *command], environment
            )

    def wait_for(self, words: bytes) -> None:
        deadline = time.monotonic() + PATIENCE
        while words not in self.screen:
            assert time.monotonic() < deadline, self.screen.decode("utf-8", "replace")
            if select.select([self.terminal], [], [], 1.0)[0]:
                try:
                    self.screen += os.read(self.terminal, 65536)
                except OSError:  # the other side is gone
                    assert words in self.screen, self.screen.decode("utf-8", "replace")

    def status(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def processes_of(directory: Path) -> list[str]:
    """Command lines of the live processes that mention the directory."""
    listing = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listing.splitlines() if str(directory) in line]


def run_of(directory: Path, *options: str) -> Terminal:
    command = [sys.executable, "-m", "pipelines.cli", "run", "--watch", "ukraine", "--port", "0", "--minutes", "1", *options]
    return Terminal(*command, "--dir", str(directory))


@pytest.fixture
def run(tmp_path: Path) -> Terminal:
    return run_of(tmp_path)


def test_alerts_come_a_killed_part_comes_back_and_ctrl_c_ends_it_all(run: Terminal, tmp_path: Path) -> None:
    run.wait_for(b"why:")
    assert re.search(rb"\nexport PUBSUB_EMULATOR_HOST=127\.0\.0\.1:\d+\r\n", run.screen), "a line of its own, to be copied"
    run.wait_for(b" relevant, ")
    (detector,) = [line for line in processes_of(tmp_path) if "pipelines.cli detect" in line]
    assert "--watch" in detector
    subprocess.run(["pkill", "-9", "-f", f"pipelines.cli detect.*{tmp_path}"], check=True)
    run.wait_for(b"detect ended with status -9")
    os.write(run.terminal, CTRL_C)
    run.wait_for(b"status 0")
    assert run.status() == 0
    assert processes_of(tmp_path) == []
    assert b"Traceback" not in run.screen
    with localpubsub.Server(data=tmp_path / "recording/pubsub") as server:
        topics = {topic["name"].split("/")[-1]: topic for topic in inspection.status(server.address)["topics"]}
    assert topics["alerts"]["messages"] > 0, "they can be read until the next recorded run"


def test_with_real_feeds_a_run_goes_on_with_the_topics_of_the_one_before_however_that_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds = tmp_path / "feeds.opml"
    feeds.write_text('<opml version="2.0"><body><outline type="rss" text="x" xmlUrl="https://feed.invalid/"/></body></opml>')
    topic, subscription = "projects/vedette-local/topics/notes", "projects/vedette-local/subscriptions/mine"
    expected: list[bytes] = []
    for ending in ("killed", "interrupted", "interrupted"):
        run = run_of(tmp_path, "--feeds", str(feeds))
        run.wait_for(b"are starting")
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", re.findall(rb"PUBSUB_EMULATOR_HOST=([0-9.:]+)", run.screen)[0].decode())
        publisher, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
        if expected:
            received = subscriber.pull(subscription=subscription, max_messages=10).received_messages
            assert [each.message.data for each in received] == expected
        else:
            publisher.create_topic(name=topic)
            subscriber.create_subscription(name=subscription, topic=topic)
        expected.append(ending.encode())
        publisher.publish(topic, expected[-1]).result(PATIENCE)
        subscriber.close()
        if ending == "killed":
            subprocess.run(["pkill", "-KILL", "-f", f"^{sys.executable} -m pipelines.cli run.*{tmp_path}"], check=True)
        else:
            os.write(run.terminal, CTRL_C)
        run.status()


def test_nothing_stays_behind_when_it_is_killed_itself(run: Terminal, tmp_path: Path) -> None:
    run.wait_for(b"are starting")
    (itself,) = [line for line in processes_of(tmp_path) if "pipelines.cli run" in line and "/bin/sh" not in line]
    subprocess.run(["pkill", "-KILL", "-f", f"^{sys.executable} -m pipelines.cli run.*{tmp_path}"], check=True)
    assert itself
    run.status()
    deadline = time.monotonic() + PATIENCE
    while processes_of(tmp_path):
        assert time.monotonic() < deadline, processes_of(tmp_path)
        select.select([], [], [], 0.2)


def test_a_taken_port_is_said_in_a_sentence(tmp_path: Path, taken_port: int) -> None:
    command = [sys.executable, "-m", "pipelines.cli", "run", "--watch", "ukraine", "--dir", str(tmp_path)]
    done = subprocess.run([*command, "--port", str(taken_port)], capture_output=True, text=True, timeout=PATIENCE, cwd=ROOT)
    assert done.returncode == 2
    assert str(taken_port) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that somebody else listens on for as long as the test runs."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        yield holder.getsockname()[1]
