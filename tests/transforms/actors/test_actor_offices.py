"""Who is meant by an office without a name, and by a noun that stands for an actor."""

from __future__ import annotations

import pytest
from actor_entries import Ask


@pytest.mark.parametrize(
    ("title", "day", "state", "holder"),
    [
        ("UK PM flies home", "2022-02-10", "United Kingdom", "Boris Johnson"),
        ("UK PM flies home", "2022-10-01", "United Kingdom", "Liz Truss"),
        ("The Ukrainian defence minister spoke", "2022-02-10", "Ukraine", "Oleksiy Reznikov"),
        ("The Ukrainian defense minister spoke", "2021-11-01", "Ukraine", "Andriy Taran"),
        ("Russia's foreign minister spoke", "2022-02-10", "Russia", "Sergey Lavrov"),
        ("German chancellor to visit", "2021-12-07", "Germany", "Angela Merkel"),
        ("German chancellor to visit", "2021-12-08", "Germany", "Olaf Scholz"),
        ("US secretary of state lands", "2022-02-10", "United States", "Antony Blinken"),
        ("US under secretary of state lands", "2022-02-10", "United States", "Victoria Nuland"),
        ("The former US president spoke", "2022-02-10", "United States", ""),
        ("US President Jane Roe spoke in the film", "2022-02-10", "United States", ""),
        ("US vice president spoke", "2022-02-10", "United States", "Kamala Harris"),
        ("French culture minister spoke", "2022-02-10", "France", ""),
        ("Two US ministers spoke", "2022-02-10", "United States", ""),
    ],
)
def test_an_office_is_told_with_who_held_it_on_the_day(tag: Ask, title: str, day: str, state: str, holder: str) -> None:
    (named,) = (a for a in tag("", title, day=day) if a.name == state)
    assert [m.holder for m in named.mentions] == [holder]


def test_an_office_alone_names_its_state_and_nobody_else(tag: Ask) -> None:
    assert {a.name for a in tag("UK PM calls Russia's president", day="2022-02-10")} == {"United Kingdom", "Russia"}


@pytest.mark.parametrize(
    ("title", "summary", "name", "mentions"),
    [
        ("Nato sends ships", "The alliance has two in the bay.", "NATO", ["Nato", "The alliance"]),
        ("Nato sends ships", "The 30-nation military alliance met.", "NATO", ["Nato", "The 30-nation military alliance"]),
        ("EU splits", "The 27-nation bloc could not agree.", "European Union", ["EU", "The 27-nation bloc"]),
        ("Nato waits", "The alliance between two parties fell apart.", "NATO", ["Nato"]),
        ("Nato waits", "An alliance of farmers marched.", "NATO", ["Nato"]),
    ],
)
def test_a_noun_means_the_actor_that_the_entry_names(tag: Ask, title: str, summary: str, name: str, mentions: list[str]) -> None:
    (actor,) = (a for a in tag(title, summary) if a.name == name)
    assert [m.text for m in actor.mentions] == mentions


def test_a_noun_alone_names_nobody(tag: Ask) -> None:
    assert tag("The alliance is at odds", "The bloc cannot agree.") == ()
