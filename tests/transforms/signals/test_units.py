"""A sentence is read as a whole, clause by clause, and by what patterns found in it."""

from __future__ import annotations

from signal_cast import actors  # type: ignore[import-not-found]

from schemas.taxonomy import Taxonomy
from transforms.signals.lines import lines
from transforms.signals.rules import rules_of
from transforms.signals.units import grams, stem, units

TEXT = "Russia sends 2,000 troops to Belarus, while talks in Geneva go on – and shoppers shrug"


def test_the_sentence_comes_first_and_its_clauses_follow(taxonomy: Taxonomy) -> None:
    line = lines("title", TEXT, actors(("title", TEXT)), rules_of(taxonomy).grammar)[0]
    assert [unit.text for unit in units(line, TEXT)] == [
        TEXT,
        "Russia sends 2,000 troops to Belarus",
        "while talks in Geneva go on – and shoppers shrug",
    ]


def test_what_patterns_found_is_a_unit_of_its_own(taxonomy: Taxonomy) -> None:
    line = lines("title", TEXT, actors(("title", TEXT)), rules_of(taxonomy).grammar)[0]
    assert units(line, TEXT, [(1, 4)])[-1].text == "sends 2,000 troops"


def test_the_words_of_a_unit_name_no_actor_and_no_number(taxonomy: Taxonomy) -> None:
    line = lines("title", TEXT, actors(("title", TEXT)), rules_of(taxonomy).grammar)[0]
    assert units(line, TEXT)[1].words()[:6] == ["@", "send", "#", "troop", "to", "@"]


def test_words_come_single_and_in_pairs() -> None:
    assert list(grams(["hold", "talk"])) == ["hold", "talk", "hold talk"]


def test_endings_do_not_tell_words_apart() -> None:
    assert {stem(word) for word in ("invade", "invades", "invaded", "invading")} == {"invad"}
