"""What the words for a coming time mean on the day they are read."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.signals.dates import resolved

FRIDAY = date(2021, 12, 3)


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        ("as early as next month", "2022-01-01", "2022-01-31"),
        ("as soon as early 2022", "2022-01-01", "2022-05-01"),
        ("as early as January", "2022-01-01", "2022-01-31"),
        ("within days", "2021-12-03", "2021-12-10"),
        ("in the next two weeks", "2021-12-03", "2021-12-17"),
        ("within 48 hours", "2021-12-03", "2021-12-05"),
        ("in a matter of months", "2021-12-03", "2022-12-03"),
        ("tomorrow", "2021-12-04", "2021-12-04"),
        ("on Wednesday", "2021-12-08", "2021-12-08"),
        ("next Friday", "2021-12-10", "2021-12-10"),
        ("this weekend", "2021-12-04", "2021-12-05"),
        ("next week", "2021-12-06", "2021-12-12"),
        ("January 10", "2022-01-10", "2022-01-10"),
        ("4 December", "2021-12-04", "2021-12-04"),
        ("29 February", "2024-02-29", "2024-02-29"),
        ("this winter", "2021-12-01", "2022-02-28"),
        ("late January", "2022-01-22", "2022-01-31"),
        ("by the end of the year", "2021-12-03", "2021-12-31"),
        ("before spring", "2021-12-03", "2022-02-28"),
        ("any day now", "2021-12-03", ""),
        ("imminent", "2021-12-03", ""),
        ("", "", ""),
        ("31 February", "", ""),
    ],
)
def test_words_for_a_time_mean_a_range_of_days(words: str, first: str, last: str) -> None:
    assert resolved(words, FRIDAY) == (first, last)


WORDS = "as early late mid by before in within next this coming week month year day hour weekend winter march 31 9999 2022 monday"


@given(st.lists(st.sampled_from(WORDS.split()), max_size=6), st.dates())
def test_a_range_begins_before_it_ends(words: list[str], day: date) -> None:
    first, last = resolved(" ".join(words), day)
    assert not last or first <= last
