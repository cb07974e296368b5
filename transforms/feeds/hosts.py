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
        self._held: dict[str, int] = {}

    def refused(self, host: str, url: str, until: int, now: int) -> None:
        """The URL has answered 429 and is not to be asked before `until`."""
        asked = {other: end for other, end in self._asked[host].items() if end > now} | {url: until}
        self._asked[host] = asked
        if len(asked) >= URLS:
            self._held[host] = max(asked.values())

    def until(self, host: str, now: int) -> int:
        """When the host may be asked again, 0 if now."""
        until = self._held.get(host, 0)
        if until > now:
            return until
        self._held.pop(host, None)
        return 0
