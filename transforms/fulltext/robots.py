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


class Robots:
    """The rules of the sites asked about, each read once a day. Belongs to one event loop.

    product  the name by which rules speak of us ("Vedette"); clock: microseconds since 1970
    """

    def __init__(self, product: str, clock: Callable[[], int]) -> None:
        self._product, self._clock = product, clock
        self._sites: OrderedDict[str, tuple[int, asyncio.Task[Protego | None]]] = OrderedDict()

    async def allow(self, fetcher: Fetcher, url: str) -> bool:
        """Whether the page may be fetched. A site without rules allows all, one that cannot say allows nothing for now."""
        site = str(yarl.URL(url).origin())
        asked, task = self._sites.get(site, (0, None))
        if task is None or self._clock() - asked > (KEEP if not task.done() or task.result() is not None else TRY_AGAIN):
            task = asyncio.create_task(_rules(fetcher, site))
            self._sites[site] = self._clock(), task
            while len(self._sites) > MAX_SITES:
                self._sites.popitem(last=False)
        rules = await asyncio.shield(task)
        return rules is not None and bool(rules.can_fetch(url, self._product))


async def _rules(fetcher: Fetcher, site: str) -> Protego | None:
    """The rules; None if the site cannot say (RFC 9309, 2.3.1.4)."""
    try:
        response = await fetcher.fetch(f"{site}/robots.txt", accept="text/plain, */*;q=0.1")
    except FetchError:
        return None
    if response.status in (200, 203):
        return Protego.parse(response.body[:MAX_BYTES].decode("utf-8", "replace"))
    return Protego.parse("") if 400 <= response.status < 500 and response.status != 429 else None
