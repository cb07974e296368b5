"""How many of what, and how the words bound it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemas import Signal

Tag = Callable[..., tuple[Signal, ...]]


def build_up(signals: tuple[Signal, ...]) -> Signal:
    return next(s for s in signals if s.type == "TROOP_BUILDUP")


@pytest.mark.parametrize(
    ("text", "quantity", "unit"),
    [
        ("Russia has massed nearly 100,000 troops near Ukraine", 100_000, "troops"),
        ("Russia amasses as many as 175,000 troops near Ukraine", 175_000, "troops"),
        ("Russia masses more than 100 tactical groups near Ukraine", 100, "tactical groups"),
        ("Russia masses three brigades near Ukraine", 3, "brigades"),
        ("Russia has massed 90 thousand soldiers near Ukraine", 90_000, "soldiers"),
        ("Russia masses troops near Ukraine in 2022", None, ""),
        ("Russia masses troops near Ukraine", None, ""),
    ],
)
def test_a_number_counts_where_it_says_of_what(text: str, quantity: int | None, unit: str, tag: Tag) -> None:
    signal = build_up(tag(text))
    assert (signal.quantity, signal.unit) == (quantity, unit)


@pytest.mark.parametrize("number", ["9" * 23, "9" * 400, "9" * 5000, "5" + " million" * 60, "10,000,000,001"])
def test_a_number_that_counts_nothing_on_earth_is_none(number: str, tag: Tag) -> None:
    signal = build_up(tag(f"Russia has massed {number} troops near Ukraine"))
    assert (signal.quantity, signal.unit) == (None, "")


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("175 000", 175_000),
        ("175\u00a0000", 175_000),
        ("90k", 90_000),
        ("1.5 million", 1_500_000),
        ("ninety thousand", 90_000),
        ("one hundred and twenty thousand", 120_000),
        ("two thousand five hundred", 2_500),
        ("twenty-five", 25),
        ("two dozen", 24),
        ("a dozen", 12),
        ("half a dozen", 6),
        ("a hundred", 100),
        ("half a million", 500_000),
    ],
)
def test_a_number_is_read_in_figures_and_in_words(number: str, value: int, tag: Tag) -> None:
    signal = build_up(tag(f"Russia has massed {number} troops near Ukraine"))
    assert (signal.quantity, signal.unit, signal.bound) == (value, "troops", "")


@pytest.mark.parametrize(
    ("number", "value", "bound"),
    [
        ("up to 175,000", 175_000, "most"),
        ("not more than 90,000", 90_000, "most"),
        ("no more than 90,000", 90_000, "most"),
        ("under 90,000", 90_000, "most"),
        ("below 90,000", 90_000, "most"),
        ("fewer than 90,000", 90_000, "most"),
        ("more than 90,000", 90_000, "least"),
        ("no fewer than 90,000", 90_000, "least"),
        ("not less than 90,000", 90_000, "least"),
        ("about 90,000", 90_000, "about"),
        ("90,000", 90_000, ""),
    ],
)
def test_a_number_says_what_it_bounds(number: str, value: int, bound: str, tag: Tag) -> None:
    signal = build_up(tag(f"Russia has massed {number} troops near Ukraine"))
    assert (signal.quantity, signal.bound, signal.modality) == (value, bound, "asserted")


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("between 90,000 and 100,000", 90_000),
        ("90,000-100,000", 90_000),
        ("90,000–100,000", 90_000),
        ("90,000 to 100,000", 90_000),
        ("90 to 100 thousand", 90_000),
        ("two or three thousand", 2_000),
        ("two to three dozen", 24),
        ("tens of thousands of", 10_000),
        ("hundreds of thousands of", 100_000),
        ("thousands of", 1_000),
    ],
)
def test_of_a_range_the_lower_end_is_told(number: str, value: int, tag: Tag) -> None:
    signal = build_up(tag(f"Russia has massed {number} troops near Ukraine"))
    assert (signal.quantity, signal.unit, signal.bound) == (value, "troops", "least")


@pytest.mark.parametrize(
    ("text", "value", "bound"),
    [
        ("Russia has massed up to 90,000-100,000 troops near Ukraine", 100_000, "most"),
        ("Russia raised its troops near Ukraine from 90,000 to 100,000 troops", 100_000, ""),
        ("Russia has massed 100 tanks and 90,000 troops near Ukraine", 100, ""),
    ],
)
def test_two_numbers_are_a_range_only_where_the_words_say_so(text: str, value: int, bound: str, tag: Tag) -> None:
    signal = build_up(tag(text))
    assert (signal.quantity, signal.bound) == (value, bound)


@pytest.mark.parametrize(
    "text",
    [
        "On January 17, Russian troops massed near Ukraine",
        "On 17 January Russian troops massed near Ukraine",
        "The 17th Russian brigade massed troops near Ukraine",
        "Within two weeks Russian troops massed near Ukraine",
        "Russia massed 10% of its troops near Ukraine",
        "Russia massed $200 million of weapons and troops near Ukraine",
        "The two men spoke of Russian troops massing near Ukraine",
    ],
)
def test_what_is_no_count_of_something_is_no_quantity(text: str, tag: Tag) -> None:
    assert build_up(tag(text)).quantity is None
