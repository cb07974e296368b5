"""Common names that the rest of the entry makes certain, and scenes in which states are no actors. The sentences are ours."""

from __future__ import annotations

import pytest
from actor_entries import Ask


def names(actors) -> set[str]:
    return {a.name for a in actors}


@pytest.mark.parametrize(
    ("title", "day", "expected"),
    [
        ("Johnson to ring the Kremlin at noon", "2022-01-20", {"Boris Johnson", "Russia"}),
        ("Poland would pay dearly, warns Johnson", "2022-01-20", {"Boris Johnson", "Poland"}),
        ("Johnson to ring the Kremlin at noon", "1965-01-20", {"Lyndon B. Johnson", "Soviet Union"}),
        ("Johnson to ring the Kremlin at noon", "1935-01-20", {"Soviet Union"}),
        ("Johnson scores against Poland", "2022-01-20", {"Poland"}),
        ("Trump and Kim shake hands", "2018-06-12", {"Donald Trump", "Kim Jong Un"}),
        ("Nasa delays the Moon landing", "2021-11-10", {"NASA"}),
        ("The Moon has water, Japan finds", "2021-11-10", {"Japan"}),
        ("Patel takes ten wickets as Australia lose test match", "2021-11-10", set()),
    ],
)
def test_a_common_surname_is_who_holds_office_and_acts_among_others(tag: Ask, title: str, day: str, expected: set[str]) -> None:
    assert names(tag(title, day=day)) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Soviet tanks cross the river", {"Soviet Union"}),
        ("Soviet-era tanks cross the river", set()),
        ("Statues of former Soviet leaders fall", set()),
        ("Yugoslav army takes the border posts", {"Yugoslavia"}),
        ("West German police close the road", {"West Germany"}),
        ("Russian tanks leave Georgia", {"Russia", "Georgia"}),
        ("Georgian troops march home", {"Georgia"}),
        ("Georgian townhouse sold", set()),
        ("Georgia voters queue", set()),
        ("Congo sends a battalion", {"DR Congo"}),
        ("Boats meet on the Congo River", set()),
        ("Separatists shell a school in Ukraine", {"Donbas separatists", "Ukraine"}),
        ("Visa suspends all transfers", {"Visa"}),
        ("Visa rules eased for Norwegians", {"Norway"}),
        ("Siemens halts work over sanctions", {"Siemens"}),
        ("Siemens shows a new tram", set()),
        ("Western sanctions bite", {"West"}),
        ("The Americans have left", {"United States"}),
    ],
)
def test_names_of_past_states_companies_and_groups(tag: Ask, title: str, expected: set[str]) -> None:
    assert names(tag(title)) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Armenian brandy turns 130", set()),
        ("Orchestra of Venezuela plays all night", set()),
        ("Louvre sends Iranian museum its bronzes", set()),
        ("Missile hits Iranian museum", {"Iran"}),
        ("China puts tariffs on Chilean wine", {"China", "Chile"}),
    ],
)
def test_in_culture_states_are_no_actors_until_it_turns_to_politics(tag: Ask, title: str, expected: set[str]) -> None:
    assert names(tag(title)) == expected


def test_a_stranger_may_bear_a_name_of_the_lists(tag: Ask) -> None:
    (person,) = tag("", "The county was told by Prosecutor Jane Baker.")
    assert (person.name, person.kind) == ("Jane Baker", "person")
