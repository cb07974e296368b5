"""Reads documents in processes of their own, so that one that costs too much can be stopped and holds up nobody.

feedparser is plain Python: forty thousand attributes on one element cost it 24 s, during which it would hold the
interpreter. Here it holds another process, which is ended when its time is up.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from transforms.feeds.document import Document, from_bytes
from transforms.feeds.parser_process import LENGTH

PROGRAM = "from transforms.feeds.parser_process import serve; serve()"
PIECE = 64 * 1024
HEAVY = 2**20  # bytes of a document
START = 10.0  # seconds that a process may take to come up: its first question is an empty document


class Parsers:
    """`workers` processes, started when first needed: two, so that a document that takes long holds up nobody.

    Belongs to one event loop; `close` it there.

    budget   seconds one document may take
    """

    def __init__(self, workers: int = 2, budget: float = 10.0, command: Sequence[str] = (sys.executable, "-c", PROGRAM)) -> None:
        self._budget, self._command = budget, tuple(command)
        self._idle: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()
        self._workers = [_Worker(self._command) for _ in range(workers)]
        for worker in self._workers:
            self._idle.put_nowait(worker)

    async def read(self, body: bytes, content_type: str, url: str) -> Document:
        """What the bytes say; a Document of kind "over-budget" or "unreadable" where the process had to be stopped or fell."""
        worker = await self._idle.get()
        try:
            head = json.dumps({"content_type": content_type, "url": url}).encode("ascii")
            try:
                if not worker.is_up:
                    async with asyncio.timeout(START):
                        await worker.ask(head, b"")
                async with asyncio.timeout(self._budget):
                    document = from_bytes(await worker.ask(head, body))
                if len(body) > HEAVY:
                    await worker.stop()  # what it took for such a document it would keep
                return document
            except TimeoutError:
                await worker.stop()
                return Document("over-budget", f"reading the document takes longer than {self._budget:g} s")
            except (OSError, EOFError, ValueError, KeyError, TypeError) as e:
                await worker.stop()
                return Document("unreadable", f"the document brought its reader down: {type(e).__name__}: {e}")
            except asyncio.CancelledError:
                await worker.stop()  # half a question may have been asked
                raise
        finally:
            self._idle.put_nowait(worker)

    async def close(self) -> None:
        for worker in self._workers:
            await worker.stop()


class _Worker:
    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: asyncio.subprocess.Process | None = None

    @property
    def is_up(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def ask(self, head: bytes, body: bytes) -> bytes:
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(LENGTH.pack(len(head)) + head + LENGTH.pack(len(body)))
        for start in range(0, len(body), PIECE):  # the pipe would keep a copy of what it cannot take at once
            process.stdin.write(memoryview(body)[start : start + PIECE])
            await process.stdin.drain()
        (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
        return await process.stdout.readexactly(length)

    async def _start(self) -> asyncio.subprocess.Process:
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        return await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is for the pipeline; this process ends when its input does
        )

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
