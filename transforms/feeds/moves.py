"""Permanent redirects: when a feed's new address is polled instead of the listed one, and when the listed one again.

RFC 9110, 15.4.2 and 15.4.9, would have it at once; a hotel's network or a mistake of an hour would then move a feed for
good. So a move counts after three polls over a day that all ended at one and the same readable feed, by permanent
redirects only (301, 308). Where the new address fails three times, or at once where it turns out to be no feed, the listed
address is asked again. The feed's name and its entries' ids stay what they were.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from transforms.feeds.fetch import Response
from transforms.feeds.schedule import DAY, SECOND
from transforms.feeds.state import FeedState

CONFIRMATIONS = 3
OVER = DAY
PERMANENT = frozenset({301, 308})
FAILURES = 3
LOST = frozenset({"gone", "not-found", "challenge", "consent", "login", "parked"})


def target_of(response: Response) -> str:
    """Where permanent redirects led, "" if there were none, if one was temporary, or if they gave up https."""
    if not response.hops or any(status not in PERMANENT for status, _ in response.hops):
        return ""
    asked, found = urlsplit(response.hops[0][1]), urlsplit(response.url)
    gives_up_https = asked.scheme == "https" and found.scheme != "https"
    return "" if gives_up_https or "@" in found.netloc else response.url


def after_success(state: FeedState, response: Response, now: int) -> FeedState:
    """The state after a poll that ended at a readable feed."""
    target = target_of(response)
    if not target:
        return replace(state, moving=NOWHERE) if state.moving != NOWHERE else state
    to, since, times = state.moving if state.moving[0] == target else (target, now, 0)
    if times + 1 >= CONFIRMATIONS and now - since >= OVER * SECOND:
        return replace(state, address=target, moving=NOWHERE)
    return replace(state, moving=(to, since, times + 1))


def after_failure(state: FeedState, kind: str) -> FeedState:
    """The state after a failed poll, `failures` already counted."""
    if state.address and (kind in LOST or kind.startswith("not-a-feed") or state.failures >= FAILURES):
        return replace(state, address="", moving=NOWHERE)
    return state


NOWHERE = ("", 0, 0)
