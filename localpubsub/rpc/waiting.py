"""Waiting without polling: the event loop's side of backlogs, whose state machine never waits itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from localpubsub.broker.subscriptions import Subscription


class Waits:
    """Who waits for which subscription. `now` gives the microseconds of the broker's clock."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._events: dict[Subscription, set[asyncio.Event]] = {}

    async def wait(self, subscription: Subscription, seconds: float | None = None) -> None:
        """Until the subscription is woken, one of its leases or back-offs ends, or `seconds` have passed."""
        due = subscription.backlog.next_due()
        if due is not None:
            until_due = max(0.001, (due - self._now()) / 1_000_000)
            seconds = until_due if seconds is None else min(seconds, until_due)
        event = asyncio.Event()
        events = self._events.setdefault(subscription, set())
        events.add(event)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            events.discard(event)
            if not events and self._events.get(subscription) is events:
                del self._events[subscription]

    def wake(self, subscription: Subscription) -> None:
        """Something changed for the subscription: whoever waits for it looks again."""
        for event in self._events.get(subscription, ()):
            event.set()

    def wake_all(self) -> None:
        """Everybody looks again."""
        for subscription in list(self._events):
            self.wake(subscription)


class Alarm:
    """At most one timer. `ring` is called when it is due and returns when it is due next, or None.

    Times are microseconds of the broker's clock.
    """

    def __init__(self, now: Callable[[], int], ring: Callable[[], int | None]) -> None:
        self._now = now
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0

    def set(self, due: int | None) -> None:
        """Rings at `due` at the latest."""
        if due is None or (self._timer is not None and self._due <= due):
            return
        self.cancel()
        self._due = due
        delay = max(1.0, (due - self._now()) / 1_000_000)
        self._timer = asyncio.get_running_loop().call_later(delay, self._fire)

    def cancel(self) -> None:
        """Rings no more until it is set again."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def _fire(self) -> None:
        self._timer = None
        self.set(self._ring())
