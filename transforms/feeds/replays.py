"""What the last round brought, for a bundle that is tried again: it is given the same, and no publisher is asked twice.

A runner that retries a bundle hands over the state of before. A feed whose state is still the one that was polled has not
been polled as far as the runner knows; in this process it has. (In another process it is asked again: as after a crash.)
"""

from __future__ import annotations

from dataclasses import replace

from transforms.feeds.intake import Outcome
from transforms.feeds.schedule import SECOND
from transforms.feeds.state import FeedState

MAX_BYTES = 20 * 2**20  # of bodies that are kept; what does not fit would be asked again
MAX_AGE = 600 * SECOND


class Replays:
    """The outcomes of one group's last round that had any, and the states they were polled with."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[FeedState, Outcome]] = {}

    def keep(self, polled: dict[str, tuple[FeedState, Outcome]]) -> None:
        """Remember a round's outcomes by URL instead of the last one's; a round without any leaves them standing."""
        if not polled:
            return
        self._kept, size = {}, 0
        for url, (state, outcome) in polled.items():
            size += len(outcome.response.body) if outcome.response else 0
            if size <= MAX_BYTES:
                self._kept[url] = (state, outcome)

    def find(self, url: str, state: FeedState, now: int) -> Outcome | None:
        """The outcome of a poll that was made with this very state a moment ago."""
        before, outcome = self._kept.get(url, (None, None))
        if outcome is None or before is None or not 0 <= now - outcome.ended <= MAX_AGE:
            return None
        return outcome if replace(before, due=0) == replace(state, due=0) else None
