"""How many feeds one core polls in an hour, side by side with lemon24/reader and with feedparser + requests in threads.

    python benchmarks/polling.py --peers ENVIRONMENT/bin/python        (make benchmark-polling)

One server in a process of its own, pinned to one core, answers all three; each of them is pinned to another, with all of
its threads and child processes. They take turns, several times, and the median counts. A feed has 20 entries (15 KB); at
3 of 10 polls it has a new one, else the answer to the right If-None-Match is 304. The first poll of each feed is not timed.

What is timed is what each has to do to know the new entries and to remember them: fetch, parse, tell new from known, keep
the state. Ours is a shard's tick without Beam: it reads the feed list, guards addresses, parses in a child process (only the
items that are not byte for byte those of the last document), cleans text, recognises entries by several keys and writes a
checkpoint. reader writes its SQLite database. The threads keep two
dictionaries in memory, clean nothing and survive no restart. There is no network: the answers come at once, which flatters
the threads, for they wait one by one for a server that is far away (--delay shows it).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.polling_peers import measure
from transforms.checkpoints import Checkpoints
from transforms.feeds.opml import FeedList
from transforms.feeds.poller import Poller, PollOptions, wall_clock
from transforms.feeds.shard import Shard

GOAL = 20_000
OURS = "vedette"
NAMES = {OURS: "Vedette", "reader": "lemon24/reader", "threads": "feedparser + requests, 20 threads"}
WORDS = "The harbour master said on Monday that two ferries had turned back before the strait was closed to traffic. " * 6
HERE = Path(__file__).parent


def document(feed: int, version: int) -> bytes:
    """The feed after so many changes: each brings one new entry, and the oldest leaves."""
    items = "".join(
        f"<item><title>Report {n} of feed {feed}</title><link>https://paper.example/{feed}/{n}</link>"
        f"<guid>https://paper.example/{feed}/{n}</guid><pubDate>Mon, 06 Dec 2021 10:00:00 GMT</pubDate>"
        f"<description>&lt;p&gt;{WORDS}&lt;/p&gt;</description></item>"
        for n in range(version + 20, version, -1)
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Feed {feed}</title>{items}</channel></rss>'.encode()


def changes(feed: int, poll: int) -> bool:
    """Whether the feed has something new at its n-th poll: exactly 3 of 10, spread evenly."""
    return (feed * 7 + poll * 3) % 10 < 3


def serve(tell: Connection, core: int, delay: float) -> None:
    """Answer `/turn/feed`; on `/turn` say how many requests the turn has had, and how many of them were answered by 304."""
    os.sched_setaffinity(0, {core})
    polls: Counter[str] = Counter()
    versions: Counter[str] = Counter()
    answered: dict[str, Counter[int]] = {}

    def answer(path: str, head: bytes) -> bytes:
        turn, _, feed = path.strip("/").partition("/")
        if not feed:
            body = json.dumps(answered.get(turn, {})).encode()
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        if polls[path]:
            versions[path] += changes(int(feed), polls[path])
        polls[path] += 1
        etag = f'"{versions[path]}"'
        same = f"if-none-match: {etag}".encode() in head.lower()
        answered.setdefault(turn, Counter())[304 if same else 200] += 1
        if same:
            return f"HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n\r\n".encode()
        body = document(int(feed), versions[path])
        fields = f"ETag: {etag}\r\nContent-Type: application/rss+xml\r\nContent-Length: {len(body)}"
        return f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n".encode() + body

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if delay:
                    await asyncio.sleep(delay)
                writer.write(answer(head.split(b" ", 2)[1].decode(), head))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    async def main() -> None:
        listening = await asyncio.start_server(handle, "0.0.0.0", 0, backlog=4096)
        tell.send(listening.sockets[0].getsockname()[1])
        await listening.serve_forever()

    asyncio.run(main())


def ours(urls: Sequence[str], seconds: float) -> dict[str, float]:
    """Our own turn, in this process."""
    with tempfile.TemporaryDirectory() as place:
        outlines = "".join(f'<outline text="{url}" type="rss" xmlUrl="{url}"/>' for url in urls)
        opml = Path(place) / "feeds.opml"
        opml.write_text(f'<opml version="2.0"><body>{outlines}</body></opml>')
        options = PollOptions(base_interval=0.001, patience=600, host_gap=0, allow_local_addresses=True)
        with Poller(options) as poller:
            shard = Shard("0", 1, FeedList(str(opml)), poller, Checkpoints(place, "feeds"), wall_clock, 1.0)
            memory: bytes | None = None
            polled = entries = 0

            def poll() -> int:
                nonlocal memory, polled, entries
                tick = shard.tick(wall_clock(), memory)
                memory = tick.memory if tick.memory is not None else memory
                polled += tick.counts["polls"]
                entries += len(tick.entries)
                return entries

            # A tick polls what is due, and a feed may not be due yet for a moment: the polls are counted, not the ticks.
            result = measure(poll, 0, seconds)
            return result | {"polls": polled - len(urls)}


def turn(name: str, urls: Sequence[str], seconds: float, core: int, peers: str) -> Mapping[str, float]:
    """One turn of one of the three, in a process of its own on its core."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("\n".join(urls))
        listed.flush()
        arguments = [listed.name, str(seconds)]
        own = [sys.executable, str(Path(__file__)), "--turn"]
        command = [*own, *arguments] if name == OURS else [peers, str(HERE / "polling_peers.py"), name, *arguments]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=True, preexec_fn=lambda: os.sched_setaffinity(0, {core})
        )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--peers", default="", help="Python of the environment that has benchmarks/requirements.txt")
    arguments.add_argument("--feeds", type=int, default=400)
    arguments.add_argument("--seconds", type=float, default=8.0, help="of a turn (default: 8)")
    arguments.add_argument("--turns", type=int, default=3, help="of each (default: 3)")
    arguments.add_argument("--delay", type=float, default=0.0, help="seconds that the server waits with each answer (default: 0)")
    arguments.add_argument("--turn", nargs=2, metavar=("URLS", "SECONDS"), help=argparse.SUPPRESS)
    args = arguments.parse_args()
    if args.turn:
        print(json.dumps(ours(Path(args.turn[0]).read_text().split(), float(args.turn[1]))))
        return 0
    cores = sorted(os.sched_getaffinity(0))
    listen, tell = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(tell, cores[0], args.delay), daemon=True)
    server.start()
    port = listen.recv()
    names = [OURS, *(["reader", "threads"] if args.peers else [])]
    if not args.peers:
        print("The peers are left out: give --peers the Python of an environment that has benchmarks/requirements.txt.\n")
    results: dict[str, list[Mapping[str, float]]] = {name: [] for name in names}
    for i in range(args.turns):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            urls = [f"http://127.1.{n // 200}.{1 + n % 200}:{port}/{name}-{i}/{n}" for n in range(args.feeds)]
            result = turn(name, urls, args.seconds, cores[-1], args.peers)
            results[name].append({**result, **_answered(port, f"{name}-{i}", args.feeds)})
    server.kill()
    return _print(results, args)


def _answered(port: int, turn: str, feeds: int) -> dict[str, float]:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", f"/{turn}")
    counts = json.loads(connection.getresponse().read())
    connection.close()
    same, changed = counts.get("304", 0), counts.get("200", 0) - feeds  # the first poll of each feed is not timed
    return {"same": same / max(1, same + changed), "changed": changed}


def _print(results: Mapping[str, list[Mapping[str, float]]], args: argparse.Namespace) -> int:
    def median(name: str, value: str) -> float:
        return statistics.median(result[value] for result in results[name])

    hourly = {name: statistics.median(r["polls"] / r["seconds"] * 3600 for r in results[name]) for name in results}
    work = {name: statistics.median(r["cpu"] / r["polls"] * 1000 for r in results[name]) for name in results}
    print(
        f"{args.feeds} feeds, {args.turns} turns of {args.seconds:g} s each, one core, {args.delay * 1000:g} ms to the answer\n\n"
        f"{'':<36}{'polls/h':>12}{'ratio':>8}{'CPU ms/poll':>13}{'ratio':>8}{'not modified':>14}{'new entries':>13}{'of':>8}"
    )
    for name in results:
        entries, changed = median(name, "entries"), median(name, "changed")
        print(
            f"{NAMES[name]:<36}{hourly[name]:>12,.0f}{hourly[OURS] / hourly[name]:>8.2f}{work[name]:>13.2f}"
            f"{work[name] / work[OURS]:>8.2f}{median(name, 'same'):>14.1%}{entries:>13,.0f}{changed:>8,.0f}"
        )
    print("\nratio: how many times as many polls Vedette makes in the hour, and how many times its CPU time the other takes.")
    print(f"goal: {GOAL:,} polls/h and ahead of both")
    return 0 if hourly[OURS] >= GOAL and all(hourly[OURS] >= value for value in hourly.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
