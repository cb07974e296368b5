"""Persons that no list knows."""

from __future__ import annotations

import pytest
from actor_entries import Ask


@pytest.mark.parametrize(
    ("summary", "name", "role", "state"),
    [
        ("The attack was condemned by Foreign Minister Jane Roe.", "Jane Roe", "Foreign Minister", ""),
        ("Gen. John Q. Roe said the line would hold.", "John Q. Roe", "Gen.", ""),
        (
            "Latvian Deputy Defence Minister Janis Klavins-Berzins spoke.",
            "Janis Klavins-Berzins",
            "Latvian Deputy Defence Minister",
            "Latvia",
        ),
        ("The US special envoy to Iran Jane Roe resigned.", "Jane Roe", "US special envoy to Iran", "United States"),
        ("Norway's ambassador, Kari Roe, was summoned.", "Kari Roe", "Norway's ambassador", "Norway"),
        ("Karim bin Roe, a former presidential candidate, was jailed.", "Karim bin Roe", "a former presidential candidate", ""),
    ],
)
def test_a_title_or_a_post_makes_a_person(tag: Ask, summary: str, name: str, role: str, state: str) -> None:
    person = next(a for a in tag("", summary) if a.kind == "person")
    assert (person.name, person.role, person.state) == (name, role, state)


def test_a_later_surname_is_the_same_person(tag: Ask) -> None:
    (person,) = tag("Roe steps down", "Colonel Jane Roe had led the unit since May.", "Roe gave no reason.")
    assert person.id == "name:jane-roe"
    assert [(m.field, m.text) for m in person.mentions] == [("title", "Roe"), ("summary", "Jane Roe"), ("text", "Roe")]


@pytest.mark.parametrize(
    "summary",
    [
        "Prime Minister Johnson spoke.",
        "President Joe Biden spoke.",
    ],
)
def test_a_person_of_the_lists_is_no_stranger(tag: Ask, summary: str) -> None:
    assert all(a.role and not a.id.startswith("name:president") for a in tag("", summary) if a.kind == "person")
    assert len([a for a in tag("", summary) if a.kind == "person"]) == 1


@pytest.mark.parametrize(
    ("title", "summary"),
    [
        ("Prime Minister Vows To Fight On As Senator Returns Home", ""),
        ("", "The general strike entered its second day."),
        ("", "Our correspondent Jane Roe reports from the border."),
        ("", "The minister on Monday said nothing."),
        ("", "General Manager Jane Roe praised the team."),
        ("", "They met at the House, President Xi said."),
    ],
)
def test_what_only_looks_like_a_person_is_none(tag: Ask, title: str, summary: str) -> None:
    assert [a.name for a in tag(title, summary) if a.kind == "person" and a.name != "Xi Jinping"] == []
