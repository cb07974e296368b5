"""The numbers that an entry gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.stories.numbers import numbers_named


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("100,000 troops, or 100.000.", {"100000"}),
        ("1.5 thousand tanks", {"1500"}),
        ("15 thousand tanks", {"15000"}),
        ("1,5 million or 1.5m or 1.50 million", {"1500000"}),
        ("1,500.50 and 0.125", {"1500.5", "0.125"}),
        ("a hundred thousand troops", {"100000"}),
        ("Two hundred thousand troops", {"200000"}),
        ("half a million", {"500000"}),
        ("two dozen of thirty-one ships", {"24", "31"}),
        ("$5bn and 5 billion, not 5 million", {"5000000000", "5000000"}),
        ("one of the ships, a ship, someone", set()),
        ("hundreds of thousands", set()),
        ("the F-16 on 16.2.2022", {"16", "1622022"}),
    ],
)
def test_a_number_has_one_form_in_figures_and_in_words(text: str, numbers: set[str]) -> None:
    assert numbers_named(text) == numbers


@given(st.text(alphabet=st.one_of(st.sampled_from("0123456789.,- k"), st.characters()), max_size=60))
def test_any_text_gives_numbers(text: str) -> None:
    assert all(number.replace(".", "", 1).isdecimal() for number in numbers_named(text))


@given(st.integers(min_value=0, max_value=10**12))
def test_separators_of_thousands_change_nothing(n: int) -> None:
    assert numbers_named(f"{n:,}") == numbers_named(str(n)) == {str(n)}
