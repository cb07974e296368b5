"""Lint of the lists that are shipped: they say nothing twice, nothing in vain, and nothing that cannot be."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date
from itertools import pairwise

import pytest
from actor_entries import an_entry, listed

from schemas.watch import ActorSpec, Office
from transforms.actors import ActorTagger
from transforms.actors.lexicon import actor_id
from transforms.actors.plain import plain

WATCHES = ("ukraine", "taiwan-strait")
SPECS = listed("shared", "ukraine")
NOW = date(2026, 11, 1)


def wrong(found: object) -> object:
    """What pytest shows of a lint: nothing, or what is wrong."""
    return [f for f in found if f]  # type: ignore[attr-defined]


@pytest.mark.parametrize("watch", WATCHES)
def test_no_sure_name_means_two_actors(watch: str) -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for spec in listed("shared", watch):
        for name in (spec.name, *spec.aliases, *spec.stands_for, *spec.seats):
            if name not in spec.short_names:
                owners[name].add(spec.name)
    assert {name: who for name, who in owners.items() if len(who) > 1} == {}


@pytest.mark.parametrize("watch", WATCHES)
def test_no_two_actors_have_one_id(watch: str) -> None:
    ids: dict[str, set[str]] = defaultdict(set)
    for spec in listed("shared", watch):
        ids[actor_id(spec)].add(spec.name)
    assert {i: who for i, who in ids.items() if len(who) > 1} == {}


def test_an_id_is_a_wikidata_number_or_is_left_out() -> None:
    assert wrong(s.id if s.id and not re.fullmatch(r"wikidata:Q[1-9]\d*", s.id) else "" for s in SPECS) == []


def test_no_actor_repeats_a_name_of_its_own() -> None:
    names = {s.name: (s.name, *s.aliases, *s.stands_for, *s.seats) for s in SPECS}
    assert {who: own for who, own in names.items() if len(set(own)) < len(own)} == {}


def test_names_are_written_as_they_are_compared() -> None:
    names = [n for s in SPECS for n in (s.name, *s.aliases, *s.stands_for, *s.seats, *s.short_names, *s.decoys)]
    assert wrong(n if n != plain(n) or n != n.strip() else "" for n in names) == []


def test_every_actor_that_another_acts_for_is_listed() -> None:
    for lists in (("shared",), ("shared", "ukraine"), ("shared", "taiwan-strait")):
        specs = listed(*lists)
        meant = {s.state for s in specs} | {o.of for s in specs for o in s.offices}
        assert meant - {s.name for s in specs} == {""}


def test_a_short_name_can_be_made_certain() -> None:
    """By its actor's full name, by a title of office, or by the entry: so one that is all there is needs a context."""
    assert wrong(s.name if s.name in s.short_names and not s.context else "" for s in SPECS) == []


def test_offices_begin_before_they_end_and_have_begun() -> None:
    every = [(s.name, o) for s in SPECS for o in s.offices]
    assert wrong((who, o.title) if o.since and o.until and o.since >= o.until else () for who, o in every) == []
    assert wrong((who, o.title) if (o.since or date.min) > NOW or (o.until or date.min) > NOW else () for who, o in every) == []


def test_who_had_an_office_is_told_since_when() -> None:
    assert wrong((s.name, o.title) if o.since is None else () for s in SPECS for o in s.offices) == []


def test_nobody_holds_one_office_twice_at_a_time() -> None:
    found = [(s.name, a.title) for s in SPECS for a, b in pairs(s.offices) if a.title == b.title and overlap(a, b)]
    assert found == []


HEADS = re.compile(r"(President|Prime Minister|Chancellor|Premier|Foreign Minister|Defence Minister|UK \w+ Secretary) ?.*")


def test_no_two_persons_hold_one_of_the_first_offices_of_a_state_at_a_time() -> None:
    holders: dict[str, list[tuple[Office, str]]] = defaultdict(list)
    for spec in SPECS:
        for office in spec.offices:
            if spec.kind == "person" and HEADS.fullmatch(office.title):
                holders[office.title].append((office, spec.name))
    clashes = [
        (title, first, second)
        for title, held in holders.items()
        for (a, first), (b, second) in pairwise(sorted(held, key=lambda h: h[0].since or date.min))
        if overlap(a, b)
    ]
    assert clashes == []


def test_the_shared_list_knows_the_world() -> None:
    states = [s for s in listed("shared") if s.kind == "state"]
    assert len(states) >= 195
    assert all(s.id.startswith("wikidata:Q") for s in states if s.name != "Hong Kong")


def test_every_state_has_a_code_of_three_letters_and_its_own() -> None:
    states = [s for s in SPECS if s.kind == "state"]
    assert wrong(s.name if len(s.code) != 3 else "" for s in states) == []
    assert len({s.code for s in states}) == len(states)


def test_every_body_force_and_organisation_has_a_code(tagger: ActorTagger) -> None:
    assert wrong(s.name if s.kind != "person" and not tagger.codes.of(s) else "" for s in SPECS) == []


@pytest.mark.parametrize("kind", ["state", "person", "government", "military", "organization", "group"])
def test_every_name_is_found_where_it_stands(tagger: ActorTagger, kind: str) -> None:
    missed = [(s.name, n) for s in SPECS if s.kind == kind for n in sure_names(s) if not found(tagger, s, n)]
    assert missed == []


@pytest.mark.parametrize("kind", ["state", "person", "government", "military", "organization", "group"])
def test_no_decoy_names_its_actor(tagger: ActorTagger, kind: str) -> None:
    named = [(s.name, d) for s in SPECS if s.kind == kind for d in s.decoys if found(tagger, s, d)]
    assert named == []


def sure_names(spec: ActorSpec) -> list[str]:
    return [n for n in (spec.name, *spec.aliases, *spec.stands_for) if n not in spec.short_names]


def found(tagger: ActorTagger, spec: ActorSpec, name: str) -> bool:
    return spec.name in {a.name for a in tagger.tag(an_entry("", f"it is {name} that they meant"))}


def pairs(offices: tuple[Office, ...]) -> list[tuple[Office, Office]]:
    return [(a, b) for i, a in enumerate(offices) for b in offices[i + 1 :]]


def overlap(a: Office, b: Office) -> bool:
    return (a.since or date.min) < (b.until or date.max) and (b.since or date.min) < (a.until or date.max)
