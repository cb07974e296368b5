"""When to poll next: pure functions of what the server and the feed said, and of how often it failed.

good answer   the longest of: base interval, or the feed's rhythm (rhythm.py); freshness (Cache-Control max-age less Age, else
              Expires less Date: RFC 9111, 4.2.1) up to a day; what the feed asks for (ttl, sy:updatePeriod) up to an hour,
              for feeds leave "daily" standing that publish every minute, and an hour is what the gentlest readers keep
failure       doubling from the base interval, or from the class's own beginning, up to the class's ceiling;
              never before Retry-After (RFC 9110, 10.2.3), which is heard up to a week
gone, expired never again
then          up to a tenth later, so that feeds do not march in step; never earlier than the rule says
then          moved out of the hours and days in which the feed asks not to be polled (RSS skipHours, skipDays), by a day at most
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

SECOND = 1_000_000
HOUR = 3600
DAY = 24 * HOUR
MAX_FRESHNESS = DAY
MAX_ADVICE = HOUR
MAX_RETRY_AFTER = 7 * DAY
JITTER = 0.1
COLD_STARTS_PER_SECOND = 4
STOPS = frozenset({"gone", "expired"})


@dataclass(frozen=True)
class BackOff:
    """Seconds: the pause after the first failure (0: the base interval), doubled by each further one up to the ceiling."""

    first: int = 0
    ceiling: int = DAY


# What is the network's fault, or ours, heals by itself and soon; what is the feed's own may stay broken for long.
BACK_OFF: Mapping[str, BackOff] = {
    "dns": BackOff(ceiling=HOUR),
    "connect": BackOff(ceiling=HOUR),
    "timeout": BackOff(ceiling=HOUR),
    "cut-off": BackOff(ceiling=HOUR),
    "unexpected-304": BackOff(ceiling=HOUR),
    "internal": BackOff(ceiling=HOUR),
    "server-error": BackOff(ceiling=4 * HOUR),
    "unavailable": BackOff(ceiling=4 * HOUR),
    "rate-limited": BackOff(first=HOUR),
    "unauthorized": BackOff(first=4 * HOUR),
    "forbidden": BackOff(first=4 * HOUR),
    "challenge": BackOff(first=4 * HOUR),
    "consent": BackOff(first=4 * HOUR),
    "login": BackOff(first=4 * HOUR),
    "parked": BackOff(first=4 * HOUR),
    "address-refused": BackOff(first=4 * HOUR),
}


def after_success(base: float, lifetime: int = 0, advice: int = 0) -> float:
    """Seconds until the next poll after a good answer; `base` is the base interval, or the feed's rhythm if that is longer."""
    return max(base, min(lifetime, MAX_FRESHNESS), min(advice, MAX_ADVICE))


def after_failure(base: float, kind: str, failures: int, retry_after: int | None = None) -> float | None:
    """Seconds until the next poll after the `failures`-th failure in a row, None for never."""
    if kind in STOPS:
        return None
    rule = BACK_OFF.get(kind, BackOff())
    pause = min(max(rule.first, base) * 2 ** min(failures - 1, 30), rule.ceiling)
    return max(base, pause, min(retry_after or 0, MAX_RETRY_AFTER))


def limit_ends(headers: Mapping[str, str], now: int) -> int:
    """Microseconds since 1970 at which a 429 ends: as its Retry-After says, else after an hour."""
    wait = retry_after(headers, now) or BACK_OFF["rate-limited"].first
    return now + min(wait, MAX_RETRY_AFTER) * SECOND


def after_hold(until: int, base: float, url: str) -> int:
    """Microseconds since 1970 of the next poll of a feed whose host is left alone `until` then: the feeds of a host come back
    one by one over a base interval."""
    return until + int(base * share(url, until) * SECOND)


def due(now: int, pause: float, url: str, skip_hours: tuple[int, ...] = (), skip_days: tuple[int, ...] = ()) -> int:
    """Microseconds since 1970 of the next poll, `pause` seconds after `now`, spread and moved as the module says."""
    moment = now + int(pause * (1 + JITTER * share(url, now)) * SECOND)
    return _outside(moment, skip_hours, skip_days)


def first_due(now: int, base: float, url: str, new_feeds: int) -> int:
    """When a feed is polled for the first time, one of `new_feeds` that start together: spread over as long as it takes to
    start four a second, a base interval at most; at once if the base interval is under a minute."""
    if base < 60:
        return now
    window = min(base, new_feeds / COLD_STARTS_PER_SECOND)
    return now + int(window * share(url, 0) * SECOND)


def share(url: str, now: int) -> float:
    """A number in [0, 1) that depends on the feed and the moment only: a poll that is done over falls on the same time."""
    digest = hashlib.sha256(f"{now}\x1f{url}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def freshness(headers: Mapping[str, str], now: int) -> int | None:
    """Seconds for which the answer says it is fresh, None if it says nothing (RFC 9111, 4.2.1; s-maxage is for shared caches)."""
    directives = _directives(headers.get("cache-control", ""))
    if "no-cache" in directives or "no-store" in directives:
        return 0
    age = _seconds(headers.get("age", "")) or 0
    max_age = _seconds(directives.get("max-age", ""))
    if max_age is not None:
        return max(0, max_age - age)
    if "expires" not in headers:
        return None
    expires = _http_date(headers["expires"])
    if expires is None:
        return 0  # RFC 9111, 5.3: an invalid date, "0" above all, means already expired
    date = _http_date(headers.get("date", "")) or now
    return max(0, (expires - date) // SECOND - age)


def retry_after(headers: Mapping[str, str], now: int) -> int | None:
    """Seconds of the Retry-After header, a number or a date; None if it is absent, past or cannot be read."""
    value = headers.get("retry-after", "").strip()
    seconds = _seconds(value)
    if seconds is None:
        moment = _http_date(value)
        if moment is None:
            return None
        seconds = (moment - (_http_date(headers.get("date", "")) or now)) // SECOND
    return seconds if seconds > 0 else None


def _outside(moment: int, hours: tuple[int, ...], days: tuple[int, ...]) -> int:
    for hour in range(25):
        tried = moment if not hour else (moment // (HOUR * SECOND) + hour) * HOUR * SECOND
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=tried)
        if at.hour not in hours and at.weekday() not in days:
            return tried
    return moment + DAY * SECOND if len(set(hours)) < 24 and len(set(days)) < 7 else moment


def _directives(header: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in re.finditer(r"([A-Za-z][\w-]*)(?:\s*=\s*(\"[^\"]*\"|[^\s,\"]*))?", header):
        found.setdefault(match[1].lower(), (match[2] or "").strip('"'))
    return found


def _seconds(value: str) -> int | None:
    value = value.strip()
    return int(value[:12]) if value.isascii() and value.isdecimal() else None


def _http_date(value: str) -> int | None:
    try:
        moment = parsedate_to_datetime(value.strip())
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
