"""How the peers poll: run by polling.py in the environment of benchmarks/requirements.txt, one peer to a process.

Both send validators, both are given 20 threads. A line of JSON on standard output says what was done in the time asked for.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

THREADS = 20
Round = Callable[[], int]


def reader_round(urls: list[str]) -> Round:
    """lemon24/reader with its own database in a file, as it is meant to be used."""
    from reader import make_reader

    logging.getLogger("reader").setLevel(logging.CRITICAL)
    reader = make_reader(str(Path(tempfile.mkdtemp()) / "reader.sqlite"))
    for url in urls:
        reader.add_feed(url)

    def poll() -> int:
        reader.update_feeds(scheduled=False, workers=THREADS)
        return reader.get_entry_counts().total or 0

    return poll


def threads_round(urls: list[str]) -> Round:
    """requests and feedparser in threads; validators and the ids seen are kept in memory."""
    import feedparser
    import requests

    local = threading.local()
    validators: dict[str, dict[str, str]] = {}
    seen: set[str] = set()

    def poll_one(url: str) -> None:
        session = getattr(local, "session", None)
        if session is None:
            session = local.session = requests.Session()
        answer = session.get(url, headers=validators.get(url, {}), timeout=20)
        if answer.status_code == 304:
            return
        etag = answer.headers.get("ETag")
        validators[url] = {"If-None-Match": etag} if etag else {}
        for entry in feedparser.parse(answer.content).entries:
            seen.add(f"{url} {entry.get('id')}")

    workers = ThreadPoolExecutor(THREADS)

    def poll() -> int:
        list(workers.map(poll_one, urls))
        return len(seen)

    return poll


def measure(poll: Round, feeds: int, seconds: float) -> dict[str, float]:
    """Poll all feeds once, untimed, and then again and again for so many seconds."""
    first = poll()
    cpu, begun, rounds = _cpu(), time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        entries = poll()
        rounds += 1
    return {
        "polls": rounds * feeds,
        "seconds": time.perf_counter() - begun,
        "cpu": _cpu() - cpu,
        "entries": entries - first,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def _cpu() -> float:
    """Seconds of processor time of this process, its children that have ended and those that run."""
    own = sum(use.ru_utime + use.ru_stime for use in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            own += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own


if __name__ == "__main__":
    name, file, duration = sys.argv[1:]
    feeds = Path(file).read_text().split()
    peer = {"reader": reader_round, "threads": threads_round}[name](feeds)
    print(json.dumps(measure(peer, len(feeds), float(duration))), flush=True)
