"""The lists that are shipped say nothing twice and nothing in vain."""

from __future__ import annotations

from collections import defaultdict

import pytest
from actor_entries import an_entry, listed

from schemas.watch import ActorSpec
from transforms.actors import ActorTagger
from transforms.actors.lexicon import actor_id

SPECS = listed("shared", "ukraine")


def test_no_sure_name_means_two_actors() -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for spec in SPECS:
        for name in (spec.name, *spec.aliases, *spec.stands_for, *spec.seats):
            if name not in spec.short_names:
                owners[name].add(spec.name)
    assert {name: who for name, who in owners.items() if len(who) > 1} == {}


def test_no_two_actors_have_one_id() -> None:
    ids: dict[str, set[str]] = defaultdict(set)
    for spec in SPECS:
        ids[actor_id(spec)].add(spec.name)
    assert {i: who for i, who in ids.items() if len(who) > 1} == {}


def test_every_state_that_an_actor_acts_for_is_listed() -> None:
    known = {s.name for s in SPECS}
    assert {s.state for s in SPECS if s.state} <= known
    assert {s.state for s in listed("shared") if s.state} <= {s.name for s in listed("shared")}


def test_offices_begin_before_they_end() -> None:
    wrong = [(s.name, o.title) for s in SPECS for o in s.offices if o.since and o.until and o.since >= o.until]
    assert wrong == []


def test_the_shared_list_knows_the_world() -> None:
    states = [s for s in listed("shared") if s.kind == "state"]
    assert len(states) >= 195
    assert all(s.id.startswith("wikidata:Q") for s in states if s.name != "Hong Kong")


@pytest.mark.parametrize("kind", ["state", "person", "government", "military", "organization", "group"])
def test_every_name_is_found_where_it_stands(tagger: ActorTagger, kind: str) -> None:
    missed = [(s.name, n) for s in SPECS if s.kind == kind for n in sure_names(s) if not found(tagger, s, n)]
    assert missed == []


def sure_names(spec: ActorSpec) -> list[str]:
    return [n for n in (spec.name, *spec.aliases, *spec.stands_for) if n not in spec.short_names]


def found(tagger: ActorTagger, spec: ActorSpec, name: str) -> bool:
    return spec.name in {a.name for a in tagger.tag(an_entry("", f"it is {name} that they meant"))}
