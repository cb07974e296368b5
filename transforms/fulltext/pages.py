"""Reads the pages of entries, beside the polls and with the same fetcher, so that a host has one queue for both."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace

import yarl

from schemas.entry import Entry, content_hash
from schemas.failure import Failure, failure
from transforms.feeds.fetch import Fetcher, FetchError, Response, parse_url
from transforms.feeds.parsers import Parsers
from transforms.feeds.poller import Poller, wall_clock
from transforms.feeds.schedule import MAX_RETRY_AFTER, SECOND, retry_after
from transforms.fulltext.extract import PAGE, PROGRAM
from transforms.fulltext.robots import Robots

logger = logging.getLogger(__name__)
STAGE = "FetchFullText"
AT_ONCE = 16
ACCEPT = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
REFUSED_FOR = 3600.0  # seconds: a host that refuses one page is asked for no other
REFUSALS = (401, 403, 429, 451, 503)


class Pages:
    """Starts readings and hands out what has ended; waits for nothing.

    product  the name by which robots.txt speaks of us; budget: seconds for one page in the process that reads it
    """

    def __init__(self, poller: Poller, product: str, clock: Callable[[], int] = wall_clock, budget: float = 10.0) -> None:
        self._poller, self._clock, self._budget = poller, clock, budget
        self._robots = Robots(product, clock)
        self._running: dict[str, Future[Entry | Failure]] = {}
        self._closed_until: dict[str, int] = {}
        self._parsers: Parsers | None = None
        self._places = asyncio.Semaphore(AT_ONCE)

    def start(self, entry: Entry) -> None:
        """Begin to read the entry's page; at most AT_ONCE are read at a time, the others wait their turn."""
        if entry.id not in self._running:
            self._running[entry.id] = self._poller.start(lambda fetcher: self._read(fetcher, entry))

    def read(self, entry: Entry) -> Entry | Failure:
        """The same for one entry, and wait for it."""
        return self._poller.start(lambda fetcher: self._read(fetcher, entry)).result()

    def finished(self, ids: Iterable[str]) -> list[tuple[str, Entry | Failure]]:
        """(id, the entry's next version with its text, or why there is none) of those that have ended; each is told once."""
        done = [entry_id for entry_id in ids if entry_id in self._running and self._running[entry_id].done()]
        return [(entry_id, self._running.pop(entry_id).result()) for entry_id in done]

    def is_running(self, entry_id: str) -> bool:
        return entry_id in self._running

    def close(self) -> None:
        """End the process that reads pages. Before the poller is closed."""
        if self._parsers is not None:
            self._poller.start(lambda _: self._parsers_closed()).result()

    async def _parsers_closed(self) -> None:
        assert self._parsers is not None
        await self._parsers.close()

    async def _read(self, fetcher: Fetcher, entry: Entry) -> Entry | Failure:
        async with self._places:
            try:
                return await self._with_text(fetcher, entry)
            except FetchError as e:
                return failure(STAGE, e.kind, str(e), entry.id, entry.url)
            except Exception as e:  # whatever one page does, the others are read
                logger.exception("reading %s failed in a way that should not happen", entry.url)
                return failure(STAGE, "internal", f"{type(e).__name__}: {e}", entry.id, entry.url)

    async def _with_text(self, fetcher: Fetcher, entry: Entry) -> Entry:
        host = parse_url(entry.url).host or ""
        if self._clock() < self._closed_until.get(host, 0):
            raise FetchError("host-refuses", f"{host} has refused a page and is left alone for a while")
        if not await self._robots.allow(fetcher, entry.url):
            raise FetchError("robots", f"the robots.txt of {host} does not let the page be fetched")
        response = await fetcher.fetch(entry.url, accept=ACCEPT)
        self._check(response, host)
        if _host(response.url) != host and not await self._robots.allow(fetcher, response.url):
            raise FetchError("robots", f"the robots.txt of {_host(response.url)} does not let the page be fetched")
        if self._parsers is None:
            self._parsers = Parsers(workers=1, budget=self._budget, command=(sys.executable, "-c", PROGRAM))
        content_type = response.headers.get("content-type", "")
        page = await self._parsers.read(response.body, content_type, response.url)
        if page.kind != PAGE:
            raise FetchError(page.kind, page.complaint)
        (article,) = page.items
        if len(article.text.split()) <= len(entry.summary.split()):
            raise FetchError("no-more-text", "the page says no more than the feed")
        title = entry.title or article.title
        return replace(
            entry,
            version=entry.version + 1,
            content_hash=content_hash(title, entry.summary, article.text),
            seen_at=self._clock(),
            title=title,
            text=article.text,
            language=entry.language or article.language,
        )

    def _check(self, response: Response, host: str) -> None:
        """Raises FetchError unless the answer is a page."""
        if response.status in REFUSALS:
            now = self._clock()
            wait = min(max(retry_after(response.headers, now) or 0.0, REFUSED_FOR), MAX_RETRY_AFTER)
            self._closed_until = {h: until for h, until in self._closed_until.items() if until > now}
            self._closed_until[host] = now + int(wait * SECOND)
        if response.status not in (200, 203):
            raise FetchError("http-status", f"the server answers with status {response.status}")
        kind = response.headers.get("content-type", "text/html").partition(";")[0].strip().lower()
        if kind not in ("text/html", "application/xhtml+xml"):
            raise FetchError("not-a-page", f"it is {kind[:100]}, not a web page")


def _host(url: str) -> str:
    return yarl.URL(url).host or ""
