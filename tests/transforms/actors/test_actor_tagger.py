"""Who is named in an entry: the sentences are ours."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from actor_entries import Ask, an_entry

from schemas.watch import ActorSpec, Office
from transforms.actors import ActorTagger
from transforms.actors.scratch import RENEWED_AFTER


def names(actors) -> set[str]:
    return {a.name for a in actors}


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Russian tanks roll past a village", {"Russia"}),
        ("UK PM flies home early", {"United Kingdom"}),
        ("Kremlin shrugs off the report", {"Russia"}),
        ("Talks with Putin's envoys stall", {"Vladimir Putin"}),
        ("Talks with Putin’s envoys stall", {"Vladimir Putin"}),
        ("US-Russia hotline is silent", {"United States", "Russia"}),
        ("U.S.-led drill ends", {"United States"}),
        ("A Biden/Putin phone call is planned", {"Joe Biden", "Vladimir Putin"}),
        ("Biden–Putin phone call is planned", {"Joe Biden", "Vladimir Putin"}),
        ("“Zelenskiy” is spelled in many ways", {"Volodymyr Zelensky"}),
        ("Zelenskyy and Zelensky are one man", {"Volodymyr Zelensky"}),
        ("PUTIN TELLS NATO TO STAY AWAY FROM UKRAINE", {"Vladimir Putin", "NATO", "Ukraine"}),
        ("Nato ships enter the bay", {"NATO"}),
        ("Erdoğan and Orbán talk about gas", {"Recep Tayyip Erdogan", "Viktor Orban"}),
        ("Poland, Lithuania and Latvia close ranks", {"Poland", "Lithuania", "Latvia"}),
        ("The president met the prime minister", set()),
        ("He told us that they saw us", set()),
        ("Who knew it? The WHO did", {"World Health Organization"}),
    ],
)
def test_adjectives_surnames_spellings_and_punctuation(tag: Ask, title: str, expected: set[str]) -> None:
    assert names(tag(title)) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("UN Security Council votes at night", {"UN Security Council", "United Nations"}),
        ("Ethiopian Airlines orders new jets", set()),
        ("Washington Post wins a prize", set()),
        ("Fans cheer at the Australian Open", set()),
        ("South Korean vessel leaves port", {"South Korea"}),
        ("Papua New Guinea floods the market with coffee", {"Papua New Guinea"}),
        ("Ukrainian National Guard parades", {"National Guard of Ukraine", "Ukraine"}),
        ("Russian-backed separatists hold an election", {"Donbas separatists", "Russia"}),
        ("Michelle Obama signs books", set()),
        ("A West End stage opens again", set()),
    ],
)
def test_the_longest_name_wins_and_a_state_inside_it_counts(tag: Ask, title: str, expected: set[str]) -> None:
    assert names(tag(title)) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Moscow says the drill is over", {"Russia"}),
        ("Berlin warns of a hard winter", {"Germany"}),
        ("Allies send a message to Beijing", {"China"}),
        ("Washington and Tehran trade barbs", {"United States", "Iran"}),
        ("Talks between Moscow and Kyiv collapse", {"Russia", "Ukraine"}),
        ("Arms deliveries to Kyiv are late", {"Ukraine"}),
        ("Thousands march in Berlin", set()),
        ("Flights between London and Paris resume", set()),
        ("Shops in London and Paris open late", set()),
        ("He flew to Rome on Friday", set()),
        ("Ministers met in Geneva, Switzerland", set()),
    ],
)
def test_a_capital_is_a_government_where_it_acts_and_a_place_where_things_happen(
    tag: Ask, title: str, expected: set[str]
) -> None:
    assert names(tag(title)) == expected


def test_a_dateline_is_no_mention(tag: Ask) -> None:
    (russia,) = tag("", "MOSCOW (AP) - Russia has closed two consulates.")
    assert [m.text for m in russia.mentions] == ["Russia"]


def test_a_place_is_a_mention_of_a_state_that_acts_elsewhere(tag: Ask) -> None:
    actors = tag("Sweden offers to host talks", "Delegates would meet in Uppsala, Sweden.")
    assert [len(a.mentions) for a in actors if a.name == "Sweden"] == [2]


@pytest.mark.parametrize(
    ("title", "summary", "expected"),
    [
        ("Johnson under fire", "The prime minister faces new questions.", {"Boris Johnson"}),
        ("Boris Johnson leaves early", "Johnson gave no reason.", {"Boris Johnson"}),
        ("Prime Minister Johnson leaves early", "", {"Boris Johnson"}),
        ("Johnson scores twice in the derby", "", set()),
        ("Ron Johnson keeps his seat", "The prime minister abroad took note.", {"Ron Johnson"}),
        ("Senator Johnson speaks", "The prime minister of Norway listened.", {"Norway"}),
        ("Defense Secretary Austin lands", "", {"Lloyd Austin"}),
        ("Rain ruins a concert in Austin", "", set()),
        ("Jake Sullivan answers", "Sullivan chose his words.", {"Jake Sullivan"}),
        ("Georgia recounts its votes", "Atlanta waits.", set()),
        ("Georgia protests", "Tbilisi says shots were fired from Abkhazia.", {"Georgia", "Abkhazia"}),
        ("Michael Jordan sells a house", "", set()),
        ("Israel and Jordan share water", "", {"Israel", "Jordan"}),
        ("Separatists shell a school", "It stands in the Donetsk region.", {"Donbas separatists"}),
        ("Separatists march in Barcelona", "", set()),
        ("Taylor Swift sings", "Fans pay by card as payments fail.", set()),
    ],
)
def test_a_common_name_needs_company(tag: Ask, title: str, summary: str, expected: set[str]) -> None:
    assert names(tag(title, summary)) == expected


def test_of_two_persons_with_one_surname_the_one_named_in_full_is_meant(tag: Ask) -> None:
    assert names(tag("Hillary Clinton speaks", "Clinton left soon after.")) == {"Hillary Clinton"}
    assert names(tag("Bill Clinton speaks", "Clinton left soon after.")) == {"Bill Clinton"}


@pytest.mark.parametrize("title", ["JOIN US IN PARIS THIS SPRING", "WHO WON THE DERBY LAST NIGHT"])
def test_a_word_in_capitals_among_capitals_is_no_acronym(tag: Ask, title: str) -> None:
    assert tag(title) == ()


@pytest.mark.parametrize(
    ("title", "summary", "expected"),
    [
        ("Norway v Ukraine: team news", "", set()),
        ("Norway 2-1 Ukraine", "A late goal settles it.", set()),
        ("Striker's hat-trick sends Poland through", "", set()),
        ("Russia banned from World Cup over war", "", {"Russia"}),
        ("Bus crash in Bulgaria kills nine", "", set()),
        ("Landslide in Nepal", "The army has sent troops.", {"Nepal"}),
        ("Landslide in Nepal", "A village is buried.", set()),
        ("Putin watches Russia win the semi-final", "", {"Vladimir Putin", "Russia"}),
    ],
)
def test_teams_and_scenes_of_accidents_are_no_actors(tag: Ask, title: str, summary: str, expected: set[str]) -> None:
    assert names(tag(title, summary)) == expected


@pytest.mark.parametrize(
    ("title", "name", "state"),
    [
        ("Poland's defence ministry denies it", "Polish Ministry of Defence", "Poland"),
        ("The Ministry of Defence of Estonia denies it", "Estonian Ministry of Defence", "Estonia"),
        ("Japanese Foreign Ministry summons envoy", "Japanese Foreign Ministry", "Japan"),
    ],
)
def test_ministries_are_called_after_their_state(tag: Ask, title: str, name: str, state: str) -> None:
    actors = {a.name: a for a in tag(title)}
    assert set(actors) == {name, state}
    assert (actors[name].kind, actors[name].state) == ("government", state)


@pytest.mark.parametrize(
    ("day", "role"),
    [
        ("2021-09-14", ""),
        ("2021-09-15", "UK Foreign Secretary"),
        ("2022-09-05", "UK Foreign Secretary"),
        ("2022-09-06", "Prime Minister of the United Kingdom"),
        ("2022-10-25", ""),
    ],
)
def test_the_role_is_the_office_held_on_the_day(tag: Ask, day: str, role: str) -> None:
    (truss,) = tag("Truss speaks", day=day)
    assert truss.role == role


def test_mentions_give_the_words_of_the_field_and_actors_come_in_order(tag: Ask) -> None:
    entry = an_entry(
        "Zelenskyy’s answer", "Mr Putin has not replied to Zelenskyy.", "In Kyiv, Ukraine’s cabinet met. Côte d’Ivoire voted."
    )
    actors = tag(entry.title, entry.summary, entry.text)
    for actor in actors:
        assert actor.mentions
        for m in actor.mentions:
            assert getattr(entry, m.field)[m.start : m.end] == m.text
    assert [a.name for a in actors] == ["Volodymyr Zelensky", "Vladimir Putin", "Ukraine", "Ivory Coast"]
    assert [m.field for m in actors[0].mentions] == ["title", "summary"]


def test_offsets_count_code_points_beyond_the_basic_plane(tag: Ask) -> None:
    (nato,) = tag("🚨🚨 Nato meets")
    assert (nato.mentions[0].start, nato.mentions[0].end, nato.mentions[0].text) == (3, 7, "Nato")


def test_an_entry_without_words_has_no_actors(tag: Ask) -> None:
    assert tag("", " \n ", "") == ()


def test_a_name_in_lower_case_is_found_with_any_capitals() -> None:
    spec = ActorSpec(name="Norland", kind="state", aliases=("island league",), offices=(Office(title="Host"),))
    (norland,) = ActorTagger((spec,)).tag(an_entry("The Island League meets"))
    assert (norland.id, norland.role, norland.mentions[0].text) == ("name:norland", "Host", "Island League")


def test_a_watch_own_actor_has_a_name_before_a_shared_one() -> None:
    shared = ActorSpec(name="Northern Fleet of Norland", kind="military", aliases=("Northern Fleet",))
    own = ActorSpec(name="Northern Fleet of Sudland", kind="military", aliases=("Northern Fleet",))
    assert names(ActorTagger((shared, own)).tag(an_entry("Northern Fleet sails"))) == {"Northern Fleet of Sudland"}


def test_the_words_of_past_entries_are_forgotten() -> None:
    tagger = ActorTagger((ActorSpec(name="Norland", kind="state"),))
    strings = tagger.lexicon.nlp.vocab.strings
    known = len(strings)
    for i in range(2 * RENEWED_AFTER + 1):
        (norland,) = tagger.tag(an_entry(f"Norland sends note{i}"))
        assert norland.name == "Norland"
    assert len(strings) < known + RENEWED_AFTER


def test_threads_share_a_tagger() -> None:
    tagger = ActorTagger((ActorSpec(name="Norland", kind="state"),))
    entries = [an_entry(f"Norland sends note{i}") for i in range(500)]
    with ThreadPoolExecutor(4) as pool:
        assert {names(a) == {"Norland"} for a in pool.map(tagger.tag, entries)} == {True}
