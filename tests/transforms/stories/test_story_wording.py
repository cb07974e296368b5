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
        ("https://plain.example/2021/12/04/ships-off-the-coast/index.html", "/2021/12/04/ships-off-the-coast"),
        ("https://plain.example/World/Ships-Gather-Off-The-Coast/", "/world/ships-gather-off-the-coast"),
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
