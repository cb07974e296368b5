"""Kill the detector again and again while the recording is served as live feeds, and look at what a subscriber received.

    python benchmarks/kills.py --kills 20                                   (make kill-test)

Everything runs as in `make run`: feeds over HTTP, a collector, a Pub/Sub, a detector, Google's client as the subscriber. The
detector is killed (SIGKILL) and started again: at a random moment after its first alert (half of the kills), after its first
checkpoint, or while it starts (every fifth). In the end the log is read back and backtested in its own order: the ids received
must be exactly those that the backtest gives. Status 1 if they are not, and the files are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from google.cloud import pubsub_v1
from google.pubsub_v1 import types

sys.path.insert(0, str(Path(__file__).parents[1]))

import localpubsub
from pipelines.backtest import backtest
from pipelines.detect import DetectAlerts
from pipelines.pubsub import LocalOrReal
from pipelines.recording import Recording, serve
from schemas import Entry, content_hash, micros, to_json
from schemas.watch import load_watch

ROOT = Path(__file__).parents[1]
PROJECT = "vedette-local"
WATCH = ROOT / "watches/ukraine"
LAST = "Russian forces attack Ukraine with air strikes on Kyiv"
PATIENCE = 300.0
STARTING, START = 5, 6.0  # every fifth detector is killed within its first seconds
IDLE = 60.0  # seconds without a sign of work after which a detector is killed as it is


class Subscriber:
    """The alerts received, by id, when each came first, and how many messages brought them."""

    def __init__(self) -> None:
        self.headlines: dict[str, str] = {}
        self.at: list[float] = []
        self.messages = 0
        self.over = threading.Event()

    def __call__(self, message: pubsub_v1.subscriber.message.Message) -> None:
        self.messages += 1
        if message.attributes["alert_id"] not in self.headlines:
            self.at.append(time.monotonic())
        self.headlines[message.attributes["alert_id"]] = json.loads(message.data)["headline"]
        message.ack()
        if LAST in self.headlines.values():
            self.over.set()


def command(directory: Path, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    with (directory / f"{name}.log").open("ab") as log:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", name, *arguments, "--state-dir", str(directory / "state")],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def last_entry() -> Entry:
    """An entry that must alert, later than all of the recording: when its alert is there, all others are."""
    at, summary = micros("2022-03-20T12:00Z"), "Russia launched air strikes and troops crossed the border into Ukraine on Sunday."
    text, feed = content_hash(LAST, summary, ""), "https://amberline.example/feed"
    return Entry("last", 1, text, at, at, at, False, feed, "Amberline", "https://amberline.example/last", LAST, summary, "", "en")


@dataclass
class Killer:
    """Starts detectors and kills them."""

    directory: Path
    received: Subscriber
    draw: random.Random
    kills_at: list[float] = field(default_factory=list)

    def kill(self, number: int, longest: float) -> None:
        """One detector's life. `longest`: seconds that it lives at most after its first sign of work."""
        every = self.draw.choice([1, 5, 20])
        sign, signs = self.draw.choice([("checkpoint", self._checkpoints), ("alert", self._alerts), ("alert", self._alerts)])
        before = signs()
        detector = command(self.directory, "detect", "--watch", str(WATCH), "--checkpoint-every", str(every))
        begun = time.monotonic()
        try:
            if number % STARTING == 0:
                time.sleep(self.draw.uniform(0.1, START))
            else:
                while signs() == before and time.monotonic() - begun < IDLE and detector.poll() is None:
                    time.sleep(0.02)
                time.sleep(self.draw.uniform(0, longest))
            worked = signs() != before
        finally:
            detector.kill()
            detector.wait()
        self.kills_at.append(time.monotonic())
        alive = time.monotonic() - begun
        after = f"after its first {sign}" if worked else f"before its first {sign}"
        print(f"kill {number:2} after {alive:4.1f} s, {after}: {len(self.received.headlines):3} alerts so far", flush=True)

    def amid_alerts(self) -> int:
        """Kills between the first alert and the last."""
        first, last = self.received.at[0], self.received.at[-1]
        return sum(first < at < last for at in self.kills_at)

    def _alerts(self) -> int:
        return len(self.received.headlines)

    def _checkpoints(self) -> int:
        """When the last one was written."""
        return max((path.stat().st_mtime_ns for path in (self.directory / "state").glob("stories-*.checkpoint")), default=0)


def log_of(topic: str, file: Path) -> int:
    """Write the entries of the log to a file, in its order."""
    lines = [line for m in LocalOrReal().retained(topic) for line in m.data.splitlines() if line.startswith(b"{")]
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    return len(lines)


def run(directory: Path, kills: int, minutes: float, longest: float, seed: int) -> int:
    entries, alerts = (f"projects/{PROJECT}/topics/{name}" for name in ("entries", "alerts"))
    received = Subscriber()
    killer = Killer(directory, received, random.Random(seed))
    processes = []
    with localpubsub.Server() as server, serve(Recording.load(WATCH / "sample"), minutes=minutes) as feeds:
        os.environ.update(PUBSUB_EMULATOR_HOST=server.address, GOOGLE_CLOUD_PROJECT=PROJECT)
        LocalOrReal().ensure_topics(entries, alerts)
        subscriber, name = pubsub_v1.SubscriberClient(), f"projects/{PROJECT}/subscriptions/kills"
        subscriber.create_subscription(request=types.Subscription(name=name, topic=alerts))
        receiving = subscriber.subscribe(name, received)
        polling = ["--poll-every", "1", "--tick-every", "0.5", "--host-gap", "0.02", "--allow-local-addresses"]
        try:
            processes.append(command(directory, "collect", "--feeds", str(feeds.write_opml(directory / "feeds.opml")), *polling))
            for number in range(1, kills + 1):
                killer.kill(number, longest)
            processes.append(command(directory, "detect", "--watch", str(WATCH)))
            feeds.over.wait()
            time.sleep(5)  # the collector polls every second
            processes[0].terminate()
            processes[0].wait()
            pubsub_v1.PublisherClient().publish(entries, to_json(last_entry())).result()
            ended = received.over.wait(PATIENCE)
            count = log_of(entries, directory / "entries.jsonl")
        finally:
            for process in processes:
                process.kill()
                process.wait()
            receiving.cancel()
    if not ended:
        print(f"the last alert did not come within {PATIENCE:.0f} s, see {directory}/detect.log")
        return 1
    backtest(DetectAlerts(load_watch(WATCH), in_order=False), directory / "entries.jsonl", directory / "backtest")
    alerts_wanted = [json.loads(line) for line in (directory / "backtest/alerts.jsonl").open("rb")]
    wanted = {alert["alert_id"]: alert["headline"] for alert in alerts_wanted}
    lost, strange = wanted.keys() - received.headlines.keys(), received.headlines.keys() - wanted.keys()
    print(f"{count} entries in the log, {kills} kills, {killer.amid_alerts()} of them between the first alert and the last:")
    print(f"{len(wanted)} alerts by the backtest of the log in its order,")
    print(
        f"{len(received.headlines)} received in {received.messages} messages; {len(lost)} lost, {len(strange)} under another id"
    )
    for id_ in sorted(lost | strange):
        print(f"  {'lost' if id_ in lost else 'strange'} {id_}: {wanted.get(id_) or received.headlines[id_]}")
    return 1 if lost or strange else 0


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--minutes", type=float, default=5.0, help="for the whole recording")
    arguments.add_argument("--longest", type=float, default=4.0, help="seconds that a detector works at most")
    arguments.add_argument("--seed", type=int, default=1, help="of the moments")
    args = arguments.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="kills-"))
    status = run(directory, args.kills, args.minutes, args.longest, args.seed)
    if status:
        print(f"logs, checkpoint, entries and backtest: {directory}")
    else:
        shutil.rmtree(directory)
    sys.exit(status)


if __name__ == "__main__":
    main()
