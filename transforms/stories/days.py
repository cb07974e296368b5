"""The days an entry names: "on Tuesday", "16 February", "tomorrow", each as the date nearest to the entry's own.

The same headline on another day is another development. Weekdays are how the news names days: within three days either way
"Tuesday" is one date, whether the meeting is announced or over.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_WEEKDAYS = {name: n for n, name in enumerate(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"])}
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_MONTH = {name[:length]: n for n, name in enumerate(_MONTHS, 1) for length in (3, 4, len(name))}
_NEAR = {"today": 0, "tonight": 0, "yesterday": -1, "tomorrow": 1}

_NAMES = "|".join(sorted((name.capitalize() for name in _MONTH), key=len, reverse=True))
_WEEKDAY = re.compile(rf"\b({'|'.join(name.capitalize() for name in _WEEKDAYS)})\b")
_DATE = re.compile(rf"\b(\d\d?)(?:st|nd|rd|th)?(?: of)? ({_NAMES})\b|\b({_NAMES})\.? (\d\d?)(?:st|nd|rd|th)?\b(?!,?\d)")
_RELATIVE = re.compile(rf"\b({'|'.join(_NEAR)})\b", re.IGNORECASE)


def days_named(text: str, time: int) -> frozenset[int]:
    """Days (proleptic ordinals) that a text names, for an entry of a time (microseconds since 1970, UTC)."""
    own = (EPOCH + timedelta(microseconds=time)).date()
    days = {own.toordinal() + _NEAR[m[1].lower()] for m in _RELATIVE.finditer(text)}
    days |= {_weekday(own, _WEEKDAYS[m[1].lower()]) for m in _WEEKDAY.finditer(text)}
    for m in _DATE.finditer(text):
        day, month = (m[1], m[2]) if m[1] else (m[4], m[3])
        days |= _date(own, int(day), _MONTH[month.lower()])
    return frozenset(days)


def _weekday(own: date, weekday: int) -> int:
    return own.toordinal() + (weekday - own.weekday() + 3) % 7 - 3


def _date(own: date, day: int, month: int) -> set[int]:
    """The date of the year that brings it nearest; nothing for a day that no month has."""
    found = []
    for year in (own.year - 1, own.year, own.year + 1):
        try:
            found.append(date(year, month, day).toordinal())
        except ValueError:
            continue
    return {min(found, key=lambda d: abs(d - own.toordinal()))} if found else set()
