"""Polls feeds in rounds, all that are due at once, on one event loop with one session.

A round starts the feeds that are due, waits a moment for them, and takes in every poll that has ended by then. A feed
that hangs is not waited for: its poll runs on until its own deadline and is taken in by a later round.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from schemas.entry import Entry
from schemas.failure import Failure
from transforms.feeds import gaps, schedule, trust
from transforms.feeds.document import Document
from transforms.feeds.fetch import LOOPBACK, NO_VALIDATORS, Fetcher, FetchError, Validators
from transforms.feeds.hosts import HostHolds
from transforms.feeds.identity import recognise
from transforms.feeds.intake import Outcome, take_in
from transforms.feeds.opml import Feed
from transforms.feeds.parsers import Parsers
from transforms.feeds.politeness import HostTurns
from transforms.feeds.replays import Replays
from transforms.feeds.state import FeedState

logger = logging.getLogger(__name__)
T = TypeVar("T")
USER_AGENT = "Vedette/0.1 (news watch; feed reader)"
BASE_INTERVAL = 15 * 60.0
LONGEST_INTERVAL = 60 * 60.0  # an hour is what the gentlest readers keep
MAX_PAUSE = (schedule.MAX_RETRY_AFTER * 1.2) * schedule.SECOND  # a poll due later than this was planned by a clock that was wrong


@dataclass(frozen=True)
class PollOptions:
    """How to poll. All spans are seconds.

    base_interval  the shortest time between two polls of a feed that is well
    longest_interval  what that grows to while a feed shows little new; 0, or up to the base interval: it never grows
    deadline       for one feed's request, redirects included
    patience       how long a round waits for the polls it has started
    host_gap       between the starts of two requests to a host (two may run at once)
    parse_budget   for reading one document
    user_agent     names the program, and a URL or address at which to complain about it
    """

    base_interval: float = BASE_INTERVAL
    longest_interval: float = LONGEST_INTERVAL
    deadline: float = 20.0
    patience: float = 1.0
    host_gap: float = 1.0
    parse_budget: float = 10.0
    user_agent: str = USER_AGENT
    allow_local_addresses: bool = False


@dataclass(frozen=True)
class Round:
    """What a round yielded. `lateness`: seconds from due to answered, one per poll; `running`: polls that go on."""

    entries: tuple[Entry, ...]
    failures: tuple[Failure, ...]
    states: dict[str, FeedState]
    counts: Counter[str] = field(default_factory=Counter)
    lateness: tuple[float, ...] = ()
    running: int = 0


def wall_clock() -> int:
    """Microseconds since 1970 UTC."""
    return time.time_ns() // 1000


def poll_round(
    feeds: Iterable[Feed],
    states: Mapping[str, FeedState],
    now: int,
    options: PollOptions = PollOptions(),
    poller: Poller | None = None,
) -> Round:
    """Poll what is due at `now` (microseconds since 1970); `states` are the feeds' states by URL, as the last Round gave them.

    The Round's `states` are those of `feeds` and no others: a feed that left the list is forgotten. Without a `poller`
    one is made for the call and every poll is waited for until its deadline.
    """
    if poller is not None:
        return poller.round(tuple(feeds), states, now)
    with Poller(options) as alone:
        return alone.round(tuple(feeds), states, now, patience=None)


class Poller:
    """The event loop, in a thread of its own, with its session and the polls under way. Use from any thread; `close` it.

    clock                       gives microseconds since 1970 and stamps the entries
    make_fetcher, make_parsers  are called in the loop, with the options
    """

    def __init__(
        self,
        options: PollOptions = PollOptions(),
        clock: Callable[[], int] = wall_clock,
        make_fetcher: Callable[[PollOptions], Fetcher] | None = None,
        make_parsers: Callable[[PollOptions], Parsers] | None = None,
    ) -> None:
        self.options = options
        self._clock = clock
        self._holds = HostHolds()
        self._replays: defaultdict[str, Replays] = defaultdict(Replays)
        self._running: defaultdict[str, dict[str, asyncio.Task[Outcome]]] = defaultdict(dict)
        self._loop = asyncio.new_event_loop()
        # Names are resolved in threads, and a name server that hangs must not hold up the others.
        self._resolving = ThreadPoolExecutor(32, thread_name_prefix="feeds-dns")
        self._loop.set_default_executor(self._resolving)
        self._thread = threading.Thread(target=self._loop.run_forever, name="feeds", daemon=True)
        self._thread.start()
        self._fetcher = self._call(_made(make_fetcher or _fetcher, options))
        self._parsers = self._call(_made(make_parsers or _parsers, options))

    def __enter__(self) -> Poller:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the polls under way, the session, the parsers and the loop."""
        if self._loop.is_closed():
            return
        self._call(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def round(
        self,
        feeds: Sequence[Feed],
        states: Mapping[str, FeedState],
        now: int,
        patience: float | None = -1.0,
        group: str = "",
    ) -> Round:
        """See `poll_round`. `patience` in seconds instead of the options' own, None to wait for every poll.

        `group` keeps apart the callers of one poller: each has feeds of its own (a shard).
        """
        return self._call(self._round(feeds, states, now, self.options.patience if patience == -1.0 else patience, group))

    def start(self, work: Callable[[Fetcher], Coroutine[Any, Any, T]]) -> Future[T]:
        """Begin some work with the fetcher, beside the polls: its requests take their turns with theirs at each host."""
        return asyncio.run_coroutine_threadsafe(work(self._fetcher), self._loop)

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _round(
        self, feeds: Sequence[Feed], states: Mapping[str, FeedState], now: int, patience: float | None, group: str
    ) -> Round:
        base = self.options.base_interval
        current = {feed.url: states[feed.url] for feed in feeds if feed.url in states}
        new = [feed for feed in feeds if feed.url not in current]
        for feed in new:
            first = now if LOOPBACK.fullmatch(feed.host) else schedule.first_due(now, base, feed.url, len(new))
            current[feed.url] = FeedState(due=first)
        running = self._running[group]
        for url in running.keys() - current.keys():
            running.pop(url).cancel()  # the feed left the list
        for feed in feeds:
            if current[feed.url].limited_until > now:  # it may have said so to a process that is gone
                self._holds.refused(_host(feed, current[feed.url]), feed.url, current[feed.url].limited_until, now)
        ready = [feed for feed in feeds if feed.url not in running and is_due(current[feed.url], now)]
        held = [feed for feed in ready if self._hold(feed, current, now)]
        due = sorted(
            (feed for feed in ready if is_due(current[feed.url], now)), key=lambda feed: (current[feed.url].due, feed.url)
        )
        replays = self._replays[group]
        again = {feed.url: outcome for feed in due if (outcome := replays.find(feed.url, current[feed.url], now))}
        due = [feed for feed in due if feed.url not in again]
        started = {asyncio.create_task(self._poll(feed, current[feed.url])): feed for feed in due}
        running |= {feed.url: task for task, feed in started.items()}
        waited_for = set(started) if patience is not None else set(running.values())
        if waited_for:
            await asyncio.wait(waited_for, timeout=patience)
        entries: list[Entry] = []
        failures: list[Failure] = []
        lateness: list[float] = []
        counts: Counter[str] = Counter({"started": len(due), "held": len(held)})
        polled: dict[str, tuple[FeedState, Outcome]] = {}
        for feed in feeds:
            if feed.url in again:
                outcome = again[feed.url]
                counts["replayed"] += 1
            elif feed.url in running and running[feed.url].done():
                outcome = running.pop(feed.url).result()
            else:
                continue
            if outcome.error and outcome.error.kind == "held":
                counts["held"] += self._hold(feed, current, now)
                continue
            lateness.append(max(0.0, (outcome.ended - (current[feed.url].due or outcome.ended)) / schedule.SECOND))
            polled[feed.url] = (current[feed.url], outcome)
            taken = take_in(feed, current[feed.url], outcome, base, self.options.longest_interval)
            current[feed.url] = taken.state
            entries += taken.entries
            failures += taken.failures
            counts += taken.counts
        replays.keep(polled)
        entries.sort(key=lambda entry: (entry.time, entry.id))
        return Round(tuple(entries), tuple(failures), current, counts, tuple(lateness), len(running))

    def _hold(self, feed: Feed, current: dict[str, FeedState], now: int) -> bool:
        """Whether the feed's host is left alone; its next poll is moved to after that."""
        until = self._holds.until(_host(feed, current[feed.url]), now)
        if until:
            due = schedule.after_hold(until, self.options.base_interval, feed.url)
            current[feed.url] = replace(current[feed.url], due=due)
        return bool(until)

    def _may_ask(self, host: str) -> None:
        if self._holds.until(host.lower(), self._clock()):
            raise FetchError("held", f"{host} has asked to be left alone")

    async def _poll(self, feed: Feed, state: FeedState) -> Outcome:
        check = trust.wants_check(state, self._clock())
        trusted = not check and not trust.is_distrusted(state, self._clock())
        return replace(await self._ask(feed, state, state.validators if trusted else NO_VALIDATORS), check=check)

    async def _ask(self, feed: Feed, state: FeedState, validators: Validators) -> Outcome:
        try:
            response = await self._fetcher.fetch(state.address or feed.url, validators, self._may_ask)
            ended = self._clock()
            if response.status == 429:
                host = urlsplit(response.url).hostname or ""
                self._holds.refused(host, feed.url, schedule.limit_ends(response.headers, ended), ended)
            if response.status not in (200, 203, 226):
                return Outcome(ended, response=response)
            body_hash = hashlib.sha256(response.body).hexdigest()[:16]
            if body_hash == state.body_hash and not response.cut:
                return Outcome(ended, response=response, body_hash=body_hash)
            document = await self._parsers.read(response.body, response.headers.get("content-type", ""), response.url)
            earlier = await self._earlier(feed, state, document, response.url) if response.status == 200 else ()
            return Outcome(ended, None, response, document, body_hash, earlier)
        except FetchError as e:
            return Outcome(self._clock(), error=e)
        except Exception as e:  # whatever one feed does, the others are polled
            logger.exception("polling %s failed in a way that should not happen", feed.name)
            return Outcome(self._clock(), error=FetchError("internal", f"{type(e).__name__}: {e}"))

    async def _earlier(self, feed: Feed, state: FeedState, document: Document, url: str) -> tuple[Document, ...]:
        """The pages before a document that shows nothing that was known, until one does."""
        pages: list[Document] = []
        visited: list[str] = []
        if not document.earlier or not gaps.may_miss(state, recognise(feed.name, document.items, state.known)):
            return ()
        try:
            while len(pages) < gaps.PAGES and (page_url := gaps.next_page(pages[-1] if pages else document, url, visited)):
                visited.append(page_url)
                response = await self._fetcher.fetch(page_url, may_ask=self._may_ask)
                if response.status != 200:
                    break
                page = await self._parsers.read(response.body, response.headers.get("content-type", ""), response.url)
                if not page.is_feed:
                    break
                pages.append(page)
                if gaps.search(feed.name, state, document.items, pages).closed:
                    break
        except FetchError as e:
            logger.info("%s: an earlier page could not be read: %s", feed.name, e)
        return tuple(pages)

    async def _shut(self) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]  # polls, and work begun by `start`
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._running.clear()
        await self._fetcher.close()
        await self._parsers.close()
        self._resolving.shutdown(wait=False, cancel_futures=True)


def is_due(state: FeedState, now: int) -> bool:
    """Whether the feed is to be polled at `now`."""
    return state.due is not None and (state.due <= now or state.due - now > MAX_PAUSE)


def _host(feed: Feed, state: FeedState) -> str:
    return (urlsplit(state.address).hostname or "") if state.address else feed.host


async def _made(make: Callable[[PollOptions], T], options: PollOptions) -> T:
    return make(options)


def _fetcher(options: PollOptions) -> Fetcher:
    turns = HostTurns(gap=options.host_gap)
    return Fetcher(options.user_agent, turns, options.deadline, options.allow_local_addresses)


def _parsers(options: PollOptions) -> Parsers:
    return Parsers(budget=options.parse_budget)
