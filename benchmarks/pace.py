"""A thousand feeds, of which a tenth hang: how late are the others?

    python benchmarks/pace.py [--feeds 1000] [--hang 0.1] [--interval 30] [--seconds 120]

Every feed has a host of its own (an address of 127.0.0.0/8), and all are due at the same moment again and again, which is
the worst case: a real list is spread over its interval. A round is started every second, as ticks do. Lateness is the
time from when a poll was due until its answer was complete, taken for polls of healthy feeds. Exit status 1 if its
99th percentile is a tenth of the interval or more.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from transforms.feeds.opml import Feed
from transforms.feeds.poller import Poller, PollOptions, wall_clock
from transforms.feeds.state import FeedState

DOCUMENT = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Paper</title>%b</channel></rss>""" % b"".join(
    b"<item><title>Report %d</title><guid>%d</guid><description>%b</description></item>" % (n, n, b"Words of a report. " * 20)
    for n in range(20)
)


@dataclass(frozen=True)
class Pace:
    """Seconds late, for each poll of a healthy feed; `polls` is how many feeds were polled in all, `hung` that timed out."""

    late: tuple[float, ...]
    polls: int
    hung: int

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.late, n=100)[98]


def measure(port: int, feeds: int, hang: float, interval: float, seconds: float, deadline: float, tick: float = 1.0) -> Pace:
    """Poll so many feeds for so long; the server answers `/well` at once and `/hang` never."""
    hanging = int(feeds * hang)
    listed = [
        Feed(f"http://127.0.{i // 200}.{1 + i % 200}:{port}/{'hang' if i < hanging else 'well'}/{i}", f"feed {i}")
        for i in range(feeds)
    ]
    late: list[float] = []
    polls = hung = 0
    options = PollOptions(base_interval=interval, deadline=deadline, patience=tick, host_gap=0, allow_local_addresses=True)
    with Poller(options) as poller:
        end = time.monotonic() + seconds
        states = {feed.url: FeedState(due=wall_clock()) for feed in listed}
        due = {url: state.due for url, state in states.items()}
        while time.monotonic() < end:
            begun = time.monotonic()
            result = poller.round(listed, states, wall_clock())
            for feed in listed:
                before, after = states[feed.url], result.states[feed.url]
                if after is before:
                    continue
                polls += 1
                hung += bool(after.trouble)
                if "/well/" in feed.url:
                    late.append((after.last_read - (due[feed.url] or 0)) / 1e6)
                due[feed.url] = after.due
            states = result.states
            time.sleep(max(0.0, tick - (time.monotonic() - begun)))
    return Pace(tuple(late), polls, hung)


def serve(tell: Connection) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(DOCUMENT) + DOCUMENT

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if b"/hang/" in await reader.readuntil(b"\r\n\r\n"):
                await reader.read()
            else:
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def main() -> None:
        listening = await asyncio.start_server(handle, "0.0.0.0", 0, backlog=2048)
        tell.send(listening.sockets[0].getsockname()[1])
        await listening.serve_forever()

    asyncio.run(main())


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--feeds", type=int, default=1000)
    arguments.add_argument("--hang", type=float, default=0.1, help="share of the feeds that never answer (default: 0.1)")
    arguments.add_argument("--interval", type=float, default=30.0, help="seconds between two polls of a feed (default: 30)")
    arguments.add_argument("--seconds", type=float, default=120.0, help="how long to poll (default: 120)")
    arguments.add_argument("--deadline", type=float, default=20.0, help="of a request, seconds (default: 20)")
    args = arguments.parse_args()
    listen, tell = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(tell,), daemon=True)
    server.start()
    pace = measure(listen.recv(), args.feeds, args.hang, args.interval, args.seconds, args.deadline)
    server.kill()
    allowed = args.interval / 10
    late = f"median {statistics.median(pace.late):.2f} s, p99 {pace.p99:.2f} s, most {max(pace.late):.2f} s"
    verdict = "kept" if pace.p99 < allowed else "MISSED"
    print(f"{args.feeds} feeds every {args.interval:g} s for {args.seconds:g} s; {args.hang:.0%} hang for {args.deadline:g} s")
    print(f"{pace.polls:,} polls taken in, of which {pace.hung:,} timed out; {len(pace.late):,} of healthy feeds")
    print(f"late, healthy feeds:  {late}")
    print(f"allowed:              p99 under {allowed:.2f} s (a tenth of the interval): {verdict}")
    return 0 if pace.p99 < allowed else 1


if __name__ == "__main__":
    sys.exit(main())
