"""`vedette subscribe` in a process of its own: pipes, signals, kills, and a server that goes away and comes back."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import pytest
from cloud import PROJECT, Cloud
from google.cloud import pubsub_v1
from google.pubsub_v1 import types

from pipelines import cli
from pipelines.pubsub import LocalOrReal, subscriber
from transforms.publishing.client import check_endpoint, publish_all
from transforms.publishing.limits import Message

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
MINE = f"projects/{PROJECT}"
TOPIC, NAMED = f"{MINE}/topics/bells", f"{MINE}/subscriptions/named"


def an_alert(number: int) -> Message:
    """A message that is printed as JSON by its id."""
    return Message(json.dumps({"alert_id": f"a{number}"}).encode(), {"alert_id": f"a{number}", "even": str(number % 2 == 0)})


def send(*messages: Message) -> None:
    assert all(error is None for _, error in publish_all(TOPIC, messages))


def publish(*numbers: int) -> None:
    send(*map(an_alert, numbers))


class Subscribing:
    """The command, its lines as they come."""

    def __init__(self, directory: Path, *arguments: str, err: int = subprocess.PIPE) -> None:
        command = [sys.executable, "-m", "pipelines.cli", "subscribe", "--topic", "bells", "--format", "json", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(command, cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=err, text=True)
        assert self.process.stdout
        self.out: IO[str] = self.process.stdout

    def ids(self, number: int) -> list[str]:
        """The ids of the next lines, as many as asked for."""
        with timer(self.process.kill):
            return [json.loads(self.out.readline())["alert_id"] for _ in range(number)]

    def end(self, number: signal.Signals | None = None) -> tuple[int, list[str], str]:
        """(exit status, ids of the lines not read yet, standard error), after a signal if one is given."""
        if number:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, [json.loads(line)["alert_id"] for line in out.splitlines()], err


def timer(call: Any) -> Any:
    """A guard: the call is made if what is inside takes too long."""

    class Guard:
        def __enter__(self) -> None:
            self.timer = threading.Timer(PATIENCE, call)
            self.timer.start()

        def __exit__(self, *exc: object) -> None:
            self.timer.cancel()

    return Guard()


@pytest.fixture
def bells(emulator: Cloud) -> Cloud:
    """A topic that retains, with a subscription `named`."""
    LocalOrReal().ensure_topics(TOPIC)
    emulator.subscriber.create_subscription(request=types.Subscription(name=NAMED, topic=TOPIC, ack_deadline_seconds=10))
    return emulator


def subscriptions(cloud: Cloud) -> list[str]:
    return [name.rpartition("/")[2] for name in cloud.publisher.list_topic_subscriptions(topic=TOPIC)]


def test_one_line_for_each_alert_however_often_it_comes(bells: Cloud, tmp_path: Path) -> None:
    publish(1, 2, 2, 1, 1, 3)
    running = Subscribing(tmp_path, "--from-beginning", "--max", "3")
    assert running.end() == (0, ["a1", "a2", "a3"], "")


def test_a_topic_that_is_not_there_is_no_reason_to_wait(bells: Cloud, tmp_path: Path) -> None:
    status, _, err = Subscribing(tmp_path, "--topic", "belts").end()
    assert status == 2
    assert "there is no topic projects/vedette-local/topics/belts" in err
    assert [topic.name for topic in bells.publisher.list_topics(project="projects/vedette-local")] == [TOPIC]


def test_a_person_at_a_terminal_is_told_that_it_listens(bells: Cloud, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    running = Subscribing(tmp_path, err=theirs)
    os.close(theirs)
    with timer(running.process.kill):
        assert os.read(ours, 1000).decode().startswith(f"listening to {TOPIC}")
    assert running.end(signal.SIGINT)[0] == 0
    os.close(ours)


def test_a_temporary_subscription_has_its_filter_and_is_gone_afterwards(bells: Cloud, tmp_path: Path) -> None:
    publish(1, 2, 3, 4)
    running = Subscribing(tmp_path, "--from-beginning", "--max", "2", "--filter", 'attributes.even = "True"')
    assert running.end() == (0, ["a2", "a4"], "")
    assert subscriptions(bells) == ["named"]


@pytest.fixture
def _no_nohup() -> Iterator[None]:
    """What is started inherits an ignored SIGHUP: the tests themselves may run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("_no_nohup")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(bells: Cloud, tmp_path: Path, number: signal.Signals) -> None:
    publish(1)
    running = Subscribing(tmp_path, "--from-beginning")
    assert running.ids(1) == ["a1"]
    assert running.end(number) == (0, [], "")
    assert subscriptions(bells) == ["named"]


def test_it_ends_with_the_reader_of_its_pipe_and_says_nothing(bells: Cloud, tmp_path: Path) -> None:
    publish(*range(3))
    running = Subscribing(tmp_path, "--from-beginning")
    assert len(running.ids(1)) == 1
    running.out.close()  # as head does; no further alert comes
    assert running.process.wait(PATIENCE) == 0
    assert running.process.stderr
    assert running.process.stderr.read() == ""
    assert subscriptions(bells) == ["named"]


def test_a_shell_pipeline_with_head_ends(bells: Cloud, tmp_path: Path) -> None:
    publish(*range(2_000))
    command = f"{sys.executable} -m pipelines.cli subscribe --topic bells --format json --from-beginning | head -n 2"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (0, 2, "")


def test_what_was_not_printed_is_left_for_the_next(bells: Cloud, tmp_path: Path) -> None:
    publish(*range(10))
    first = Subscribing(tmp_path, "--subscription", "named", "--max", "3")
    status, shown, err = first.end()
    assert (status, len(shown), err) == (0, 3, "")
    second = Subscribing(tmp_path, "--subscription", "named", "--max", "7")
    status, rest, err = second.end()
    assert (status, err) == (0, "")
    assert sorted(shown + rest) == sorted(f"a{n}" for n in range(10))
    assert "named" in subscriptions(bells)


def test_a_lasting_subscription_remembers_over_a_kill_what_it_has_shown(bells: Cloud, tmp_path: Path) -> None:
    publish(1, 2, 3)
    first = Subscribing(tmp_path, "--subscription", "named")
    *shown, in_hand = first.ids(3)  # the kill may come before the last is remembered
    first.process.kill()
    first.process.communicate()
    bells.subscriber.seek(request=types.SeekRequest(subscription=NAMED, time=datetime.now(UTC) - timedelta(hours=1)))
    publish(1, 2, 4)
    second = Subscribing(tmp_path, "--subscription", "named")
    again = second.ids(1)
    while "a4" not in again:
        again += second.ids(1)
    status, more, err = second.end(signal.SIGINT)
    assert (status, err) == (0, "")
    assert not set(again + more) & set(shown)
    assert set(again + more) <= {in_hand, "a4"}


def test_since_starts_with_what_the_topic_retains(bells: Cloud, tmp_path: Path) -> None:
    publish(1, 2)
    assert Subscribing(tmp_path, "--since", "1h", "--max", "2").end()[1] == ["a1", "a2"]


def test_the_command_that_moves_a_subscription_of_a_local_server_is_told_and_does_it(bells: Cloud, tmp_path: Path) -> None:
    publish(1, 2)
    assert Subscribing(tmp_path, "--subscription", "named", "--max", "2").end()[1] == ["a1", "a2"]
    err = Subscribing(tmp_path, "--subscription", "named", "--since", "1h").end()[2]
    assert "gcloud" not in err
    moving = err.strip().splitlines()[-1].strip().replace("python ", f"{sys.executable} ", 1)
    subprocess.run(moving, shell=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    seen = ("--seen", str(tmp_path / "another"))
    assert Subscribing(tmp_path, "--subscription", "named", "--max", "2", *seen).end()[1] == ["a1", "a2"]


def test_of_google_it_is_gcloud(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    assert cli.main(["subscribe", "--project", "p", "--subscription", "named", "--since", "2026-02-03T04:05Z"]) == 2
    assert "gcloud pubsub subscriptions seek named --project=p --time=2026-02-03T04:05:00Z" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--filter", "severity > 3"], "; one that is right: attributes:sev_ge_high"),
        (["--subscription", "none"], "the subscription projects/vedette-local/subscriptions/none ended: 404"),
        (["--subscription", "named", "--since", "2h"], "Leave --subscription out, or move the existing one"),
        (["--subscription", "topics/named"], "give NAME or projects/P/subscriptions/NAME"),
        (["--since", "2999-01-01"], "2999-01-01 is in the future"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(bells: Cloud, tmp_path: Path, arguments: list[str], sentence: str) -> None:
    status, shown, err = Subscribing(tmp_path, *arguments).end()
    assert (status, shown) == (2, [])
    assert sentence in err
    assert "Traceback" not in err
    assert subscriptions(bells) == ["named"]


def test_a_full_disk_is_told_and_nothing_is_taken_for_shown(bells: Cloud, tmp_path: Path) -> None:
    publish(1)
    command = [sys.executable, "-m", "pipelines.cli", "subscribe", "--subscription", "named", "--format", "json"]
    with open("/dev/full", "w") as full:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False
        )
    assert done.returncode == 2
    assert "alerts cannot be written" in done.stderr
    assert Subscribing(tmp_path, "--subscription", "named", "--once").end() == (0, ["a1"], "")


def test_what_is_no_alert_goes_to_the_dead_letters_of_the_subscription(bells: Cloud, tmp_path: Path) -> None:
    dead = bells.topic("bells-dead")
    policy = types.DeadLetterPolicy(dead_letter_topic=dead, max_delivery_attempts=5)
    strict = NAMED.replace("named", "strict")
    bells.subscriber.create_subscription(request=types.Subscription(name=strict, topic=TOPIC, dead_letter_policy=policy))
    send(Message(b"no alert"))
    publish(1)
    running = Subscribing(tmp_path, "--subscription", "strict")
    assert running.ids(1) == ["a1"]
    with timer(running.process.kill):
        (moved,) = bells.subscriber.pull(subscription=bells.subscription(dead), max_messages=1).received_messages
    assert moved.message.data == b"no alert"
    status, shown, err = running.end(signal.SIGINT)
    assert (status, shown) == (0, [])
    assert "is no alert and is left out" in err


def test_a_terminal_without_the_letters_shows_what_it_can(bells: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    alert = {"alert_id": "№ 1", "headline": "Świątek"}
    send(Message(json.dumps(alert).encode()))
    assert Subscribing(tmp_path, "--from-beginning", "--once").end() == (0, ["№ 1"], "")


class Restarting:
    """The embedded server in a process of its own, on one port, that is killed and started again."""

    def __init__(self, directory: Path, durable: bool) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        data = ["--data", str(directory / "pubsub")] if durable else []
        self._command = [sys.executable, "-m", "localpubsub", "--port", str(self.port), *data]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout
        assert "PUBSUB_EMULATOR_HOST" in self.process.stdout.readline()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def restarting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Restarting]:
    server = Restarting(tmp_path, request.param)
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{server.port}")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", PROJECT)
    check_endpoint()
    yield server
    server.kill()


@pytest.mark.parametrize("restarting", [True], indirect=True, ids=["durable"])
def test_a_server_that_is_killed_again_and_again_loses_nothing_between_a_sink_and_a_subscriber(
    restarting: Restarting, tmp_path: Path
) -> None:
    """Sink and subscriber run on; each alert that was acknowledged to the sink is one line, once."""
    pubsub = LocalOrReal()
    pubsub.ensure_topics(TOPIC)
    client: pubsub_v1.SubscriberClient = subscriber()
    client.create_subscription(request=types.Subscription(name=NAMED, topic=TOPIC, ack_deadline_seconds=10))
    running = Subscribing(tmp_path, "--subscription", "named")
    sent = []
    for number in range(4):
        batch = range(number * 50, number * 50 + 50)
        sink = threading.Thread(target=lambda batch=batch: [publish(n) for n in batch])
        sink.start()
        running.ids(0) if number else sent.extend(running.ids(5))
        restarting.kill()
        restarting.start()
        sink.join(PATIENCE)
        assert not sink.is_alive()
    sent += running.ids(200 - len(sent))
    assert sorted(sent) == sorted(f"a{n}" for n in range(200))
    status, more, err = running.end(signal.SIGINT)
    assert (status, more) == (0, [])
    assert "Traceback" not in err


@pytest.mark.parametrize("restarting", [False], indirect=True, ids=["in memory"])
def test_a_temporary_subscription_that_the_server_has_forgotten_is_made_again(restarting: Restarting, tmp_path: Path) -> None:
    pubsub = LocalOrReal()
    pubsub.ensure_topics(TOPIC)
    running = Subscribing(tmp_path)
    publish_when_heard(pubsub, 1)
    assert running.ids(1) == ["a1"]
    restarting.kill()
    restarting.start()
    publish_when_heard(pubsub, 2)
    assert running.ids(1) == ["a2"]
    status, _, err = running.end(signal.SIGTERM)
    assert status == 0
    assert "the subscription is gone, it is made again" in err
    assert "Traceback" not in err


def publish_when_heard(pubsub: LocalOrReal, number: int) -> None:
    """Publish once the topic has a subscription."""
    pause = threading.Event()
    with timer(pause.set):
        while not pause.wait(0.1):
            with suppress(Exception):
                if list(pubsub.publisher.list_topic_subscriptions(topic=TOPIC)):
                    publish(number)
                    return
    raise AssertionError("nobody subscribed")
