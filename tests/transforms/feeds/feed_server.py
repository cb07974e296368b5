"""A scripted HTTP server on loopback that logs what it is asked, and a clock that only tests move."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Answer = bytes | Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    """A request as its bytes were: method, path, headers with lower-case names, and the bytes themselves."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes = field(default=b"", repr=False)


@dataclass
class FeedServer:
    """Answers each path with its scripted answers in turn, the last one for ever. Bytes go out exactly as they are."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    open_now: int = 0
    open_most: int = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def on(self, path: str, *answers: Answer) -> str:
        self.answers[path] = list(answers)
        return self.url(path)

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open_now += 1
        self.open_most = max(self.open_most, self.open_now)
        try:
            if (begin := await reader.readexactly(1)) == b"\x16":
                writer.write(http(400))  # it wants to speak TLS, and this server does not
                return
            raw = begin + await reader.readuntil(b"\r\n\r\n")
            first, *lines = raw.decode("latin-1").strip().split("\r\n")
            method, path, _ = first.split(" ", 2)
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            self.requests.append(Request(method, path, headers, raw))
            script = self.answers.get(path, [http(404)])
            answer = script.pop(0) if len(script) > 1 else script[0]
            if isinstance(answer, bytes):
                writer.write(answer)
            else:
                await answer(reader, writer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open_now -= 1
            writer.close()


def http(status: int = 200, body: bytes | str = b"", **headers: Any) -> bytes:
    """An HTTP response as bytes; `Content_Length=` overrides the true length, header names take _ for -."""
    body = body.encode() if isinstance(body, str) else body
    fields = {"Content-Length": len(body), "Connection": "close"} | {k.replace("_", "-"): v for k, v in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return f"HTTP/1.1 {status} Scripted\r\n{head}\r\n".encode() + body


def rss(*items: str, extra: str = "") -> bytes:
    """An RSS document of items as `item` makes them."""
    return (
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>Paper</title>{extra}{"".join(items)}</channel></rss>'.encode()
    )


def item(number: int, title: str = "", **fields: str) -> str:
    """An RSS item with guid, link, title and date; a field given as "" is left out."""
    values = {
        "title": title or f"Report number {number} from the border",
        "guid": f"https://paper.example/{number}",
        "link": f"https://paper.example/{number}",
        "description": f"What was seen in place {number}.",
        "pubDate": f"Mon, 06 Dec 2021 10:{number % 60:02}:00 GMT",
    } | fields
    return f"<item>{''.join(f'<{k}>{v}</{k}>' for k, v in values.items() if v)}</item>"


class Clock:
    """Microseconds since 1970, moved by hand. Begins on 6 December 2021, 12:00 UTC."""

    def __init__(self) -> None:
        self.now = 1_638_792_000_000_000

    def __call__(self) -> int:
        return self.now

    def forward(self, seconds: float) -> int:
        self.now += int(seconds * 1_000_000)
        return self.now


@contextmanager
def serving() -> Iterator[FeedServer]:
    """A FeedServer that listens on a free port, on a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    scripted = FeedServer()
    listening = asyncio.run_coroutine_threadsafe(asyncio.start_server(scripted.handle, "127.0.0.1", 0), loop).result()
    scripted.port = listening.sockets[0].getsockname()[1]
    yield scripted

    async def end() -> None:
        listening.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(end(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
