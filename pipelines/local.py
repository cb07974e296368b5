"""run (`make run`): everything on one machine.

    recorded feeds (HTTP) ──► collect ──► Pub/Sub (embedded) ──► detect ──► Pub/Sub ──► this screen, as any subscriber

collect and detect are processes of their own, as they are in earnest; each is started again if it dies. With `--feeds`
the real feeds are polled in place of the recording. Ctrl-C ends it all.

A recording plays from its beginning each time, on topics that are empty; what they held at the end stays readable until the
next recorded run. With real feeds a run goes on where the one before ended, however that was: topics, subscriptions and
checkpoints stay. So the two keep apart, in `recording/` and `live/` of the run's directory.
"""

from __future__ import annotations

import argparse
import os
import queue
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent import futures
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

import localpubsub
from pipelines import progress
from pipelines.recording import FeedServer, Recording, RecordingError, serve
from pipelines.standing import tell_when_stopped
from pipelines.usage import LOCAL_PROJECT, SPACY_MODEL_HELP, UsageError, parser_in, parser_of, watch_directory
from pipelines.wording import counted

if TYPE_CHECKING:
    from pipelines.subscribe import Printer

SAMPLE = "sample"
PUBSUB, STATE = "pubsub", "state"
GRACE = 2.5
"""Seconds that the two pipelines get to end by themselves."""
RESTARTS = 5
Events = queue.SimpleQueue[str]
"""What `run` waits for: "stop", "over" (the recording has ended), "pubsub" (its store has failed), or the name of a child
that has ended."""


class Child:
    """A `vedette` command in a process of its own, its log in a file. It ends when this process does, however that ends.

    progress  what a detector tells of its work, see progress.py
    """

    def __init__(self, name: str, arguments: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self.log.write_bytes(b"")
        self.restarts = 0
        self._command = [sys.executable, "-m", "pipelines.cli", name, *arguments]
        self._environment = {**os.environ, **environment, "VEDETTE_PARENT": "1"}
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        heard, told = os.pipe()
        self.progress = os.fdopen(heard, encoding="utf-8")
        try:
            with self.log.open("ab") as out:
                return subprocess.Popen(
                    self._command,
                    env={**self._environment, progress.VARIABLE: str(told)},
                    stdin=subprocess.PIPE,
                    stdout=out,
                    stderr=out,
                    start_new_session=True,
                    pass_fds=(told,),
                )
        finally:
            os.close(told)

    def restart(self) -> bool:
        """Start it again after it has died; False if it has died too often."""
        self.restarts += 1
        if self.restarts > RESTARTS:
            return False
        self.process = self._start()
        return True

    def tell(self, events: Events) -> None:
        """Put the name into the queue when the process ends."""
        process = self.process

        def wait() -> None:
            process.wait()
            events.put(self.name)

        threading.Thread(target=wait, name=f"wait-{self.name}", daemon=True).start()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()

    def wait(self, deadline: float) -> None:
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, deadline - time.monotonic()))
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@contextmanager
def own_terminal() -> Iterator[None]:
    """Take the terminal away from make while this runs, so that Ctrl-C reaches us alone.

    make answers an interrupt by dying of it when its children have ended, however well they did: status 130 instead of 0.
    """
    if not os.environ.get("MAKELEVEL") or not sys.stdin.isatty():
        yield
        return
    terminal, theirs = sys.stdin.fileno(), os.getpgrp()
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # else taking the terminal back would stop us
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # nobody could wake us again
    os.setpgid(0, 0)
    os.tcsetpgrp(terminal, os.getpgrp())
    try:
        yield
    finally:
        with suppress(OSError):
            os.tcsetpgrp(terminal, theirs)


def run(argv: list[str]) -> int:
    """`vedette run`: 0 after Ctrl-C, 1 if a part could not be kept running."""
    parser = parser_of("run", "Everything together on this machine: feeds, Pub/Sub, both pipelines, alerts on the screen.")
    parser.add_argument("--watch", default="", help="folder of the watch, or its name if it came with the package")
    parser.add_argument(
        "--feeds", default="", help="OPML file of real feeds (default: the watch's recording, served as live feeds)"
    )
    parser.add_argument("--minutes", type=float, default=8.0, help="how long the recording takes (default: 8)")
    parser.add_argument("--port", type=int, default=8085, help="port of the embedded Pub/Sub (default: 8085, 0 for any free one)")
    parser.add_argument(
        "--dir", type=Path, default=Path(".vedette/run"), help="logs, topics and state of the runs (default: .vedette/run)"
    )
    parser.add_argument("--spacy-model", default="", help=SPACY_MODEL_HELP)
    args = parser.parse_args(argv)
    if args.spacy_model:
        parser_in(args.spacy_model)  # what is wrong with it is said here, not in the log of the detector

    events: Events = queue.SimpleQueue()
    tell_when_stopped(lambda: events.put("stop"), (signal.SIGINT, signal.SIGTERM))
    console = Console(highlight=False)
    notes = console if console.is_terminal else Console(stderr=True, highlight=False)  # into a file or a pipe go alerts alone
    watch = watch_directory(args.watch)
    if not args.feeds and not (watch / SAMPLE).is_dir():
        raise UsageError(f"{watch} has no recording: give --feeds FEEDS.opml (make run FEEDS=...), such as {watch}/feeds.opml")
    kept = args.dir / ("live" if args.feeds else "recording")
    kept.mkdir(parents=True, exist_ok=True)

    with ExitStack() as parts:
        parts.enter_context(own_terminal())
        try:
            server = localpubsub.Server(port=args.port, data=kept / PUBSUB, fresh=not args.feeds)
            address = server.start()
            parts.callback(server.stop, 0.5)
            if not args.feeds:  # checkpoints speak of the log that was
                shutil.rmtree(kept / STATE, ignore_errors=True)
            polling = ["--feeds", args.feeds]
            recording = None
            if not args.feeds:
                recording = parts.enter_context(serve(Recording.load(watch / SAMPLE), minutes=args.minutes))
                opml = recording.write_opml(args.dir / "feeds.opml")
                polling = ["--feeds", str(opml), "--allow-local-addresses", "--poll-every", "2", "--tick-every", "1"]
                polling += ["--host-gap", "0.05"]
        except localpubsub.PortTaken as e:
            raise UsageError(f'{e}: --port 0, or make run ARGS="--port 0"') from None
        except (localpubsub.StoreError, RecordingError) as e:
            raise UsageError(str(e)) from None

        environment = {"PUBSUB_EMULATOR_HOST": address, "GOOGLE_CLOUD_PROJECT": LOCAL_PROJECT}
        os.environ.update(environment)
        state = ["--state-dir", str(kept / STATE)]
        children = [
            Child("detect", [*detecting(watch, args.spacy_model), *state], environment, args.dir / "detect.log"),
            Child("collect", [*polling, *state], environment, args.dir / "collect.log"),
        ]
        try:
            _introduce(notes, watch, address, args, kept)
            threading.Thread(target=_tell_when_failed, args=(server, events), daemon=True).start()
            return _until_stopped(events, console, notes, children, recording)
        finally:
            for child in children:
                child.stop()
            deadline = time.monotonic() + GRACE
            for child in children:
                child.wait(deadline)


def detecting(watch: Path, spacy_model: str) -> list[str]:
    """What the detector is told: the watch, and the spaCy model if there is one."""
    return ["--watch", str(watch), *(["--spacy-model", spacy_model] if spacy_model else [])]


def _introduce(notes: Console, watch: Path, address: str, args: argparse.Namespace, kept: Path) -> None:
    notes.print(f"[bold]Vedette[/] watches {watch}, {args.feeds or 'a recording with the dates it happened on'}")
    notes.print(f"  [dim]logs      {args.dir}/collect.log, {args.dir}/detect.log[/]")
    notes.print(f"  [dim]Pub/Sub   {kept / PUBSUB}; to read it when this has ended:[/]", soft_wrap=True)
    notes.print(f"            [dim]{shlex.quote(sys.executable)} -m localpubsub --data {kept / PUBSUB}[/]", soft_wrap=True)
    notes.print(f"  [dim]project   {LOCAL_PROJECT}; for the other commands, in another terminal:[/]\n", soft_wrap=True)
    notes.print(f"export PUBSUB_EMULATOR_HOST={address}\n", soft_wrap=True)
    notes.print("  [dim]Ctrl-C ends it all.[/]\n")


def _until_stopped(events: Events, console: Console, notes: Console, children: list[Child], recording: FeedServer | None) -> int:
    from google.api_core.exceptions import GoogleAPIError

    from pipelines.pubsub import LocalOrReal
    from pipelines.subscribe import Printer, receive

    pubsub = LocalOrReal()
    topic, subscription = f"projects/{LOCAL_PROJECT}/topics/alerts", f"projects/{LOCAL_PROJECT}/subscriptions/screen"
    pubsub.ensure_topics(topic)
    pubsub.ensure_subscription(subscription, topic)
    printer = Printer("text", console)
    with progress.Progress(console, lambda: printer.shown) as line:
        receiving = receive(subscription, printer)
        for child in children:
            child.tell(events)
            line.listen(child.progress)
        if recording is not None:
            threading.Thread(target=_tell_when_over, args=(recording, events), daemon=True).start()
        try:
            status = _tended(events, notes, children, line, printer)
        finally:
            receiving.cancel()
            with suppress(futures.TimeoutError, GoogleAPIError):  # let it end before its server does: it would try to come back
                receiving.result(timeout=1.0)
    notes.print(f"[dim]{line}[/]")
    return status


def _tended(events: Events, notes: Console, children: list[Child], line: progress.Progress, printer: Printer) -> int:
    """Look after the children until the end is asked for (0) or one of them cannot be kept up (1)."""
    while (event := events.get()) != "stop":
        if event == "over":
            notes.print(f"[dim]The recording has ended, {counted(printer.shown, 'alert')} so far. Ctrl-C ends it all.[/]")
            continue
        if event == "pubsub":
            notes.print("[bold red]Pub/Sub ended, its store has failed[/]: see the message above")
            return 1
        child = next(c for c in children if c.name == event)
        notes.print(f"[bold red]{child.name} ended with status {child.process.returncode}[/], see {child.log}")
        if not child.restart():
            notes.print(f"[bold red]{child.name} does not stay up:[/] {_last_line(child.log)}")
            return 1
        child.tell(events)
        line.listen(child.progress)
    return 0


def _tell_when_over(recording: FeedServer, events: Events) -> None:
    recording.over.wait()
    events.put("over")


def _tell_when_failed(server: localpubsub.Server, events: Events) -> None:
    server.wait()
    events.put("pubsub")


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "its log is empty"
