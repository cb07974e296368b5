"""The pipelines as they run in earnest: processes, a Pub/Sub between them, feeds over HTTP, a subscriber with Google's client.

One collector and one detector watch the recorded crisis undisturbed. Other detectors read the same log, are killed or
stopped, and must say the same.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import fastavro
import pytest
from cloud import PROJECT, Cloud
from fastavro.validation import validate
from google.cloud import pubsub_v1
from google.pubsub_v1 import types

import localpubsub
from pipelines.pubsub import LocalOrReal
from pipelines.recording import Recording, serve
from schemas import Entry, Failure, content_hash, from_json, micros, to_json
from schemas.alert import alert_schema

ROOT = Path(__file__).parents[2]
WATCH = ROOT / "watches/ukraine"
MINUTES = 0.12
VERSIONS = 120  # of the recording: enough for a kill in the middle
PATIENCE = 90.0


class Process:
    """A `vedette` command with its log."""

    def __init__(self, log: Path, *argv: str) -> None:
        self.log = log
        with log.open("ab") as out:
            command = [sys.executable, "-m", "pipelines.cli", *argv]
            environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
            self.popen = subprocess.Popen(
                command, env=environment, cwd=log.parent, stdout=out, stderr=out, start_new_session=True
            )

    def kill(self) -> None:
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()

    def told(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


@dataclass
class Subscriber:
    """What a program receives on a topic, by the official client: data by alert_id, and how often each came."""

    data: dict[str, bytes] = field(default_factory=dict)
    times: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, message: pubsub_v1.subscriber.message.Message) -> None:
        with self.changed:
            id_ = message.attributes["alert_id"]
            assert self.data.setdefault(id_, message.data) == message.data
            self.times.append(id_)
            message.ack()
            self.changed.notify_all()

    def until(self, enough: Callable[[], bool], processes: Sequence[Process]) -> None:
        deadline = time.monotonic() + PATIENCE
        with self.changed:
            while not enough():
                dead = [p for p in processes if p.popen.poll() is not None]
                assert not dead, dead[0].told()[-3000:]
                left = deadline - time.monotonic()
                assert left > 0, f"{len(self.data)} alerts after {PATIENCE} s: " + processes[0].told()[-3000:]
                self.changed.wait(min(left, 0.02))


class LogReader(Subscriber):
    """What a program reads on the topic `entries`."""

    def __call__(self, message: pubsub_v1.subscriber.message.Message) -> None:
        with self.changed:
            for line in filter(lambda line: line.startswith(b"{"), message.data.splitlines()):
                self.data[from_json(Entry, line).title] = line
            message.ack()
            self.changed.notify_all()


@dataclass
class Stage:
    """The server, its topics and who listens."""

    cloud: Cloud
    directory: Path

    @property
    def watch(self) -> str:
        return str(self.directory / "watches/ukraine")

    def listen(self, topic: str, received: Subscriber | None = None) -> Subscriber:
        """Google's own example of a subscriber, in full."""
        subscriber, received = pubsub_v1.SubscriberClient(), received or Subscriber()
        path, name = subscriber.topic_path(PROJECT, topic), subscriber.subscription_path(PROJECT, f"{topic}-listener")
        LocalOrReal().ensure_topics(path)
        subscriber.create_subscription(request=types.Subscription(name=name, topic=path))
        subscriber.subscribe(name, received)
        return received

    def detect(self, name: str, *argv: str, command: str = "detect") -> Process:
        """A detector with everything of its own but the log."""
        own = ["--alerts-topic", f"alerts-{name}", "--entries-subscription", f"detect-{name}"]
        state = ["--state-dir", str(self.directory / f"state-{name}"), "--dead-letters-topic", f"dead-letters-{name}"]
        return Process(self.directory / f"{name}.log", command, "--watch", self.watch, *own, *state, *argv)

    def retained(self, topic: str) -> list[types.PubsubMessage]:
        return list(LocalOrReal().retained(f"projects/{PROJECT}/topics/{topic}"))

    def log(self) -> list[Entry]:
        return [from_json(Entry, line) for m in self.retained("entries") for line in m.data.splitlines() if line.startswith(b"{")]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patch, localpubsub.Server() as server:
        patch.setenv("PUBSUB_EMULATOR_HOST", server.address)
        patch.setenv("GOOGLE_CLOUD_PROJECT", PROJECT)
        cloud, directory = Cloud(server), tmp_path_factory.mktemp("streaming")
        shutil.copytree(ROOT / "watches", directory / "watches")  # whoever edits a watch now does not disturb the test
        yield Stage(cloud, directory)
        cloud.close()


LAST = "Russian forces attack Ukraine with air strikes on Kyiv"


def last_entry() -> Entry:
    """An entry that must alert, later than everything that was recorded: when its alert is there, all others are."""
    time_, summary = (
        micros("2022-03-20T12:00Z"),
        "Russia launched air strikes and troops crossed the border into Ukraine on Sunday.",
    )
    return Entry(
        id="last",
        version=1,
        content_hash=content_hash(LAST, summary, ""),
        published=time_,
        seen_at=time_,
        time=time_,
        backfill=False,
        feed="https://amberline.example/feed",
        outlet="Amberline",
        url="https://amberline.example/last",
        title=LAST,
        summary=summary,
        language="en",
    )


def sample(versions: int) -> Recording:
    """The first versions of the recorded crisis."""
    recording = Recording.load(WATCH / "sample")
    return dataclasses.replace(recording, versions=recording.versions[:versions])


def over(received: Subscriber) -> Callable[[], bool]:
    return lambda: any(json.loads(data)["headline"] == LAST for data in received.data.values())


def stopped(process: Process) -> tuple[int, float]:
    """Exit status after Ctrl-C, and the seconds it took."""
    begun = time.monotonic()
    process.popen.send_signal(signal.SIGINT)
    return process.popen.wait(15), time.monotonic() - begun


@dataclass
class Run:
    """An undisturbed run that is over, and how its processes ended on Ctrl-C."""

    alerts: Subscriber
    collector: tuple[int, float]
    detector: tuple[int, float]


@pytest.fixture(scope="module")
def undisturbed(stage: Stage) -> Iterator[Run]:
    received, log = stage.listen("alerts-undisturbed"), stage.listen("entries", LogReader())
    detector = stage.detect("undisturbed")
    started: list[Process] = [detector]
    recording = sample(VERSIONS)
    last = [version.title for version in recording.versions if not version.outlet.breaks_every][-1]
    try:
        with serve(recording, minutes=MINUTES) as feeds:
            opml = feeds.write_opml(stage.directory / "feeds.opml")
            polling = ["--poll-every", "1", "--tick-every", "0.5", "--host-gap", "0.02", "--allow-local-addresses"]
            state = ["--state-dir", str(stage.directory / "state")]
            collector = Process(stage.directory / "collect.log", "collect", "--feeds", str(opml), *polling, *state)
            started.append(collector)
            log.until(lambda: last in log.data, started)
            collector_ended = stopped(collector)
        started.remove(collector)
        entries = f"projects/{PROJECT}/topics/entries"
        stage.cloud.publisher.publish(entries, b"no entry").result()
        stage.cloud.publisher.publish(entries, to_json(last_entry())).result()
        received.until(over(received), started)
        yield Run(received, collector_ended, stopped(detector))
    finally:
        for process in started:
            process.kill()


def test_the_collector_puts_the_recorded_entries_on_the_log(stage: Stage, undisturbed: Run) -> None:
    recording, log = sample(VERSIONS), stage.log()
    published = {version.title for version in recording.versions}
    assert len({entry.title for entry in log} & published) > 0.8 * len(published)
    assert {entry.outlet for entry in log} == {version.outlet.name for version in recording.versions}
    assert 0 < sum(entry.backfill for entry in log) < len(log) / 2
    versions = [(entry.id, entry.version) for entry in log]
    assert len(set(versions)) == len(versions)


def test_a_subscriber_receives_alerts_that_validate_each_once(undisturbed: Run) -> None:
    received = undisturbed.alerts
    assert len(received.data) >= 10
    assert len(received.times) == len(received.data)
    schema = fastavro.parse_schema(alert_schema())
    for id_, data in received.data.items():
        alert = json.loads(data)
        assert validate(alert, schema, strict=True)
        assert alert["alert_id"] == id_
        assert all(signal["evidence"] for signal in alert["signals"])


def test_what_was_there_before_the_first_poll_raised_nothing(stage: Stage, undisturbed: Run) -> None:
    backfill = {entry.id for entry in stage.log() if entry.backfill}
    latest = {max(json.loads(data)["entries"], key=lambda e: e["time"])["id"] for data in undisturbed.alerts.data.values()}
    assert not backfill & latest


def test_an_unreadable_message_and_broken_feeds_are_dead_letters(stage: Stage, undisturbed: Run) -> None:
    (dead,) = [from_json(Failure, m.data) for m in stage.retained("dead-letters-undisturbed")]
    assert (dead.stage, dead.reason, dead.payload) == ("OpenReports", "unreadable-entry", "no entry")
    polled = [from_json(Failure, m.data) for m in stage.retained("dead-letters")]
    assert polled
    assert all(failure.stage and failure.reason and failure.error for failure in polled)


def test_ctrl_c_ends_both_pipelines_cleanly_within_five_seconds(undisturbed: Run) -> None:
    for status, seconds in (undisturbed.collector, undisturbed.detector):
        assert status == 0
        assert seconds < 5


def test_a_detector_killed_twice_loses_no_alert_and_sends_none_under_another_id(stage: Stage, undisturbed: Run) -> None:
    # the same log in many small messages, so that there is a middle to be killed in
    entries = f"projects/{PROJECT}/topics/entries-singly"
    LocalOrReal().ensure_topics(entries)
    for entry in stage.log():
        stage.cloud.publisher.publish(entries, to_json(entry)).result()

    def detect(every: str) -> Process:
        return stage.detect("killed", "--entries-topic", entries, "--checkpoint-every", every)

    received = stage.listen("alerts-killed")
    detector = detect("1")
    try:
        # once between a checkpoint and the alerts that it speaks of, once while alerts are on their way
        state = stage.directory / "state-killed"
        received.until(lambda: any(state.glob("*.checkpoint")), [detector])
        detector.kill()
        before = len(received.data)
        assert before < len(undisturbed.alerts.data) / 2, "it was killed too late to show anything"
        detector = detect("10")
        received.until(lambda: len(received.data) > before, [detector])
        detector.kill()
        assert not over(received)(), "it was killed too late to show anything"
        detector = detect("10")
        received.until(over(received), [detector])
    finally:
        detector.kill()
    assert received.data.keys() == undisturbed.alerts.data.keys()
    for id_, data in undisturbed.alerts.data.items():
        assert json.loads(received.data[id_]) == json.loads(data)
    assert detector.told().count("start: checkpoint of watch ukraine") == 2


def test_monitor_does_both_in_one_process(stage: Stage, undisturbed: Run) -> None:
    received = stage.listen("alerts-monitor")
    with serve(sample(40), minutes=0.05) as feeds:
        opml = feeds.write_opml(stage.directory / "few.opml")
        polling = [
            "--feeds",
            str(opml),
            "--poll-every",
            "1",
            "--tick-every",
            "0.5",
            "--host-gap",
            "0.02",
            "--allow-local-addresses",
        ]
        monitor = stage.detect("monitor", *polling, "--entries-topic", "entries-monitor", command="monitor")
        try:
            received.until(lambda: len(received.data) >= 1, [monitor])
            status, seconds = stopped(monitor)
        finally:
            monitor.kill()
    assert (status, seconds < 5) == (0, True)
    assert stage.retained("entries-monitor")
