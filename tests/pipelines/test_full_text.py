"""Full text end to end: detect asks, collect reads the page, and the entry comes through the log again as an update."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cloud import PROJECT, Cloud
from factories import a_report, a_signal, a_watch, an_entry
from google.api_core.exceptions import DeadlineExceeded
from google.pubsub_v1 import types

from schemas.entry import Entry
from schemas.records import from_json
from transforms.alerts import AlertPolicy
from transforms.stories.ledger import StoryLedger

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
TITLE = "Russia masses 90,000 troops near the Ukrainian border"
STORY = (
    "Moscow has massed 90,000 troops near Ukraine, the defence ministry in Kyiv said on Friday.",
    "Satellite pictures show tanks and tents on a training ground that had stood empty in the summer.",
    "The ministry added that fuel and field hospitals had been brought up in the night.",
    "A spokesman in Moscow said that the country moves its troops on its own soil as it sees fit.",
)
PAGE = f"<html><body><nav>Home</nav><article><h1>{TITLE}</h1>{''.join(f'<p>{s}</p>' for s in STORY)}</article></body></html>"


def document(port: int, *numbers: int) -> str:
    items = "".join(
        f"<item><title>{TITLE if n else 'Storm closes schools'}</title><guid>{n}</guid><link>http://127.0.0.1:{port}/page/{n}</link>"
        f"<description>{STORY[0] if n else 'Heavy rain is expected.'}</description></item>"
        for n in numbers
    )
    return f'<rss version="2.0"><channel><title>Harbour Wire</title><language>en</language>{items}</channel></rss>'


class Site(BaseHTTPRequestHandler):
    """A feed that has news at its second poll, and the page of the news."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        port = self.server.server_address[1]
        polls = self.asked.count("/feed")
        answers = {"/feed": document(port, *([0] if polls == 1 else [0, 1])), "/page/1": PAGE}
        body = answers.get(self.path, "").encode()
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "application/rss+xml" if self.path == "/feed" else "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[tuple[int, list[str]]]:
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Site", (Site,), {"asked": asked}))
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], asked
    server.shutdown()


@pytest.fixture
def pipelines(site: tuple[int, list[str]], emulator: Cloud, tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    opml = tmp_path / "feeds.opml"
    feed = f'<outline text="Harbour Wire" type="rss" xmlUrl="http://127.0.0.1:{site[0]}/feed"/>'
    opml.write_text(f'<opml version="2.0"><body>{feed}</body></opml>')
    state = ["--state-dir", str(tmp_path / "state"), "--full-text"]
    often = ["--poll-every", "1", "--tick-every", "0.5", "--host-gap", "0", "--allow-local-addresses"]
    commands = [["detect", "--watch", "ukraine", *state], ["collect", "--feeds", str(opml), *often, *state]]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    running = []
    for command in commands:
        with (tmp_path / f"{command[0]}.log").open("wb") as log:
            start = [sys.executable, "-m", "pipelines.cli", *command]
            running.append(subprocess.Popen(start, cwd=ROOT, env=environment, stdout=log, stderr=log))
    yield running
    for process in running:
        process.kill()
        process.wait()


def received(emulator: Cloud, topic: str, until: float) -> Iterator[types.PubsubMessage]:
    """Messages as they come; the server keeps a pull waiting until there is one."""
    subscription = emulator.subscription(topic)
    while time.monotonic() < until:
        try:
            request = types.PullRequest(subscription=subscription, max_messages=100)
            batch = emulator.subscriber.pull(request=request, timeout=5).received_messages
        except DeadlineExceeded:
            continue
        if batch:
            emulator.subscriber.acknowledge(subscription=subscription, ack_ids=[r.ack_id for r in batch])
        yield from (r.message for r in batch)


def test_a_teaser_comes_back_with_its_text(
    emulator: Cloud, site: tuple[int, list[str]], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    entries, fetches, dead = (emulator.topic(name) for name in ("entries", "fetches", "dead-letters"))
    request.getfixturevalue("pipelines")
    seen: list[Entry] = []
    for message in received(emulator, entries, time.monotonic() + PATIENCE):
        seen += [from_json(Entry, line) for line in message.data.splitlines()]
        if any(entry.text for entry in seen):
            break
    logs = "\n".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert [(entry.version, entry.backfill, bool(entry.text)) for entry in seen] == [
        (1, True, False),
        (1, False, False),
        (2, False, True),
    ], logs
    _, first, second = seen
    assert (second.id, second.title, second.summary, second.time) == (first.id, first.title, first.summary, first.time)
    assert all(sentence in second.text for sentence in STORY)
    assert second.content_hash != first.content_hash
    _, asked = site
    assert asked.count("/page/1") == asked.count("/robots.txt") == 1
    assert "/page/0" not in asked, "what is not relevant is not asked for"
    (told,) = (json.loads(m.data) for m in emulator.received(fetches) if b"entry" in m.data)
    assert (told["id"], told["version"], told["url"]) == (first.id, 1, first.url)
    assert emulator.received(dead) == []
    assert f"projects/{PROJECT}/topics/fetches" == fetches


def test_the_version_with_text_takes_the_place_of_the_one_before_it() -> None:
    watch = a_watch()
    ledger = StoryLedger(watch, AlertPolicy(watch))
    teaser, whole = an_entry(summary="The ships lie off Sudland."), an_entry(version=2, text="The ships lie off Sudland. " * 20)
    first, _ = ledger.fold(a_report(teaser, (a_signal(),)))
    second, story = ledger.fold(a_report(whole, (a_signal(),)))
    assert (first.relation, second.relation) == ("new", "update")
    assert second.story_id == first.story_id
    assert story is None or [entry.version for entry in story.entries] == [2]
