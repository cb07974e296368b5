"""Reads the dates that feeds write, and refuses to guess: a date that cannot be read is no date.

feedparser's own reading is used for rare national formats only; it takes "1714564800" for a day in 2017, CEST for UTC,
and month 13 for January of the next year.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import feedparser

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Hours east of UTC. RFC 822 names the American ones; the others are what feeds write. Names that mean several zones
# (IST, BST, CST) are read as the meaning common in feeds.
_ZONE_HOURS = """
    ut 0 utc 0 gmt 0 z 0 wet 0 est -5 edt -4 cst -6 cdt -5 mst -7 mdt -6 pst -8 pdt -7 akst -9 akdt -8 hst -10
    bst 1 west 1 cet 1 met 1 cest 2 mest 2 eet 2 eest 3 msk 3 trt 3 gst 4 pkt 5 ist 5.5 wib 7 hkt 8 sgt 8 awst 8
    kst 9 jst 9 aest 10 aedt 11 nzst 12
"""
_ZONES = {name: float(hours) for name, hours in re.findall(r"(\w+) (-?[\d.]+)", _ZONE_HOURS)}
_CLOCK = r"(?P<h>\d{1,2})[:.](?P<mi>\d{2})(?:[:.](?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?\s*(?P<ap>[ap]\.?m\.?)?"
_ZONE = r"(?:\s*(?P<z>z|(?:utc|gmt)?[+-]\d{1,2}:?\d{2}|[a-z]{2,5}(?![a-z])))?"
_FORMATS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?P<y>\d{{4}})-(?P<m>\d{{1,2}})(?:-(?P<d>\d{{1,2}})(?:(?:t|\s+){_CLOCK}{_ZONE})?)?",
        r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?:t(?P<h>\d{2})(?P<mi>\d{2})(?P<s>\d{2})?" + _ZONE + ")?",
        rf"(?:[a-z]{{2,9}}\.?,?\s+)?(?P<d>\d{{1,2}})[\s-]+(?P<mon>[a-z]{{3,9}})\.?[\s-]+(?P<y>\d{{4}}|\d{{2}})(?:,?\s+{_CLOCK}{_ZONE})?",
        rf"(?:[a-z]{{2,9}}\.?,?\s+)?(?P<mon>[a-z]{{3,9}})\.?\s+(?P<d>\d{{1,2}}),?\s+(?P<y>\d{{4}})(?:,?\s+(?:at\s+)?{_CLOCK}{_ZONE})?",
        rf"[a-z]{{3}}\s+(?P<mon>[a-z]{{3}})\s+(?P<d>\d{{1,2}})\s+{_CLOCK}{_ZONE}\s+(?P<y>\d{{4}})",
        rf"(?P<y>\d{{4}})/(?P<m>\d{{1,2}})/(?P<d>\d{{1,2}})(?:\s+{_CLOCK}{_ZONE})?",
    )
)


def parse_date(raw: str) -> int | None:
    """Microseconds since 1970 UTC of a date as a feed writes it, None if it cannot be read; UTC where no zone is given."""
    raw = " ".join(raw.split())[:80]
    if not raw:
        return None
    if raw.isdigit() and len(raw) in (10, 13):  # seconds or milliseconds since 1970
        return int(raw) * (1_000_000 if len(raw) == 10 else 1_000)
    for pattern in _FORMATS:
        match = pattern.fullmatch(raw)
        if match:
            return _moment(match.groupdict())
    if re.search(r"[^\W\d_]", raw) and re.search(r"(?<!\d)(19|20)\d\d(?!\d)", raw) and not raw.isascii():
        return _as_feedparser_reads(raw)
    return None


def _moment(found: dict[str, str | None]) -> int | None:
    name = (found.get("mon") or "")[:3].lower()
    month = _MONTHS.index(name) + 1 if name in _MONTHS else int(found.get("m") or 0)
    year = int(found["y"] or 0)
    if year < 100:
        year += 2000 if year < 70 else 1900
    hour, half = int(found.get("h") or 0), (found.get("ap") or "").lower()
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    offset = _offset((found.get("z") or "utc").lower())
    if offset is None:
        return None
    fraction = int(((found.get("f") or "") + "000000")[:6])
    second = min(int(found.get("s") or 0), 59)  # a leap second counts as the one before
    next_day = timedelta(days=1) if hour == 24 else timedelta()
    try:
        moment = datetime(year, month, int(found.get("d") or 1), hour % 24, int(found.get("mi") or 0), second, fraction)
        moment = moment.replace(tzinfo=offset)
        return (moment + next_day - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None


def _offset(zone: str) -> timezone | None:
    match = re.fullmatch(r"(?:utc|gmt)?([+-])(\d{1,2}):?(\d{2})", zone)
    if match:
        minutes = int(match[2]) * 60 + int(match[3])
        return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes)) if minutes <= 14 * 60 else None
    # An unknown zone name is at most half a day off: nearer to the truth than the moment the feed was polled.
    return timezone(timedelta(hours=_ZONES.get(zone, 0)))


def _as_feedparser_reads(raw: str) -> int | None:
    try:
        parts = feedparser.datetimes._parse_date(raw)
        if not parts:
            return None
        year, month, day, hour, minute, second = parts[:6]
        return (datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC) - _EPOCH) // _MICROSECOND
    except Exception:  # whatever a reader of national formats stumbles on, the date cannot be read
        return None
