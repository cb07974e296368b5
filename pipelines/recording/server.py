"""The feeds of a recording over HTTP on the loopback address, as they grow.

    the first poll of any feed ──► the clock starts ──► version after version appears, as `Recording.schedule` says

The clock waits for the first poll because a pipeline takes seconds to start, and what a poller finds on its first visit
counts as old news to it. A feed shows the newest entries, each in its latest version, with the dates of the recording;
it answers conditional requests (RFC 9110, section 13), and fails now and then if its outlet does.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from types import TracebackType

from aiohttp import web

from pipelines.recording.records import Outlet, Pace, Recording, RecordingError, Version
from pipelines.recording.render import CONTENT_TYPES, opml, render

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
SHOWN = 25  # entries of a feed, as most outlets do
STOP_SECONDS = 1.0

MAINTENANCE = "<!DOCTYPE html><html><head><title>Back soon</title></head><body><h1>We are working on the site.</h1></body></html>"


def serve(
    recording: Recording,
    port: int = 0,
    pace: Pace = "even",
    minutes: float = 8.0,
    clock: Callable[[], float] = time.monotonic,
) -> FeedServer:
    """A server for the recording, to be entered as a context: it serves inside, and is gone within a second after.

    port     of 127.0.0.1, 0 for a free one
    pace     "even" or "proportional", see `Recording.schedule`
    minutes  from the first poll of a feed until the last version has appeared
    clock    seconds that never go backwards
    """
    return FeedServer(recording, port, pace, minutes, clock)


class FeedServer:
    """Serves a recording from a thread of its own. Entering it raises RecordingError if the port is taken."""

    def __init__(self, recording: Recording, port: int, pace: Pace, minutes: float, clock: Callable[[], float]) -> None:
        self.recording = recording
        self._port = port
        self._clock = clock
        self._offsets = recording.schedule(pace, minutes * 60)
        self._begun: float | None = None
        self._polls: Counter[str] = Counter()
        self._outlets = {_file_name(outlet): outlet for outlet in recording.outlets}
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._ready = threading.Event()
        self.over = threading.Event()
        """Set when a feed is polled after every version has appeared."""
        self._error: OSError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """Where it serves, without a slash at the end."""
        return f"http://{HOST}:{self._port}"

    @property
    def opml_url(self) -> str:
        """Address of the list of its feeds."""
        return f"{self.url}/feeds.opml"

    @property
    def finished(self) -> bool:
        """Whether every version has appeared."""
        return self._begun is not None and self._shown() == len(self._offsets)

    def feed_url(self, outlet: Outlet) -> str:
        """Address of an outlet's feed."""
        return f"{self.url}/feeds/{_file_name(outlet)}"

    def write_opml(self, path: Path | str) -> Path:
        """Write the list of feeds to a file, for a poller that reads its list from one."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self._opml())
        return path

    def start(self) -> None:
        """Serve from now on. Raises RecordingError if the port cannot be had."""
        self._thread.start()
        self._ready.wait()
        if self._error:
            raise RecordingError(f"cannot serve on {HOST}:{self._port}: {self._error.strerror}") from self._error

    def stop(self) -> None:
        """Stop serving; open connections are cut. More than one call does no harm."""
        if self._loop and self._stopping and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(STOP_SECONDS)

    def __enter__(self) -> FeedServer:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as e:
            self._error = e
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application()
        app.router.add_get("/feeds.opml", self._answer_opml)
        app.router.add_get("/feeds/{name}", self._answer_feed)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_SECONDS / 4)
        await runner.setup()
        try:
            site = web.TCPSite(runner, HOST, self._port)
            await site.start()
            self._port = runner.addresses[0][1]
            log.info("serving %r at %s", self.recording.title, self.opml_url)
            self._ready.set()
            await self._stopping.wait()
        finally:
            await runner.cleanup()

    async def _answer_opml(self, request: web.Request) -> web.Response:
        return web.Response(body=self._opml(), content_type="text/x-opml", charset="utf-8")

    async def _answer_feed(self, request: web.Request) -> web.Response:
        outlet = self._outlets.get(request.match_info["name"])
        if outlet is None:
            raise web.HTTPNotFound(text="no such feed; /feeds.opml lists them")
        if self._begun is None:
            self._begun = self._clock()
        versions = self._feed(outlet)
        body = render(outlet, versions, self.feed_url(outlet))
        self._polls[outlet.slug] += 1
        if self.finished:
            self.over.set()
        if outlet.breaks_every and self._polls[outlet.slug] % outlet.breaks_every == 0:
            return self._broken(outlet, body)
        return _conditional(request, outlet, body, versions)

    def _broken(self, outlet: Outlet, body: bytes) -> web.Response:
        turn = self._polls[outlet.slug] // outlet.breaks_every % 3
        if turn == 1:
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR, text="database connection lost")
        if turn == 2:
            return web.Response(body=body[: len(body) // 2], content_type=CONTENT_TYPES[outlet.format], charset="utf-8")
        return web.Response(text=MAINTENANCE, content_type="text/html")

    def _shown(self) -> int:
        elapsed = 0.0 if self._begun is None else self._clock() - self._begun
        return bisect_right(self._offsets, elapsed)

    def _feed(self, outlet: Outlet) -> list[Version]:
        latest = {v.id: v for v in self.recording.versions[: self._shown()] if v.outlet == outlet}
        return sorted(latest.values(), key=lambda v: (v.published, v.id), reverse=True)[:SHOWN]

    def _opml(self) -> bytes:
        return opml(self.recording.title, [(outlet, self.feed_url(outlet)) for outlet in self.recording.outlets])


def _file_name(outlet: Outlet) -> str:
    return f"{outlet.slug}.{'json' if outlet.format == 'json' else 'xml'}"


def _conditional(request: web.Request, outlet: Outlet, body: bytes, versions: list[Version]) -> web.Response:
    """200 with the body, or 304 if the client has it: If-None-Match decides where it is given (RFC 9110, 13.2.2)."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    changed = max((v.at for v in versions), default=None)
    if changed:
        headers["Last-Modified"] = format_datetime(changed, usegmt=True)
    known = request.headers.get("If-None-Match")
    since = request.headers.get("If-Modified-Since")
    if known is not None:
        unchanged = tag in known or known.strip() == "*"
    else:
        unchanged = since is not None and changed is not None and _not_since(changed, since)
    if unchanged:
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(body=body, headers=headers, content_type=CONTENT_TYPES[outlet.format], charset="utf-8")


def _not_since(changed: datetime, since: str) -> bool:
    try:
        moment = parsedate_to_datetime(since)
    except ValueError:
        return False  # an invalid date is as good as none (RFC 9110, 13.1.3)
    return changed.replace(microsecond=0) <= (moment if moment.tzinfo else moment.replace(tzinfo=UTC))
