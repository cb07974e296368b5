"""How long a detector that was killed takes to be where it was, with 72 hours of 100 feeds (70,000 entries) in its window.

    python benchmarks/restart.py                                            (make benchmark-restart)

A window is filled and written down as a checkpoint, followed by as many segments as there can be before it is written anew.
The log holds the entries that came since the last segment, as many as there can be before the next one is due. Then `vedette
detect` starts as in `make run`. The clock runs from the start of the process to the alert of the last entry in the log.

Two windows: with a twentieth of the entries relevant, as it is with general feeds, and with all of them.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

from google.cloud import pubsub_v1
from google.pubsub_v1 import types

sys.path.insert(0, str(Path(__file__).parents[1]))

import localpubsub
from benchmarks.folding import BEGIN, SECOND, WATCH, fill, news, recorded_vectors, reports
from benchmarks.kills import PROJECT, Subscriber, command, last_entry
from pipelines.pubsub import LocalOrReal
from pipelines.recording import Recording
from schemas import Entry, Report, content_hash, to_json
from schemas.watch import load_watch
from transforms.alerts import AlertPolicy
from transforms.stories.journal import SEGMENTS_SHARE, Journal, story_checkpoints
from transforms.stories.ledger import StoryLedger, trace_of

ENTRIES = 70_000
EVERY = 100
LATER = BEGIN + 2 * 86_400 * SECOND
PATIENCE = 600.0


def since(count: int, relevant: float) -> Iterator[Entry]:
    """Entries of the recording's first half over and over, each under an id of its own; the others tell of the weather."""
    versions = Recording.load(WATCH / "sample").versions
    texts = cycle([(v.title, v.summary) for v in versions[: len(versions) // 2]])
    for n, (title, summary) in enumerate(islice(texts, count)):
        if n * relevant % 1 >= relevant:
            title, summary = f"Rain in town number {n}", "It will be dry again on the day after."
        url, at = f"https://paper.example/since/{n}", LATER + n * SECOND
        text, outlet = content_hash(title, summary, ""), f"Outlet {n % 100}"
        yield Entry(f"since-{n}", 1, text, at, at, at, False, "https://paper.example/feed", outlet, url, title, summary, "", "en")


def measure(entries: int, relevant: float) -> None:
    watch, held = load_watch(WATCH), round(entries * relevant)
    received = Subscriber()
    with tempfile.TemporaryDirectory() as place, localpubsub.Server() as server:
        os.environ.update(PUBSUB_EMULATOR_HOST=server.address, GOOGLE_CLOUD_PROJECT=PROJECT)
        log, alerts = (f"projects/{PROJECT}/topics/{name}" for name in ("entries", "alerts"))
        LocalOrReal().ensure_topics(log, alerts)
        subscriber, name = pubsub_v1.SubscriberClient(), f"projects/{PROJECT}/subscriptions/restart"
        subscriber.create_subscription(request=types.Subscription(name=name, topic=alerts))
        receiving = subscriber.subscribe(name, received)

        ledger = StoryLedger(watch, AlertPolicy(watch))
        later = held // SEGMENTS_SHARE // EVERY * EVERY
        vectors = news(held + later, recorded_vectors())
        fill(ledger.fold_, vectors[:held])
        journal = Journal(story_checkpoints(str(Path(place) / "state")), watch.name, watch.config_hash, EVERY)
        write_down(journal, ledger, list(reports(vectors[held:], "later", 3)))
        size = sum(path.stat().st_size for path in (Path(place) / "state").iterdir())
        state = len(ledger.state())
        del ledger, vectors

        last = replace(last_entry(), time=LATER + ENTRIES * SECOND, published=LATER + ENTRIES * SECOND)
        publisher = pubsub_v1.PublisherClient()
        sent = [publisher.publish(log, to_json(entry)) for entry in (*since(round(EVERY / relevant), relevant), last)]
        for future in sent:
            future.result()
        begun = time.monotonic()
        detector = command(Path(place), "detect", "--watch", str(WATCH), "--checkpoint-every", str(EVERY))
        try:
            there = received.over.wait(PATIENCE)
            seconds = time.monotonic() - begun
        finally:
            detector.kill()
            detector.wait()
            receiving.cancel()
        told = f"{seconds:.0f} s" if there else f"not within {PATIENCE:.0f} s: {(Path(place) / 'detect.log').read_text()[-2000:]}"
    print(
        f"{held:,} of {entries:,} relevant, a state of {state / 2**20:.0f} MiB ({size / 2**20:.0f} in files), {later:,} of them "
        f"in segments, {len(sent):,} entries in the log since: {told}",
        flush=True,
    )


def write_down(journal: Journal, ledger: StoryLedger, later: list[Report]) -> None:
    """The ledger whole, and then segments with what is folded later."""
    journal.write(ledger)
    begin = time.time_ns() // 1_000 - len(later)
    for n, report in enumerate(later):
        entry = replace(report.entry, time=BEGIN + 2 * 86_400 * SECOND, published=BEGIN + 2 * 86_400 * SECOND)
        report = replace(report, entry=entry, position=begin + n)
        journal.folded(trace_of(*ledger.fold(report)))
        if journal.due:
            journal.write(ledger)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--entries", type=int, default=ENTRIES, help="in the window")
    arguments.add_argument("--relevant", type=float, nargs="+", default=[0.05, 1.0], help="shares of them")
    args = arguments.parse_args()
    for relevant in args.relevant:
        measure(args.entries, relevant)


if __name__ == "__main__":
    main()
