"""Dates: what the words for the time of a coming event mean to who reads them on the day they were published.

    "as early as next month", published 2021-12-03   ->   2022-01-01 .. 2022-01-31
    "within days"                                    ->   2021-12-03 .. 2021-12-10

The range is the period that the words name. "By" and "before" begin it on the day of publication. A bare plural ends with
the next larger unit: "in weeks" is less than a month away. Of days and months without a year the next one is meant. What
names no period ("any time", "imminent") begins on the day and has no end.
"""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

_MONTHS = {name.lower(): i for i, name in enumerate(calendar.month_name) if name}
_WEEKDAYS = {name.lower(): i for i, name in enumerate(calendar.day_name)}
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "winter": 12}  # the first of three months
_NUMBERS = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_BARE = {"hour": 1, "day": 7, "week": 31, "month": 365, "year": 3652}  # days in the next larger unit
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}

_SPAN = re.compile(r"\b(?:in|within)\b.*?(?:\b(\d+|" + "|".join(_NUMBERS) + r")\s+)?\b(hour|day|week|month|year)(s?)\b")
_DAY = re.compile(rf"\b(?:(\d{{1,2}})(?:st|nd|rd|th)?\s+({'|'.join(_MONTHS)})|({'|'.join(_MONTHS)})\s+(\d{{1,2}})(?!\d))")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_UNTIL = re.compile(r"\b(?:by|before|until)\b")

Range = tuple[str, str]


def resolved(words: str, published: date) -> Range:
    """The first and last day (ISO 8601) of the period that `words` name, "" for an open end; ("", "") if they name none.

    words      as `details.when` finds them, e.g. "as soon as early 2022"
    published  the day on which they were read
    """
    text = words.lower()
    try:
        period = _named(text, published)
    except (OverflowError, ValueError):  # beyond the calendar: "in 9000 years"
        return "", ""
    if period is None:
        open_ended = re.search(r"\b(?:any (?:time|moment|day|hour)|imminent)", text)
        return (published.isoformat(), "") if open_ended else ("", "")
    first, last = period
    if _UNTIL.search(text):
        first = min(published, last)
        last = last if re.search(r"\b(?:by|until)\b", text) else period[0] - timedelta(days=1)
        last = max(first, last)
    return first.isoformat(), last.isoformat()


def _named(text: str, published: date) -> tuple[date, date] | None:
    """The whole period that the words name, its part ("early", "late") taken."""
    if re.search(r"\b(?:tonight|overnight)\b", text):
        return published, published + timedelta(days=1)
    if "tomorrow" in text:
        return (published + timedelta(days=1),) * 2
    if m := _DAY.search(text):
        day, month = int(m[1] or m[4]), _MONTHS[m[2] or m[3]]
        return _next_day(day, month, published)
    if m := _SPAN.search(text):
        return _span(m, published)
    period = _period(text, published)
    return _part(text, *period) if period else None


def _span(m: re.Match[str], published: date) -> tuple[date, date]:
    number, unit = m[1], m[2]
    if number is None or number == "a":
        days = _BARE[unit] if m[3] else _DAYS.get(unit, 1)
    else:
        count = _NUMBERS.get(number) or int(number)
        days = -(-count // 24) if unit == "hour" else count * _DAYS[unit]
    return published, published + timedelta(days=days)


def _next_day(day: int, month: int, published: date) -> tuple[date, date] | None:
    for year in range(published.year, published.year + 5):  # 29 February comes within them
        if day <= calendar.monthrange(year, month)[1] and (there := date(year, month, max(1, day))) >= published:
            return there, there
    return None


def _period(text: str, published: date) -> tuple[date, date] | None:
    """The week, weekend, month, season or year of the words."""
    coming = "next" in text or "coming" in text
    monday = published - timedelta(days=published.weekday())
    if m := re.search("|".join(_WEEKDAYS), text):
        ahead = (_WEEKDAYS[m[0]] - published.weekday()) % 7
        day = published + timedelta(days=ahead or 7 * coming)
        return day, day
    if "weekend" in text:
        saturday = monday + timedelta(days=5 + 7 * ("next" in text))
        return saturday, saturday + timedelta(days=1)
    if "week" in text:
        return (monday + timedelta(days=7), monday + timedelta(days=13)) if coming else (published, monday + timedelta(days=6))
    year = _YEAR.search(text)
    if m := re.search("|".join(rf"\b{name}\b" for name in (*_MONTHS, *_SEASONS)), text):
        first, length = (_MONTHS[m[0]], 1) if m[0] in _MONTHS else (_SEASONS[m[0]], 3)
        return _months(first, length, published, int(year[0]) if year else None)
    if "month" in text:
        begin = _add_months(published.replace(day=1), int(coming))
        return begin, _add_months(begin, 1) - timedelta(days=1)
    if "year" in text or year:
        number = int(year[0]) if year else published.year + coming
        return date(number, 1, 1), date(number, 12, 31)
    return None


def _months(first: int, length: int, published: date, year: int | None) -> tuple[date, date]:
    """The months of a year from `first` on; of no given year those that are not over yet."""
    start = date(year or published.year - 1, first, 1)
    while year is None and _add_months(start, length) <= published:
        start = _add_months(start, 12)
    return start, _add_months(start, length) - timedelta(days=1)


def _add_months(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return day.replace(year=day.year + years, month=month + 1)


def _part(text: str, first: date, last: date) -> tuple[date, date]:
    """The early, middle or late third of a period that is longer than a week, "the end of" it being its last third."""
    third = timedelta(days=((last - first).days + 1) // 3)
    part = re.search(r"\b(early|mid|late|end) (?:of |in )?(?:the |next |this )*(?:\w+)", text)
    if not part or (last - first).days < 7:
        return first, last
    if part[1] == "early" and not re.search(r"\bas early as (?!early)", text):
        return first, first + third - timedelta(days=1)
    if part[1] == "mid":
        return first + third, last - third
    return (last - third + timedelta(days=1), last) if part[1] in ("late", "end") else (first, last)
