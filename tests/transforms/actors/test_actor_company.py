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
        ("Japan's Kishida declines", "2022-01-20", {"Fumio Kishida", "Japan"}),
        ("Norway's Johnson declines", "2022-01-20", {"Norway"}),
        ("UK's Wallace declines", "1995-01-20", {"United Kingdom"}),
        ("Trump will meet Kim by May", "2018-03-09", {"Donald Trump", "Kim Jong Un"}),
        ('"No way back": Johnson at the Kremlin gate', "2022-01-20", {"Boris Johnson", "Russia"}),
        ("Scholz, Johnson, Harris: who sits where", "2022-02-18", {"Olaf Scholz", "Boris Johnson", "Kamala Harris"}),
        ("Wallace's remark annoys Poland: the defence secretary explains", "2022-02-13", {"Ben Wallace", "Poland"}),
        ("Wallace's smile charms Poland", "2022-02-13", {"Poland"}),
        ("Bennett's remark annoys Poland: the prime minister explains", "2022-02-13", {"Poland"}),
        ("Bennett's remark annoys Israel: the prime minister explains", "2022-02-13", {"Naftali Bennett", "Israel"}),
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
        ("Norway tells Americans to leave", {"Norway", "United States"}),
        ("Downing Street is silent", {"United Kingdom"}),
        ("Chelsea sanctions row: owner leaves", {"Chelsea FC"}),
        ("Chelsea win at home", set()),
        ("UN General Assembly opens", {"UN General Assembly", "United Nations"}),
        ("Norway asks the EU Commission", {"European Commission", "European Union", "Norway"}),
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
        ("Norway out of Eurovision", {"Norway"}),
        ("Norway wins Eurovision", set()),
        ("Norwegian warships lie off the opera house", {"Norway"}),
        ("Uefa and Fifa suspend Norwegian teams before the World Cup qualifier", {"UEFA", "FIFA", "Norway"}),
    ],
)
def test_in_culture_states_are_no_actors_until_it_turns_to_politics(tag: Ask, title: str, expected: set[str]) -> None:
    assert names(tag(title)) == expected


def test_a_stranger_may_bear_a_name_of_the_lists(tag: Ask) -> None:
    (person,) = tag("", "The county was told by Prosecutor Jane Baker.")
    assert (person.name, person.kind) == ("Jane Baker", "person")


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("The Security Council votes on a truce", {"UN Security Council"}),
        ("Poland's Security Council votes on a truce", {"Poland"}),
        ("Polish Security Council votes on a truce", {"Poland"}),
        ("Duda chairs Security Council before the vote", {"Andrzej Duda"}),
        ("Security Council chief sees no truce", set()),
    ],
)
def test_a_council_that_somebody_owns_is_not_that_of_the_united_nations(tag: Ask, title: str, expected: set[str]) -> None:
    assert {a.name for a in tag(title)} == expected
