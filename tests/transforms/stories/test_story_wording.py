"""Words, numbers, runs of words and articles of an entry."""

from __future__ import annotations

import pytest
from factories import an_entry
from hypothesis import given
from hypothesis import strategies as st

from transforms.stories.wording import MAX_SHINGLES, MAX_WORDS, article_of, resemblance, wording_of, words_of


@pytest.mark.parametrize(
    ("url", "article"),
    [
        ("https://www.plain.example/news/world-europe-59533689?at_medium=RSS", "/news/world-europe-59533689"),
        ("https://plain.example/news/world-europe-59533689", "/news/world-europe-59533689"),
        ("https://plain.example/2021/12/04/ships-off-the-coast/index.html", "plain.example/2021/12/04/ships-off-the-coast"),
        ("https://Edition.Plain.example/World/Ships-Gather-Off-The-Coast/", "plain.example/world/ships-gather-off-the-coast"),
        ("https://m.plain.co.uk/world/ships-gather-off-the-coast", "plain.co.uk/world/ships-gather-off-the-coast"),
        ("https://plain.example/world/20211204/live", "plain.example/world/20211204/live"),
        ("https://plain.example/live/ships-off-the-coast#3", "plain.example/live/ships-off-the-coast#3"),
        ("https://plain.example/live/59533689#3", "/live/59533689#3"),
        ("https://plain.example/news/59533689#xtor=RSS-3", "/news/59533689"),
        ("https://plain.example/2021/12/04/?p=11", ""),
        ("https://plain.example/news/world", ""),
        ("https://plain.example/", ""),
        ("https://plain.example/article.php?id=59533689", ""),
        ("http://[broken", ""),
        ("", ""),
    ],
)
def test_the_path_names_the_article(url: str, article: str) -> None:
    assert article_of(url) == article


def test_words_are_stems_without_function_words() -> None:
    assert words_of("The ships' crews said they were sailing to Norland’s 3 ports") == [
        "ship",
        "crew",
        "sail",
        "norland",
        "3",
        "port",
    ]


def test_numbers_are_compared_without_separators() -> None:
    a = wording_of(an_entry(title="100,000 troops", summary="In 2 weeks"), "")
    b = wording_of(an_entry(title="100.000 troops", summary="In 2 weeks"), "")
    assert a.numbers == b.numbers == {"100000", "2"}


def test_a_copy_resembles_its_original_and_another_report_does_not() -> None:
    original = "Ships of the northern fleet have gathered off the island, and its government has called up the reserve."
    copy = original.replace("the reserve", "all reserves")
    other = "The island calls up its reserve as ships of the northern fleet gather off the coast, the government said."
    a, b, c = (wording_of(an_entry(summary=s), "").body for s in (original, copy, other))
    assert resemblance(a, a) == 1
    assert resemblance(a, b) > 0.7
    assert resemblance(a, c) < 0.2
    assert resemblance(a, frozenset()) == 0


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_has_a_wording(title: str, summary: str) -> None:
    wording = wording_of(an_entry(title=title, summary=summary, text=summary * 3), title)
    assert resemblance(wording.shingles, wording.shingles) in (0, 1)


def test_a_long_text_has_a_bounded_wording() -> None:
    text = " ".join(str(n) for n in range(100_000))
    wording = wording_of(an_entry(text=text), text)
    assert len(wording.shingles) <= MAX_SHINGLES
    assert len(wording.words) <= MAX_WORDS


@pytest.mark.parametrize(
    ("title", "negations"),
    [
        ("The fleet has sailed", set()),
        ("The fleet has not sailed", {"not"}),
        ("The fleet hasn’t sailed", {"n’t"}),
        ("Norland denies that the fleet has sailed", {"den"}),
        ("Norland denied that the fleet has sailed", {"den"}),
        ("Notable fleet sails to Denmark", set()),
    ],
)
def test_words_that_turn_a_statement_round_are_told(title: str, negations: set[str]) -> None:
    assert wording_of(an_entry(title=title, summary=""), title).negations == negations


def test_in_a_long_body_the_headline_of_a_copy_turns_nothing_round() -> None:
    body = "Ships of the northern fleet have gathered off the island, and its government has called up the reserve on Monday."
    plain, headed = (wording_of(an_entry(title=title, summary=body), title) for title in ("Ships gather", "Not a drill"))
    assert plain.negations == headed.negations == set()


def test_quantities_are_the_numbers_that_tell_a_development() -> None:
    wording = wording_of(an_entry(title="2 calls, 13 ships, 175,000 men in 2022", summary=""), "")
    assert wording.quantities == {"13", "175000", "2022"}


def test_the_headline_is_read_without_the_name_of_the_site() -> None:
    a = wording_of(an_entry(title="Fleet gathers off the island - Coast Daily", summary=""), "")
    b = wording_of(an_entry(title="Fleet gathers off the island", summary=""), "")
    assert a.shingles == b.shingles
