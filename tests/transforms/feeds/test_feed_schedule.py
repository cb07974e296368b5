"""When a feed is polled next, by a table: the rules of RFC 9110 and 9111, RSS, and our own on failures."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.records import micros
from transforms.feeds import schedule
from transforms.feeds.schedule import DAY, HOUR

BASE = 900
NOW = micros("2021-12-06T12:00:00")  # a Monday
DATE = "Mon, 06 Dec 2021 12:00:00 GMT"


def at(moment: int) -> datetime:
    return datetime.fromtimestamp(moment / 1e6, UTC)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"cache-control": "max-age=3600"}, 3600),
        ({"cache-control": "public, Max-Age = 3600"}, 3600),
        ({"cache-control": 'max-age="3600"'}, 3600),
        ({"cache-control": "max-age=3600", "age": "600"}, 3000),
        ({"cache-control": "max-age=600", "age": "900"}, 0),
        ({"cache-control": "max-age=600", "age": "old"}, 600),
        ({"cache-control": "max-age=-5"}, None),
        ({"cache-control": "max-age=soon"}, None),
        ({"cache-control": "s-maxage=7200"}, None),
        ({"cache-control": "s-maxage=7200, max-age=60"}, 60),
        ({"cache-control": "no-cache, max-age=3600"}, 0),
        ({"cache-control": "no-store"}, 0),
        ({"cache-control": "private, must-revalidate"}, None),
        ({"expires": "Mon, 06 Dec 2021 13:00:00 GMT", "date": DATE}, 3600),
        ({"expires": "Mon, 06 Dec 2021 13:00:00 GMT"}, 3600),
        ({"expires": "Mon, 06 Dec 2021 13:00:00 GMT", "date": "Mon, 06 Dec 2021 12:30:00 GMT"}, 1800),
        ({"expires": "Mon, 06 Dec 2021 13:00:00 GMT", "date": DATE, "age": "600"}, 3000),
        ({"expires": "Mon, 06 Dec 2021 11:00:00 GMT", "date": DATE}, 0),
        ({"expires": "0"}, 0),
        ({"expires": "-1"}, 0),
        ({"expires": "never"}, 0),
        ({"cache-control": "max-age=60", "expires": "Mon, 06 Dec 2021 13:00:00 GMT"}, 60),
    ],
)
def test_how_long_an_answer_is_fresh(headers: dict[str, str], expected: int | None) -> None:
    assert schedule.freshness(headers, NOW) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "120"}, 120),
        ({"retry-after": " 120 "}, 120),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-120"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": "Mon, 06 Dec 2021 14:00:00 GMT", "date": DATE}, 7200),
        ({"retry-after": "Mon, 06 Dec 2021 14:00:00 GMT"}, 7200),
        ({"retry-after": "Mon, 06 Dec 2021 14:00:00 GMT", "date": "Mon, 06 Dec 2021 13:59:00 GMT"}, 60),
        ({"retry-after": "Mon, 06 Dec 2021 11:00:00 GMT", "date": DATE}, None),
        ({"retry-after": "Monday, 06-Dec-21 14:00:00 GMT", "date": DATE}, 7200),
        ({"retry-after": "99999999999999999999"}, 999999999999),
    ],
)
def test_how_long_a_server_asks_to_be_left_alone(headers: dict[str, str], expected: int | None) -> None:
    assert schedule.retry_after(headers, NOW) == expected


@pytest.mark.parametrize(
    ("lifetime", "advice", "expected"),
    [
        (0, 0, BASE),
        (60, 0, BASE),
        (3600, 0, 3600),
        (7 * DAY, 0, DAY),
        (0, 30 * 60, 30 * 60),
        (0, 5 * 60, BASE),
        (0, DAY, HOUR),
        (2 * HOUR, HOUR, 2 * HOUR),
        (1000, HOUR, HOUR),
    ],
)
def test_the_pause_after_a_good_answer(lifetime: int, advice: int, expected: int) -> None:
    assert schedule.after_success(BASE, lifetime, advice) == expected


@pytest.mark.parametrize(
    ("kind", "failures", "wait", "expected"),
    [
        ("timeout", 1, None, BASE),
        ("timeout", 2, None, 2 * BASE),
        ("timeout", 3, None, HOUR),
        ("timeout", 9, None, HOUR),
        ("dns", 500, None, HOUR),
        ("server-error", 1, None, BASE),
        ("server-error", 4, None, 2 * HOUR),
        ("server-error", 9, None, 4 * HOUR),
        ("server-error", 1, 3 * HOUR, 3 * HOUR),
        ("unavailable", 1, 120, BASE),
        ("unavailable", 1, 5 * HOUR, 5 * HOUR),
        ("unavailable", 1, 30 * DAY, 7 * DAY),
        ("rate-limited", 1, None, HOUR),
        ("rate-limited", 3, None, 4 * HOUR),
        ("rate-limited", 20, None, DAY),
        ("rate-limited", 1, 2 * HOUR, 2 * HOUR),
        ("rate-limited", 1, 60, HOUR),
        ("forbidden", 1, None, 4 * HOUR),
        ("challenge", 1, None, 4 * HOUR),
        ("challenge", 9, None, DAY),
        ("not-found", 1, None, BASE),
        ("not-found", 50, None, DAY),
        ("not-a-feed-html", 2, None, 2 * BASE),
        ("gone", 1, None, None),
        ("gone", 1, 60, None),
        ("expired", 1, None, None),
    ],
)
def test_the_pause_after_failures(kind: str, failures: int, wait: int | None, expected: float | None) -> None:
    assert schedule.after_failure(BASE, kind, failures, wait) == expected


@pytest.mark.parametrize(
    ("pause", "hours", "days", "expected"),
    [
        (0, (), (), "Mon 12:00"),
        (0, (12,), (), "Mon 13:00"),
        (0, (12, 13, 14), (), "Mon 15:00"),
        (0, (3, 4), (), "Mon 12:00"),
        (0, (), (0,), "Tue 00:00"),
        (0, (0, 1), (0,), "Tue 02:00"),
        (0, (), (1,), "Mon 12:00"),
        (0, tuple(range(24)), (), "Mon 12:00"),
        (0, (), tuple(range(7)), "Mon 12:00"),
        (0, (), (0, 1), "Tue 12:00"),
    ],
)
def test_hours_and_days_that_the_feed_asks_to_skip(
    pause: int, hours: tuple[int, ...], days: tuple[int, ...], expected: str
) -> None:
    assert f"{at(schedule.due(NOW, pause, 'https://paper.example/feed', hours, days)):%a %H:%M}" == expected


def test_a_poll_is_up_to_a_tenth_later_than_the_rule_and_never_earlier() -> None:
    pauses = [(schedule.due(NOW, 1000, f"https://paper.example/{i}") - NOW) / 1e6 for i in range(500)]
    assert min(pauses) >= 1000
    assert max(pauses) <= 1100
    assert max(pauses) - min(pauses) > 90


def test_a_poll_done_over_is_planned_for_the_same_moment() -> None:
    assert schedule.due(NOW, 900, "https://paper.example/a") == schedule.due(NOW, 900, "https://paper.example/a")
    assert schedule.due(NOW, 900, "https://paper.example/a") != schedule.due(NOW, 900, "https://paper.example/b")


def test_a_cold_start_of_many_feeds_is_spread_over_the_interval() -> None:
    first = [(schedule.first_due(NOW, BASE, f"https://{i}.example/", 5000) - NOW) / 1e6 for i in range(5000)]
    assert min(first) >= 0
    assert max(first) <= BASE
    busiest = max(sum(minute * 60 <= t < minute * 60 + 60 for t in first) for minute in range(15))
    assert busiest <= 1.5 * 5000 / 15


def test_a_cold_start_of_few_feeds_is_quick_and_of_a_demonstration_immediate() -> None:
    assert max(schedule.first_due(NOW, BASE, f"https://{i}.example/", 20) for i in range(20)) - NOW <= 5_000_000
    assert schedule.first_due(NOW, 2, "https://paper.example/", 20) == NOW
