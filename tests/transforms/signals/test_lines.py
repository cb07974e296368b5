"""Sentences as lines: where they end, which actors stand together, and where each word stands in the text."""

from __future__ import annotations

from signal_cast import actors  # type: ignore[import-not-found]

from schemas.taxonomy import Taxonomy
from transforms.signals.lines import Line, lines
from transforms.signals.rules import rules_of


def read(text: str, taxonomy: Taxonomy) -> list[Line]:
    return lines("title", text, actors(("title", text)), rules_of(taxonomy).grammar)


def names(line: Line) -> list[tuple[str, ...]]:
    return [t.phrase.names for t in line.tokens if t.phrase]


def test_a_title_and_its_person_are_one_actor_phrase(taxonomy: Taxonomy) -> None:
    (line,) = read("US Secretary of State Antony Blinken met Russian Foreign Minister Sergey Lavrov", taxonomy)
    assert [t.text for t in line.tokens] == ["@", "met", "@"]
    assert names(line) == [("United States",), ("Russia",)]


def test_coordinated_actors_are_one_phrase(taxonomy: Taxonomy) -> None:
    assert names(read("The US and Russian leaders will speak", taxonomy)[0]) == [("United States", "Russia")]
    assert names(read("Putin-Biden call", taxonomy)[0]) == [("Russia", "United States")]
    assert names(read("Russia, Belarus and China agree", taxonomy)[0]) == [("Russia", "Belarus", "China")]
    assert names(read("After a call with Putin, Biden warns", taxonomy)[0]) == [("Russia",), ("United States",)]


def test_who_is_only_part_of_a_compound_is_no_actor(taxonomy: Taxonomy) -> None:
    assert names(read("pro-Russian rebels and US-led forces", taxonomy)[0]) == []


def test_an_abbreviation_ends_no_sentence(taxonomy: Taxonomy) -> None:
    assert len(read("Gen. Smith met Mr. Jones. They talked.", taxonomy)) == 2


def test_words_know_their_place_in_the_text(taxonomy: Taxonomy) -> None:
    text = "“Red lines” – the US President’s answer: none. Kyiv waits…"
    for line in read(text, taxonomy):
        for token in line.tokens:
            if token.phrase is None and token.text.isalpha():
                assert text[token.start : token.end].lower() == token.text
