"""Whether "not modified" is true: some servers say so for ever (a Last-Modified that froze, a cache that never looks).

A feed that has been silent for much longer than it ever was is asked once without validators, once a week at most. If
what comes was there while the server said that nothing had changed, its validators are not used for a month; it is then
polled once an hour at most, and what it sends is compared by hash. A server that tells the truth is asked needlessly
once a week at most, and never while the feed keeps its usual rhythm.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from schemas.records import EPOCH, MICROSECOND
from transforms.feeds.document import Item
from transforms.feeds.fetch import Response
from transforms.feeds.schedule import DAY, HOUR, SECOND
from transforms.feeds.state import FeedState

CHECK_EVERY = 7 * DAY
SILENT_AT_LEAST = DAY
TIMES_LONGER = 4
UNKNOWN_SILENCE = 7 * DAY  # of a feed whose entries tell nothing about its rhythm
DISTRUST = 30 * DAY
LONGEST_SILENCE = 30 * DAY
CONFIRMED = HOUR  # an entry dated this long before the last "not modified" stood in the feed when that was said
SLOWEST_PACE = HOUR  # of a feed that has to be sent whole each time though its server knows validators


def is_distrusted(state: FeedState, now: int) -> bool:
    """Whether the server was found lying and its validators are not used for now."""
    return bool(state.distrusted) and now - state.distrusted < DISTRUST * SECOND


def wants_check(state: FeedState, now: int) -> bool:
    """Whether the next poll is to ask without validators, to see whether "not modified" is true."""
    if not state.validators or not state.first_read or is_distrusted(state, now):
        return False
    patience = max(SILENT_AT_LEAST, TIMES_LONGER * state.usual_silence or UNKNOWN_SILENCE)
    silent = now - (state.changed_at or state.first_read)
    return silent >= patience * SECOND and now - max(state.checked_at, state.first_read) >= CHECK_EVERY * SECOND


def usual_silence(items: Iterable[Item], now: int, observed: int = 0) -> int:
    """Seconds: the longest time between two of the items as they are dated, or the silence that was observed, if longer."""
    dates = sorted(item.published for item in items if item.published is not None and 0 < item.published <= now)
    spans = sorted((later - earlier) // SECOND for earlier, later in pairwise(dates))
    if len(spans) >= 4:
        spans.pop()  # an old entry may be pinned
    return min(max(observed, *spans[-1:]) if spans else observed, LONGEST_SILENCE)


def has_lied(state: FeedState, response: Response, news: Iterable[int | None]) -> bool:
    """Whether an answer to a request without validators shows that "not modified" was false. `news`: the dates of the entries
    in it that are new or edited. They lie if the validators are still the same, or if an entry is older than the last 304."""
    dates = tuple(news)
    old = state.validators
    same = (response.etag, response.last_modified) == (old.etag, old.last_modified)
    earliest, latest = state.changed_at or state.first_read, state.last_read - CONFIRMED * SECOND
    return bool(dates) and (same or any(date is not None and earliest < date <= latest for date in dates))


def complaint(state: FeedState) -> str:
    """The sentence about a server that has lied."""
    since = EPOCH + (state.changed_at or state.first_read) * MICROSECOND
    return (
        f"the server has said 'not modified' since {since:%Y-%m-%d %H:%M} UTC though there were new entries; it is asked "
        f"without validators for {DISTRUST // DAY} days"
    )
