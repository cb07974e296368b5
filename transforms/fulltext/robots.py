"""robots.txt: whether a site lets pages be fetched (RFC 9309). Feeds are not asked for: they are there to be polled."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

import yarl
from protego import Protego

from transforms.feeds.fetch import Fetcher, FetchError
from transforms.feeds.schedule import SECOND

KEEP = 24 * 3600 * SECOND  # RFC 9309, 2.4: no longer than a day
TRY_AGAIN = 3600 * SECOND  # a site that could not say
MAX_BYTES = 500 * 1024  # RFC 9309, 2.5
MAX_SITES = 1000
NOT_REACHED = frozenset({"dns", "connect", "tls", "timeout", "address-refused"})
"""Kinds of FetchError that say nothing of robots.txt: the page itself could not be had either."""


class Robots:
    """The rules of the sites asked about, each read once a day. Belongs to one event loop.

    product  the name by which rules speak of us ("Vedette"); clock: microseconds since 1970
    """

    def __init__(self, product: str, clock: Callable[[], int]) -> None:
        self._product, self._clock = product, clock
        self._sites: OrderedDict[str, tuple[int, asyncio.Task[Protego | FetchError]]] = OrderedDict()

    async def allow(self, fetcher: Fetcher, url: str) -> bool:
        """Whether the page may be fetched. A site without rules allows all.

        Raises FetchError if the site cannot say: it allows nothing for now, and that is no refusal.
        """
        site = str(yarl.URL(url).origin())
        asked, task = self._sites.get(site, (0, None))
        if task is None or self._clock() - asked > (TRY_AGAIN if _in_trouble(task) else KEEP):
            task = asyncio.create_task(_rules(fetcher, site))
            self._sites[site] = self._clock(), task
            while len(self._sites) > MAX_SITES:
                self._sites.popitem(last=False)
        rules = await asyncio.shield(task)
        if isinstance(rules, FetchError):
            raise FetchError(rules.kind, str(rules))
        return bool(rules.can_fetch(url, self._product))


def _in_trouble(task: asyncio.Task[Protego | FetchError]) -> bool:
    return task.done() and isinstance(task.result(), FetchError)


async def _rules(fetcher: Fetcher, site: str) -> Protego | FetchError:
    """The rules, or why the site cannot say (RFC 9309, 2.3.1.4)."""
    try:
        response = await fetcher.fetch(f"{site}/robots.txt", accept="text/plain, */*;q=0.1")
    except FetchError as e:
        return e if e.kind in NOT_REACHED else _unreadable(site, str(e))
    if response.status in (200, 203):
        return Protego.parse(response.body[:MAX_BYTES].decode("utf-8", "replace"))
    if 400 <= response.status < 500 and response.status != 429:
        return Protego.parse("")
    return _unreadable(site, f"the server answers with status {response.status}")


def _unreadable(site: str, why: str) -> FetchError:
    return FetchError("robots-unreadable", f"{site}/robots.txt cannot be read, so no page is fetched for now: {why}")
