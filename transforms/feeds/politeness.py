"""Takes turns at a host: few requests at once, and a gap between their starts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

FORGET_ABOVE = 1024


@dataclass
class _Host:
    slots: asyncio.Semaphore
    users: int = 0
    next_start: float = 0.0
    order: asyncio.Lock = field(default_factory=asyncio.Lock)


class HostTurns:
    """At most `in_flight` requests to a host at a time, starts at least `gap` seconds apart, `total` requests in all.

    `total` is generous, for a hundred feeds that hang must not hold up the others; a request that waits costs a socket.

    `clock` gives seconds and `sleep` waits for some: both are injected by tests.
    """

    def __init__(
        self,
        in_flight: int = 2,
        gap: float = 1.0,
        total: int = 256,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], object] = asyncio.sleep,
    ) -> None:
        self._in_flight, self._gap = in_flight, gap
        self._total = asyncio.Semaphore(total)
        self._clock = clock or asyncio.get_running_loop().time
        self._sleep = sleep
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, host: str, gap: float | None = None) -> AsyncIterator[None]:
        """Wait for a turn at the host and hold it. `gap` overrides the gap (0 for a server that is our own)."""
        gap = self._gap if gap is None else gap
        place = self._hosts.setdefault(host, _Host(asyncio.Semaphore(self._in_flight)))
        place.users += 1
        try:
            async with place.slots:
                async with place.order:
                    wait = place.next_start - self._clock()
                    if wait > 0:
                        await self._sleep(wait)  # type: ignore[misc]
                    place.next_start = self._clock() + gap
                async with self._total:
                    yield
        finally:
            place.users -= 1
            if len(self._hosts) > FORGET_ABOVE:
                self._forget()

    def _forget(self) -> None:
        now = self._clock()
        for name in [n for n, h in self._hosts.items() if not h.users and h.next_start <= now]:
            del self._hosts[name]
