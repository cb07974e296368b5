"""Feeds that attack: each is polled as any feed is, and must be refused or bounded while a healthy feed is read beside it.

    python benchmarks/attacks.py [--deadline 5]

The server runs in a process of its own. Printed for each attack: how the poll ended, how long it took, by how much the
peak memory of the poller's process grew, and the peak of the process that parses. Exit status 1 if a poll ended as a
success that should not have, took more than the deadline, the parser's budget and the
start of a parser, or if the poller grew by 50 MB.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import multiprocessing
import os
import sys
import time
import zlib
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from transforms.feeds.opml import Feed
from transforms.feeds.parsers import START
from transforms.feeds.poller import Poller, PollOptions
from transforms.feeds.state import FeedState

MEGABYTE = 2**20
ALLOWED = 50 * MEGABYTE
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Attack = bytes | Callable[[Reader, Writer], Awaitable[None]]

WELL = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Paper</title><item><title>Ferry turns back</title>
<guid>1</guid></item></channel></rss>"""


def http(body: bytes, status: int = 200, **headers: str) -> bytes:
    fields = {"Content-Length": str(len(body)), "Connection": "close"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return f"HTTP/1.1 {status} X\r\n{''.join(f'{k}: {v}' + chr(13) + chr(10) for k, v in fields.items())}\r\n".encode() + body


def packed(piece: bytes, times: int, wbits: int = 31) -> bytes:
    """A piece so many times over, compressed without ever holding it whole."""
    packer = zlib.compressobj(1, wbits=wbits)
    return b"".join([*(packer.compress(piece) for _ in range(times)), packer.flush()])


def rss(inside: bytes) -> bytes:
    return WELL.replace(b"<guid>1</guid>", b"<guid>1</guid>" + inside)


def forever(piece: bytes, pause: float = 0.0, head: bytes = b"HTTP/1.1 200 X\r\n\r\n") -> Attack:
    async def answer(reader: Reader, writer: Writer) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return answer


async def silence(reader: Reader, writer: Writer) -> None:
    await reader.read()


def attacks() -> Iterator[tuple[str, Attack, str]]:
    """(what it is, the answer, how the poll may end: classes of failure, or "read" where it is bounded and harmless)."""
    megabyte = b" " * MEGABYTE
    hundred = packed(megabyte, 100)
    gigabyte = hundred * 10  # a gzip file may have several parts
    yield "gzip, 1 GB unpacked", http(gigabyte, Content_Encoding="gzip"), "too-large"
    yield "deflate, 100 MB unpacked", http(packed(megabyte, 100, -15), Content_Encoding="deflate"), "too-large"
    yield "gzip in gzip, 1 GB", http(gzip.compress(gigabyte), Content_Encoding="gzip"), "not-a-feed-binary"
    yield "gzip, 100 parts of 9 MB", http(packed(megabyte, 9) * 100, Content_Encoding="gzip"), "too-large"
    yield "a body without end", forever(megabyte), "too-large"
    yield (
        "a gzip body without end",
        forever(packed(megabyte, 1)[:-8], head=b"HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\n\r\n"),
        ("too-large encoding"),
    )
    yield "chunks without end", forever(b"10000\r\n" + b"x" * 65536 + b"\r\n", 0, http(b"", Transfer_Encoding="chunked").replace(
        b"Content-Length: 0\r\n", b"")), "too-large"  # fmt: skip
    yield "Content-Length of 1 TB", http(WELL, Content_Length=str(10**12)), "cut-off"
    yield "Content-Length with 10,000 digits", http(WELL, Content_Length="9" * 10_000), "bad-response cut-off"
    yield "a body in drips", forever(b"<", 0.1), "timeout"
    yield "a head in drips", forever(b"X-Slow: 1\r\n", 0.1, b"HTTP/1.1 200 X\r\n"), "timeout"
    yield "one header in drips", forever(b"x", 0.1, b"HTTP/1.1 200 X\r\nX-Slow: "), "timeout"
    yield "headers without end", forever(b"X-Much: " + b"x" * 8000 + b"\r\n", 0, b"HTTP/1.1 200 X\r\n"), "timeout bad-response"
    yield "one header without end", forever(b"x" * 65536, 0, b"HTTP/1.1 200 X\r\nX-Much: "), "bad-response timeout"
    yield "100 Continue without end", forever(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, 0, b""), "timeout bad-response connect"
    yield "silence", silence, "timeout"
    yield "a redirect to itself", http(b"", 302, Location="a-redirect-to-itself"), "redirect"
    yield "a redirect to metadata", http(b"", 302, Location="http://169.254.169.254/latest/meta-data/"), "address-refused"
    yield "a redirect to a file", http(b"", 302, Location="file:///etc/passwd"), "redirect"
    yield "a redirect of 60 KB", http(b"", 302, Location="/" + "x" * 60_000), "not-found redirect bad-response bad-url"
    yield (
        "40,000 attributes",
        http(rss(b"<x " + b" ".join(b'a%d="1"' % i for i in range(40_000)) + b"/><y")),
        "over-budget read cut-off",
    )
    yield "1,000,000 tags, one in the other", http(rss(b"<x>" * 1_000_000)), "read over-budget not-a-feed-unreadable broken"
    yield "1,000,000 comments not closed", http(rss(b"<!--" * 1_000_000)), "read over-budget broken not-a-feed-unreadable"
    yield "entities, 10^9 characters", http(laughs()), "read"
    yield "an entity of 1 MB, 1,000 times", http(quadratic()), "read broken"
    yield "an item of 9 MB", http(rss(b"<description>" + b"&lt;p&gt;word " * 650_000 + b"</description>")), "read over-budget"
    yield (
        "100,000 items",
        http(WELL.replace(b"<item>", b"<item><title>x</title></item>" * 100_000 + b"<item>")),
        "read over-budget",
    )
    yield "JSON, 1,000,000 lists deep", http(b'{"version":' + b"[" * 1_000_000), "not-a-feed-unreadable"
    yield (
        "JSON, a number of 1,000,000 digits",
        http(b'{"version":' + b"9" * 1_000_000 + b"}"),
        ("not-a-feed-unreadable not-a-feed-json-other"),
    )


def laughs() -> bytes:
    names = "abcdefghij"
    entities = "".join(f'<!ENTITY {n} "{f"&{m};" * 10}">' for m, n in pairwise(names))
    return f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "ha">{entities}]>'.encode() + rss(b"<description>&j;</description>")


def quadratic() -> bytes:
    entity = f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "{"x" * MEGABYTE}">]>'.encode()
    return entity + rss(b"<description>" + b"&a;" * 1000 + b"</description>")


def path_of(name: str) -> str:
    return "/" + "".join(c if c.isalnum() else "-" for c in name)


def serve(tell: Connection) -> None:
    made = list(attacks())
    answers = {path_of(name): answer for name, answer, _ in made} | {"/well": http(WELL)}

    async def handle(reader: Reader, writer: Writer) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            answer = answers.get(head.split(b" ")[1].decode(), http(b"", 404))
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def main() -> None:
        listening = await asyncio.start_server(handle, "127.0.0.1", 0)
        tell.send((listening.sockets[0].getsockname()[1], [(name, allowed) for name, _, allowed in made]))
        await listening.serve_forever()

    asyncio.run(main())


def peak(pid: int) -> int:
    """The most memory that a process has had, in bytes; 0 if it is gone or nobody can say."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def children() -> list[int]:
    try:
        tasks = Path(f"/proc/{os.getpid()}/task").iterdir()
        return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]
    except OSError:
        return []


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--deadline", type=float, default=5.0, help="of a request, seconds (default: 5)")
    arguments.add_argument("--budget", type=float, default=5.0, help="for reading a document, seconds (default: 5)")
    args = arguments.parse_args()
    listen, tell = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(tell,), daemon=True)
    server.start()
    port, names = listen.recv()  # the attacks are made in the server's process: they must not weigh on this one
    options = PollOptions(deadline=args.deadline, parse_budget=args.budget, host_gap=0, allow_local_addresses=True)
    bad = []
    with Poller(options) as poller:
        well = Feed(f"http://127.0.0.1:{port}/well", "well")

        def poll(feed: Feed) -> tuple[str, float, bool]:
            begun = time.perf_counter()
            now = time.time_ns() // 1000
            states = {feed.url: FeedState(due=now), well.url: FeedState(due=now)}
            result = poller.round([feed, well], states, now, patience=None)
            state = result.states[feed.url]
            return state.trouble or "read", time.perf_counter() - begun, any(e.outlet == "well" for e in result.entries)

        poll(well)
        first = last = peak(os.getpid())
        print(f"{'attack':<36}{'ended as':<28}{'seconds':>8}{'poller':>11}{'parser':>11}")
        for name, allowed in names:
            ended, seconds, healthy = poll(Feed(f"http://127.0.0.1:{port}{path_of(name)}", name))
            now, parsers = peak(os.getpid()), [peak(pid) for pid in children() if pid != server.pid]
            grown, last = now - last, now
            late = seconds > args.deadline + args.budget + START
            wrong = ended not in allowed.split() or late or not healthy
            bad += [name] if wrong else []
            print(
                f"{name:<36}{ended:<28}{seconds:>8.2f}{grown / MEGABYTE:>+8.1f} MB{max(parsers, default=0) / MEGABYTE:>8.0f} MB"
                + (f"  WRONG: may end as {allowed}" if wrong else "")
            )
    server.kill()
    grown = last - first
    print(f"\nthe poller's process grew by {grown / MEGABYTE:.1f} MB in all (allowed: 50), {len(bad)} attacks ended wrong")
    return 1 if bad or grown >= ALLOWED else 0


if __name__ == "__main__":
    sys.exit(main())
