"""Towns that stand for the governments that sit in them, and those that are only towns. The sentences are ours."""

from __future__ import annotations

import pytest
from actor_entries import Ask

from transforms.actors.seats import _ing, _past, _third, seat_words


def names(actors) -> set[str]:
    return {a.name for a in actors}


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Oslo rejects a truce with Stockholm", {"Norway", "Sweden"}),
        ("Tokyo lists its conditions", {"Japan"}),
        ("Oslo has never accepted the border", {"Norway"}),
        ("Oslo reportedly plans a counter-offer", {"Norway"}),
        ("Oslo won't send its envoy", {"Norway"}),
        ("Oslo and Tokyo hand in one note", {"Norway", "Japan"}),
        ('Oslo "no longer insists" on a deal', {"Norway"}),
        ("Oslo to recall its ambassador", {"Norway"}),
        ("Oslo: no order was given", {"Norway"}),
        ("Envoys leave. Oslo: please stay", {"Norway"}),
        ('"A provocation": Oslo on ship movements', {"Norway"}),
        ("Oslo to Tokyo: take your ships home", {"Norway", "Japan"}),
        ("The report makes Oslo nervous", {"Norway"}),
        ("They would answer in kind if Oslo reciprocates", {"Norway"}),
        ("They demand that Oslo answer", {"Norway"}),
        ("It was unacceptable to Oslo", {"Norway"}),
        ("An Oslo-brokered truce holds", {"Norway"}),
        ("A pro-Oslo party wins", {"Norway"}),
        ("Officials in Oslo doubt the claim", {"Norway"}),
        ("The ambassador to Oslo goes home", {"Norway"}),
        ("No end to Oslo's latest demands", {"Norway"}),
        ("The plan ignores Oslo's insistence on guarantees", {"Norway"}),
        ("The end of the talks, says Oslo", {"Norway"}),
        ("Nothing to add, replies Oslo", {"Norway"}),
        ("Is Oslo shrinking its fleet?", {"Norway"}),
        ("What would Oslo do next?", {"Norway"}),
        ("Oslo and its allies wait", {"Norway"}),
        ("An Oslo negotiator goes home", {"Norway"}),
        ("The ministry in Oslo has no comment", {"Norway"}),
        ("No word on Oslo's naval build-up", {"Norway"}),
        ("All evidence points to Oslo", {"Norway"}),
        ("The screws tighten on Oslo", {"Norway"}),
        ("Oslo, Tokyo and Rome had begged for time", {"Norway", "Japan", "Italy"}),
        ("Oslo alone decides", {"Norway"}),
        ("The draft has Oslo give up its claim", {"Norway"}),
        ("No ships for free - Oslo", {"Norway"}),
        ("Half the fleet is in Bergen, Oslo complains", {"Norway"}),
        ('Oslo has "all evidence" of a plot', {"Norway"}),
        ("Oslo mothballs its icebreakers", {"Norway"}),
        ("Oslo, Tokyo trade barbs", {"Norway", "Japan"}),
        ("Sweden mocks Oslo's paper", {"Sweden", "Norway"}),
        ("Sweden wonders: why does the treaty irk Oslo?", {"Sweden", "Norway"}),
    ],
)
def test_a_seat_that_acts_or_is_dealt_with_is_a_government(tag: Ask, title: str, expected: set[str]) -> None:
    assert names(tag(title)) == expected


@pytest.mark.parametrize(
    "title",
    [
        "Explosions heard in Oslo",
        "Talks open in Oslo",
        "Trams stop near Oslo and Tokyo",
        "A fire tears through Oslo",
        "Soldiers besiege Oslo",
        "The army took Oslo",
        "Oslo was shelled at dawn",
        "Oslo's parks are full",
        "Oslo's new trams, and who pays for them",
        "The Oslo summit ends",
        "They shut the Oslo embassy",
        "He says Oslo crash was avoidable",
        "The mayor of Oslo says no",
        "A road to Oslo must close",
        "Oslo residents sleep",
        "Is Oslo worth a weekend?",
        "What Oslo trains cost",
        "Oslo and its suburbs",
        "In Oslo, Tokyo and Rome shops shut",
        "Ferry from Tokyo-Oslo",
        "All roads lead to Oslo",
        "Oslo stocks down for third day",
        "Oslo trains off again over strike",
        "Oslo riots a wake-up call",
    ],
)
def test_a_town_where_things_happen_is_no_government(tag: Ask, title: str) -> None:
    assert tag(title) == ()


@pytest.mark.parametrize(
    "title",
    [
        "Sweden's queen flies to Oslo",
        "Sweden sends a choir through Oslo",
        "Sweden, famous Oslo trams and rain",
        "Convoy from Sweden nears Oslo",
        "Sweden wins the Oslo regatta",
        "Sweden's tanks roll toward Oslo",
        "Sweden's column stalls 30 km north of Oslo",
        "Sweden fails to take Oslo",
        "Sweden's singer goes home after Oslo",
        "Sweden's premier leaves for Malmo, Oslo",
    ],
)
def test_a_town_remains_one_in_the_company_of_actors(tag: Ask, title: str) -> None:
    assert names(tag(title)) == {"Sweden"}


def test_a_seat_joined_to_what_it_backs_is_a_government(tag: Ask) -> None:
    """Although the two are one name of the list."""
    assert names(tag("Moscow-backed separatists shell a school in Ukraine")) == {"Donbas separatists", "Russia", "Ukraine"}


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("deny", ("denies", "denied", "denying")),
        ("ban", ("bans", "banned", "banning")),
        ("expel", ("expels", "expelled", "expelling")),
        ("veto", ("vetoes", "vetoed", "vetoing")),
        ("freeze", ("freezes", "freezed", "freezing")),
        ("agree", ("agrees", "agreed", "agreeing")),
        ("impose", ("imposes", "imposed", "imposing")),
        ("delay", ("delays", "delayed", "delaying")),
        ("open", ("opens", "opened", "opening")),
    ],
)
def test_verbs_are_found_in_every_form(verb: str, forms: tuple[str, str, str]) -> None:
    """The regular ones: "froze" is on the list of irregular forms."""
    assert (_third(verb), _past(verb), _ing(verb)) == forms


def test_the_words_are_written_as_they_are_compared() -> None:
    words = seat_words()
    assert [w for field in type(words).model_fields for w in getattr(words, field) if w != w.lower()] == []


@pytest.mark.parametrize(
    ("title", "day", "expected"),
    [
        ("Moscow rejects the note", "1962-10-24", {"Soviet Union"}),
        ("The Kremlin rejects the note", "1991-12-25", {"Soviet Union"}),
        ("The Kremlin rejects the note", "1991-12-26", {"Russia"}),
        ("Russia rejects the note", "1914-07-28", {"Russia"}),
        ("Vienna rejects the reply", "1914-07-28", {"Austria-Hungary"}),
        ("Vienna rejects the reply", "1968-08-22", {"Austria"}),
        ("Prague accepts the terms", "1968-08-22", {"Czechoslovakia"}),
        ("Shops in Prague shut", "1968-08-22", set()),
    ],
)
def test_a_seat_is_that_of_the_state_of_its_day(tag: Ask, title: str, day: str, expected: set[str]) -> None:
    assert names(tag(title, day=day)) == expected


def test_a_name_of_the_past_is_one_that_another_actor_has_now(tagger) -> None:
    past = [(s, name) for s in tagger.specs for name in s.then_called]
    assert [s.name for s, name in past if not tagger.lexicon.senses_of(name) or s.until is None] == []
