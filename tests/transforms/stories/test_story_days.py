"""The days that an entry names."""

from __future__ import annotations

from datetime import date

import pytest
from factories import HOUR, NOON
from hypothesis import given
from hypothesis import strategies as st

from schemas.records import FARTHEST_AHEAD, LONGEST_AGO
from transforms.stories.days import days_named

SATURDAY = date(2020, 5, 2).toordinal()  # NOON's


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Talks are held on Saturday", {0}),
        ("Talks were held on Thursday", {-2}),
        ("Talks will be held on Tuesday", {3}),
        ("They met on Wednesday and meet again on Monday", {-3, 2}),
        ("The fleet sails today, it rested yesterday and returns tomorrow", {0, -1, 1}),
        ("The fleet sails on 5 May", {3}),
        ("The fleet sailed on April 30th", {-2}),
        ("The fleet sailed on Dec. 31, 2019", {date(2019, 12, 31).toordinal() - SATURDAY}),
        ("It may 5 times", set()),
        ("In May 2020 the sun came out", set()),
        ("The 31st of June is no day", set()),
        ("", set()),
    ],
)
def test_a_day_is_the_date_nearest_to_the_entry(text: str, days: set[int]) -> None:
    assert days_named(text, NOON) == {SATURDAY + n for n in days}


def test_before_and_after_midnight_the_same_weekday_is_the_same_day() -> None:
    assert days_named("on Saturday", NOON) == days_named("late on Saturday", NOON + 14 * HOUR)


@given(st.text(), st.integers(LONGEST_AGO, FARTHEST_AHEAD))
def test_any_text_of_any_time_is_read(text: str, time: int) -> None:
    assert isinstance(days_named(f"{text} 29 February, Monday, tomorrow, {text}", time), frozenset)
