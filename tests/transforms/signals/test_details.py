"""When, where, and who says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemas import Signal

Tag = Callable[..., tuple[Signal, ...]]


def first(signals: tuple[Signal, ...], kind: str) -> Signal:
    return next(s for s in signals if s.type == kind)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("Russia could attack Ukraine as early as next month, officials say", "INVASION_WARNING", "as early as next month"),
        ("Russia may invade Ukraine within weeks", "INVASION_WARNING", "within weeks"),
        ("Russia could invade Ukraine at any time", "INVASION_WARNING", "at any time"),
        ("Biden and Putin will meet on Tuesday", "TALKS", "on Tuesday"),
        ("Biden and Putin met on Tuesday", "TALKS", ""),
    ],
)
def test_what_is_coming_has_a_time(text: str, kind: str, words: str, tag: Tag) -> None:
    assert first(tag(text), kind).when == words


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("Russia is massing troops near Ukraine, a senior US official said", "a senior US official"),
        ("Russia is massing troops near Ukraine, according to people familiar with the talks", "people familiar with the talks"),
        ("Kyiv says that Russia is massing troops near Ukraine", "Kyiv"),
        ("Russia is massing troops near Ukraine, sources told a newspaper", "sources"),
        ("Russia is massing troops near Ukraine", ""),
    ],
)
def test_who_says_so_is_named_in_the_words_of_the_text(text: str, who: str, tag: Tag) -> None:
    assert first(tag(text), "TROOP_BUILDUP").attributed_to == who


@pytest.mark.parametrize(
    ("origin", "who"),
    [
        ("Lavrov the assault would likely begin at dawn", "Lavrov"),
        ("Lavrov Russian forces could leave", "Lavrov"),
        ("a former adviser to Putin", "a former adviser"),
        ("a report by the institute", "a report"),
        ("a US intelligence report seen by the paper", "a US intelligence report"),
        ("officials in Kyiv on Tuesday", "officials in Kyiv"),
        ("the president it would be mad", "the president"),
        ("satellites showing tanks", "satellites"),
        ("two sources close to the Kremlin", "two sources close to the Kremlin"),
        ("the head of the security council of Ukraine", "the head of the security council of Ukraine"),
        ("the Institute for War Studies the build-up continues", "the Institute for War Studies"),
        ("Stanford researcher Jane Doe", "Stanford researcher Jane Doe"),
        ("US Army Chief of Staff Gen. James Roe", "US Army Chief of Staff Gen. James Roe"),
    ],
)
def test_who_says_so_ends_where_the_name_or_office_ends(origin: str, who: str, tag: Tag) -> None:
    assert first(tag(f"Russia is massing troops near Ukraine, according to {origin}"), "TROOP_BUILDUP").attributed_to == who


@pytest.mark.parametrize(
    ("told", "who"),
    [
        ("A day after he met his ambassadors the president said that", "the president"),
        ("The head of the security council doesn't believe that", "The head of the security council"),
        ("Two people familiar with the plans said", "Two people familiar with the plans"),
    ],
)
def test_who_says_so_is_no_more_than_the_subject_of_the_saying(told: str, who: str, tag: Tag) -> None:
    assert first(tag(f"{told} Russia is massing troops near Ukraine"), "TROOP_BUILDUP").attributed_to == who


def test_the_reading_with_a_number_is_kept_of_two_of_the_same_claim(tag: Tag) -> None:
    signal = first(tag("Russian troops gather near Ukraine", "Russia has massed 90,000 troops near Ukraine."), "TROOP_BUILDUP")
    assert (signal.field, signal.quantity) == ("summary", 90_000)


def test_each_number_of_a_long_text_is_a_claim_and_each_has_its_own_speaker(tag: Callable[..., tuple]) -> None:
    text = (
        "Russia has massed nearly 80,000 troops near Ukraine, Gen. Joe Biden said last week, and has also set up field hospitals "
        "along the frontier of the country, sources said. A US intelligence report found that Russia could be preparing to "
        "invade Ukraine as soon as next month with as many as 150,000 troops."
    )
    signals = tag("", "", text)
    numbers = {s.quantity: s.when for s in signals if s.type == "TROOP_BUILDUP"}
    assert set(numbers) == {80_000, 150_000}
    assert numbers[150_000] == "as soon as next month"
    assert next(s.attributed_to for s in signals if s.type == "LOGISTICS_PREPARATION") == "sources"


def test_the_time_of_a_coming_event_is_resolved_against_the_day_of_the_entry(tag: Tag) -> None:
    text = "Russia could attack Ukraine as early as next month, officials say"
    signal = first(tag(text, published="2021-12-03T09:00:00+00:00"), "INVASION_WARNING")
    assert (signal.earliest, signal.latest) == ("2022-01-01", "2022-01-31")


@pytest.mark.parametrize(
    ("text", "kind", "where"),
    [
        ("Biden and Putin met in Geneva on Tuesday", "TALKS", "Geneva"),
        ("Russian missiles struck homes in eastern Ukraine", "ARMED_ATTACK", "eastern Ukraine"),
        ("Russian troops are massing near Yelnya", "TROOP_BUILDUP", "Yelnya"),
        ("Biden and Putin met in January", "TALKS", ""),
        ("Biden and Putin met", "TALKS", ""),
    ],
)
def test_a_signal_says_where(text: str, kind: str, where: str, tag: Tag) -> None:
    assert first(tag(text), kind).place == where


@pytest.mark.parametrize(
    ("text", "kind", "codes"),
    [
        ("Russia is massing troops near Ukraine", "TROOP_BUILDUP", ("MOBILIZE:troops", "154")),
        ("Biden and Putin met in Geneva", "TALKS", ("CONSULT", "040")),
        ("Biden and Putin will meet in Geneva", "TALKS", ("AGREE", "036")),
    ],
)
def test_a_signal_bears_the_codes_of_the_event_ontologies(text: str, kind: str, codes: tuple[str, str], tag: Tag) -> None:
    signal = first(tag(text), kind)
    assert (signal.plover, signal.cameo) == codes
