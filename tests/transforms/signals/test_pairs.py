"""Minimal pairs: the same event told in two ways differs in exactly what the words changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemas import Signal

Tag = Callable[..., tuple[Signal, ...]]


def only(signals: tuple[Signal, ...], kind: str) -> Signal:
    found = [s for s in signals if s.type == kind]
    assert len(found) == 1, signals
    return found[0]


@pytest.mark.parametrize(
    ("text", "kind", "modality"),
    [
        ("Russia deploys troops to Belarus", "DEPLOYMENT_REINFORCEMENT", "asserted"),
        ("Russia will deploy troops to Belarus", "DEPLOYMENT_REINFORCEMENT", "planned"),
        ("Russia may deploy troops to Belarus", "DEPLOYMENT_REINFORCEMENT", "possible"),
        ("Russia denies deploying troops to Belarus", "DEPLOYMENT_REINFORCEMENT", "denied"),
        ("Russia did not deploy troops to Belarus", "DEPLOYMENT_REINFORCEMENT", "negated"),
        ("Russia deployed troops to Poland in 1968", "DEPLOYMENT_REINFORCEMENT", "historical"),
        ("Russia is deploying troops to Belarus, officials say", "DEPLOYMENT_REINFORCEMENT", "alleged"),
        ("If talks fail, France will send troops to Poland", "DEPLOYMENT_REINFORCEMENT", "conditional"),
        ("Russia could attack Ukraine", "INVASION_WARNING", "possible"),
        ("Russia has no plans to attack Ukraine", "INVASION_WARNING", "denied"),
        ("Russia denies that it will attack Ukraine", "INVASION_WARNING", "denied"),
        ("What happens if Russia attacks Ukraine?", "INVASION_WARNING", "conditional"),
        ("Russia attacks Ukraine", "ARMED_ATTACK", "asserted"),
        ("Russia attacked Ukraine in 2014", "ARMED_ATTACK", "historical"),
        ("Russia has attacked Ukraine, Kyiv says", "ARMED_ATTACK", "alleged"),
        ("Russia denies that it attacked Ukraine", "ARMED_ATTACK", "denied"),
        ("Biden and Putin hold talks", "TALKS", "asserted"),
        ("Biden and Putin will hold talks", "TALKS", "planned"),
        ("Biden and Putin could hold talks", "TALKS", "possible"),
        ("Russia withdraws its troops", "WITHDRAWAL_DRAWDOWN", "asserted"),
        ("Russia says it is withdrawing its troops", "WITHDRAWAL_DRAWDOWN", "alleged"),
        ("Russia plans to withdraw its troops", "WITHDRAWAL_DRAWDOWN", "planned"),
        ("Russia has not withdrawn its troops", "WITHDRAWAL_DRAWDOWN", "negated"),
        ("EU imposes sanctions on Russia", "SANCTION_IMPOSED", "asserted"),
        ("EU to impose sanctions on Russia", "SANCTION_IMPOSED", "planned"),
        ("EU threatens Russia with sanctions", "SANCTION_THREAT", "threatened"),
        ("EU threatens Russia with sanctions if it attacks", "SANCTION_THREAT", "conditional"),
        ("EU considers sanctions against Russia", "SANCTION_THREAT", "possible"),
    ],
)
def test_the_modality_is_that_of_the_words(text: str, kind: str, modality: str, tag: Tag) -> None:
    assert only(tag(text), kind).modality == modality


@pytest.mark.parametrize(
    ("text", "source", "target"),
    [
        ("France attacks Germany", "France", "Germany"),
        ("Germany attacks France", "Germany", "France"),
        ("Germany was attacked by France", "France", "Germany"),
        ("France was attacked by Germany", "Germany", "France"),
        ("French troops invaded Poland", "France", "Poland"),
        ("Poland was invaded by French troops", "France", "Poland"),
    ],
)
def test_active_and_passive_point_the_right_way(text: str, source: str, target: str, tag: Tag) -> None:
    signal = only(tag(text, watch="none"), "ARMED_ATTACK")
    assert (signal.source, signal.target) == (source, target)


def test_persons_and_bodies_act_for_their_state(tag: Tag) -> None:
    signal = only(tag("President Emmanuel Macron met Russian President Vladimir Putin"), "TALKS")
    assert (signal.source, signal.target) == ("France", "Russia")
    assert only(tag("The Pentagon sends more troops to Poland"), "DEPLOYMENT_REINFORCEMENT").source == "United States"


def test_who_reports_a_deed_is_not_who_does_it(tag: Tag) -> None:
    assert only(tag("Washington says Russia is massing troops near Ukraine"), "TROOP_BUILDUP").source == "Russia"


def test_who_utters_a_threat_is_who_makes_it(tag: Tag) -> None:
    signal = only(tag("Massive consequences if Russia attacks, EU says"), "SANCTION_THREAT")
    assert (signal.source, signal.target) == ("European Union", "Russia")


def test_each_of_several_partners_is_a_target(tag: Tag) -> None:
    said = {(s.source, s.target) for s in tag("Russia holds talks with Nato and the United States") if s.type == "TALKS"}
    assert said == {("Russia", "NATO"), ("Russia", "United States")}


def test_a_side_that_the_entry_does_not_name_is_not_filled_in(tag: Tag) -> None:
    assert only(tag("Fears of an invasion grow"), "INVASION_WARNING").source is None
    signal = only(tag("Fears of an invasion grow", "Ukraine waits, Moscow is silent."), "INVASION_WARNING")
    assert (signal.source, signal.target) == ("Russia", "Ukraine")


def test_a_watch_without_sides_takes_roles_from_the_words_alone(tag: Tag) -> None:
    signal = only(tag("Fears of an invasion grow", "Ukraine waits, Moscow is silent.", watch="none"), "INVASION_WARNING")
    assert (signal.source, signal.target) == (None, None)


def test_one_claim_is_told_once_however_often_it_is_repeated(tag: Tag) -> None:
    signals = tag(
        "Russia masses troops near Ukraine", "Russia has massed troops close to Ukraine. Russian troops gather near Ukraine."
    )
    assert [s.type for s in signals].count("TROOP_BUILDUP") == 1


def test_the_condition_of_a_threat_is_no_warning_of_its_own(tag: Tag) -> None:
    assert {s.type for s in tag("EU threatens Russia with sanctions if it invades Ukraine")} == {"SANCTION_THREAT"}


def test_evidence_is_a_part_and_not_the_whole(tag: Tag) -> None:
    signal = only(
        tag("After a long night of debate in parliament, EU imposes sanctions on Russia and its friends abroad"),
        "SANCTION_IMPOSED",
    )
    assert signal.evidence == "EU imposes sanctions on Russia"
