"""How far the detector of `vedette run` is: what it tells through a pipe, as one quiet line on the screen.

    detect, following.py ──► pipe ──► Progress ──► "300 entries read, 190 relevant, 45 stories, 12 alerts"

On a terminal the line stands under the alerts and changes in its place. Where the alerts go into a file or a pipe, they go
there alone: the line is written to standard error, anew when half a minute has passed and something has changed.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from rich.console import Console
from rich.live import Live
from rich.text import Text

from pipelines.wording import counted

VARIABLE = "VEDETTE_PROGRESS"
"""Names the descriptor of the pipe in a child's environment."""
READ, RELEVANT, STORIES = "read", "relevant", "stories"
"""What is told: objects of JSON, one to a line."""
EVERY_LINE = 30.0
"""Seconds between two lines where no terminal is."""
STARTING = "The pipelines are starting, loading the sentence model ..."
"""Until a detector tells something: it does once it has its model."""


class Progress:
    """The sums of what the detectors have told, the one that was killed and the one after it, as a line on a console.

    console  where the alerts go; the line goes there too if it is a terminal, else to standard error
    alerts   how many have been shown
    """

    def __init__(self, console: Console, alerts: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._processes: list[Mapping[str, int]] = []
        self._alerts = alerts
        self._clock = clock
        self._live = Live(Text(STARTING, "dim"), console=console, auto_refresh=False, transient=True)
        self._terminal = console.is_terminal
        self._notes = console if console.is_terminal else Console(stderr=True, highlight=False)
        self._next_line = clock() + EVERY_LINE
        self._last_line = ""

    def __enter__(self) -> Progress:
        if self._terminal:
            self._live.start(refresh=True)
        else:
            self._notes.print(STARTING)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._terminal:
            self._live.stop()

    def listen(self, lines: Iterable[str]) -> threading.Thread:
        """Hear what a detector tells, on a thread, until it ends."""
        with self._lock:
            self._processes.append({})
            number = len(self._processes) - 1

        def hear() -> None:
            for line in lines:
                with self._lock:
                    self._processes[number] = json.loads(line)
                    self._show()

        thread = threading.Thread(target=hear, name=f"progress-{number}", daemon=True)
        thread.start()
        return thread

    def __str__(self) -> str:
        sums: Counter[str] = Counter()
        for counts in self._processes:
            sums.update(counts)
        read, stories = counted(sums[READ], "entry", "entries"), counted(sums[STORIES], "story", "stories")
        return f"{read} read, {sums[RELEVANT]:,} relevant, {stories}, {counted(self._alerts(), 'alert')}"

    def _show(self) -> None:
        if self._terminal:
            self._live.update(Text(str(self), "dim", no_wrap=True, overflow="ellipsis"), refresh=True)
        elif self._clock() >= self._next_line and str(self) != self._last_line:
            self._last_line = str(self)
            self._next_line = self._clock() + EVERY_LINE
            self._notes.print(self._last_line)
