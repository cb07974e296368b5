"""What a command that stands and waits keeps an eye on: signals, its server, and whoever reads its output."""

from __future__ import annotations

import os
import select
import signal
import stat
import threading
from collections.abc import Callable, Iterable
from typing import IO

from transforms.publishing.client import check_endpoint, endpoint

EVERY = 2.0
"""Seconds between two looks at a local server."""


def tell_when_stopped(
    call: Callable[[], object], numbers: Iterable[int] = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
) -> None:
    """Call, on a thread, for each of the signals; not for a SIGHUP that nohup has told us to ignore. Main thread only.

    A handler of Python's own runs when the main thread next runs bytecode: a signal that comes just before it begins to wait
    for a queue or an event is not seen until the wait ends (1 of 23 starts, measured). A byte in a pipe is.
    """
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    for number in numbers:
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: None)

    def listen() -> None:
        while os.read(heard, 1):
            call()

    threading.Thread(target=listen, name="signals", daemon=True).start()


def tell_when_away(say: Callable[[str], object]) -> None:
    """Watch a local server on a thread: `say` when it is away, and when it is back. Google's service is not watched."""

    def watch() -> None:
        away = False
        pause = threading.Event()
        while not pause.wait(EVERY):
            try:
                check_endpoint(timeout=EVERY)
            except ConnectionError:
                if not away:
                    say(f"{endpoint()} is away; what it holds comes when it is back")
                away = True
                continue
            if away:
                say(f"{endpoint()} is back")
            away = False

    if endpoint():
        threading.Thread(target=watch, name="server-watch", daemon=True).start()


def tell_when_unread(out: IO[str], call: Callable[[], object]) -> None:
    """Call once the reader of a pipe has gone: `vedette subscribe | head` ends with head, not with the next alert."""
    try:
        descriptor = out.fileno()
        mode = os.fstat(descriptor).st_mode
    except (OSError, ValueError):  # no real file: a test's
        return
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return

    def watch() -> None:
        errors = select.poll()
        errors.register(descriptor, 0)  # an error is told without being asked for
        errors.poll()
        call()

    threading.Thread(target=watch, name="reader-watch", daemon=True).start()
