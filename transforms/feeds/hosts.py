"""How far a "too many requests" reaches: the URL that was asked first, the whole host once two of its URLs say so.

One limit for all of a host is what reddit has, and asking its other feeds meanwhile only makes it longer. But a host
that serves many sources, one of which is refused or broken, must not lose all of them (FreshRSS #7870 and #7880): one URL
holds up no other, and nothing but 429 does.
"""

from __future__ import annotations

from collections import defaultdict

URLS = 2


class HostHolds:
    """Until when the hosts are left alone. Times are microseconds since 1970."""

    def __init__(self) -> None:
        self._asked: defaultdict[str, dict[str, int]] = defaultdict(dict)

    def refused(self, host: str, url: str, until: int) -> None:
        """The URL has answered 429 and is not to be asked before `until`."""
        self._asked[host][url] = until

    def until(self, host: str, now: int) -> int:
        """When the host may be asked again, 0 if now."""
        if host not in self._asked:
            return 0
        held = {url: until for url, until in self._asked[host].items() if until > now}
        if held:
            self._asked[host] = held
        else:
            del self._asked[host]
        return max(held.values()) if len(held) >= URLS else 0
