"""Which words of an entry its vector stands for."""

from __future__ import annotations

import pytest
from factories import an_entry

from transforms.embedding.lead import MAX_LEAD, headline, lead, title_and_lead


@pytest.mark.parametrize(
    ("text", "first_two"),
    [
        ("One ship came. Two more left. The rest stayed.", "One ship came. Two more left."),
        ("One ship came.", "One ship came."),
        ("Gen. Roe met Mr. Doe in St. Ives. They spoke. They parted.", "Gen. Roe met Mr. Doe in St. Ives. They spoke."),
        ("U.S. ships sailed. U.K. ships did not. France waits.", "U.S. ships sailed. U.K. ships did not."),
        ('"We wait." "We hope." He left.', '"We wait." "We hope."'),
        ("It rose 3.5 per cent to 99.10 dollars. Why? Nobody knows.", "It rose 3.5 per cent to 99.10 dollars. Why?"),
        ("", ""),
    ],
)
def test_the_lead_is_the_first_two_sentences(text: str, first_two: str) -> None:
    assert lead(text) == first_two


def test_the_lead_of_a_text_without_sentences_is_cut() -> None:
    assert len(lead("ship " * 10_000)) <= MAX_LEAD


@pytest.mark.parametrize(
    ("title", "summary", "text", "words"),
    [
        ("Ships gather", "They lie off the coast.", "A long text.", "Ships gather. They lie off the coast."),
        (
            "Ships gather",
            "",
            "They came at dawn. Nobody saw them. Later they left.",
            "Ships gather. They came at dawn. Nobody saw them.",
        ),
        ("Will ships gather?", "Perhaps.", "", "Will ships gather? Perhaps."),
        ("Ships gather", "Ships gather", "", "Ships gather"),
        ("", "They lie off the coast.", "", "They lie off the coast."),
        ("Ships gather", "", "", "Ships gather"),
    ],
)
def test_title_and_lead(title: str, summary: str, text: str, words: str) -> None:
    assert title_and_lead(an_entry(title=title, summary=summary, text=text)) == words


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Fleet gathers off the island - Coast Daily", "Fleet gathers off the island"),
        ("Fleet gathers off the island | The Coast Daily", "Fleet gathers off the island"),
        ("World News | Fleet gathers off the island | Coast", "Fleet gathers off the island"),
        ("Fleet gathers off the island - 680 NEWS", "Fleet gathers off the island"),
        ("Fleet gathers - Coast Daily", "Fleet gathers - Coast Daily"),
        ("Fleet gathers off the island - and nobody knows why", "Fleet gathers off the island - and nobody knows why"),
        ("Norland-Sudland talks end without a word", "Norland-Sudland talks end without a word"),
        ("Live | Coast", "Live | Coast"),
        (" ", ""),
    ],
)
def test_the_headline_is_the_title_without_the_names_of_site_and_section(title: str, words: str) -> None:
    assert headline(title) == words
