"""Kill the detector again and again while the recording is served as live feeds, and look at what a subscriber received.

    python benchmarks/kills.py --kills 20                                   (make kill-test)

Everything runs as in `make run`: feeds over HTTP, a collector, a Pub/Sub, a detector, Google's client as the subscriber. The
detector is killed (SIGKILL) at random moments and started again. In the end the log is read back and backtested in its own
order: the ids received must be exactly those that the backtest gives. Status 1 if they are not.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
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


class Subscriber:
    """Ids of the alerts received, and how many messages brought them."""

    def __init__(self) -> None:
        self.headlines: dict[str, str] = {}
        self.messages = 0
        self.over = threading.Event()

    def __call__(self, message: pubsub_v1.subscriber.message.Message) -> None:
        self.messages += 1
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


def kill_at_random(
    directory: Path, kills: int, longest: float, draw: random.Random, received: Subscriber
) -> subprocess.Popen[bytes]:
    """The detector that is left running."""
    for kill in range(1, kills + 1):
        detector = command(directory, "detect", "--watch", str(WATCH), "--checkpoint-every", str(draw.choice([1, 5, 20])))
        alive = draw.uniform(0.5, longest)
        time.sleep(alive)
        detector.kill()
        detector.wait()
        checkpoints = len(list((directory / "state").glob("stories-*.checkpoint")))
        print(
            f"kill {kill:2} after {alive:4.1f} s: {len(received.headlines):3} alerts so far, {checkpoints} checkpoint", flush=True
        )
    return command(directory, "detect", "--watch", str(WATCH))


def log_of(topic: str, file: Path) -> int:
    """Write the entries of the log to a file, in its order."""
    lines = [line for m in LocalOrReal().retained(topic) for line in m.data.splitlines() if line.startswith(b"{")]
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    return len(lines)


def run(directory: Path, kills: int, minutes: float, longest: float, seed: int) -> int:
    entries, alerts = (f"projects/{PROJECT}/topics/{name}" for name in ("entries", "alerts"))
    received = Subscriber()
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
            processes.append(kill_at_random(directory, kills, longest, random.Random(seed), received))
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
    print(f"{count} entries in the log, {kills} kills: {len(wanted)} alerts by the backtest of the log in its order,")
    print(
        f"{len(received.headlines)} received in {received.messages} messages; {len(lost)} lost, {len(strange)} under another id"
    )
    for id_ in sorted(lost | strange):
        print(f"  {'lost' if id_ in lost else 'strange'} {id_}: {wanted.get(id_) or received.headlines[id_]}")
    return 1 if lost or strange else 0


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--minutes", type=float, default=3.0, help="for the whole recording")
    arguments.add_argument("--longest", type=float, default=20.0, help="seconds that a detector lives at most")
    arguments.add_argument("--seed", type=int, default=1, help="of the moments")
    args = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="kills-") as directory:
        sys.exit(run(Path(directory), args.kills, args.minutes, args.longest, args.seed))


if __name__ == "__main__":
    main()
