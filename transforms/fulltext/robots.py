"""robots.txt: whether a site lets pages be fetched (RFC 9309). Feeds are not asked for: they are there to be polled."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import yarl
from protego import Protego

from transforms.feeds.fetch import Fetcher, FetchError
from transforms.feeds.schedule import SECOND

KEEP = 24 * 3600 * SECOND  # RFC 9309, 2.4: no longer than a day
MAX_BYTES = 500 * 1024  # RFC 9309, 2.5
MAX_SITES = 1000
_NOTHING = "User-agent: *\nDisallow: /\n"


class Robots:
    """The rules of the sites asked about, each read once a day. Belongs to one event loop.

    product  the name by which rules speak of us ("Vedette"); clock: microseconds since 1970
    """

    def __init__(self, product: str, clock: Callable[[], int]) -> None:
        self._product, self._clock = product, clock
        self._sites: OrderedDict[str, tuple[int, Protego]] = OrderedDict()

    async def allow(self, fetcher: Fetcher, url: str) -> bool:
        """Whether the page may be fetched. A site without rules allows all, one that cannot say allows nothing for now."""
        site = str(yarl.URL(url).origin())
        known = self._sites.get(site)
        if known is None or self._clock() - known[0] > KEEP:
            known = self._clock(), Protego.parse(await _rules(fetcher, site))
            self._sites[site] = known
            while len(self._sites) > MAX_SITES:
                self._sites.popitem(last=False)
        return bool(known[1].can_fetch(url, self._product))


async def _rules(fetcher: Fetcher, site: str) -> str:
    try:
        response = await fetcher.fetch(f"{site}/robots.txt", accept="text/plain, */*;q=0.1")
    except FetchError:
        return _NOTHING  # RFC 9309, 2.3.1.4: unreachable
    if response.status in (200, 203):
        return response.body[:MAX_BYTES].decode("utf-8", "replace")
    return "" if 400 <= response.status < 500 and response.status != 429 else _NOTHING
