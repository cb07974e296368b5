"""The wide gate: words and names that let an entry in."""

from __future__ import annotations

import pytest
from factories import a_report, a_watch, an_entry

from schemas import Actor
from schemas.watch import Gate, Watch
from transforms.relevance.gate import EntryGate

WATCH = a_watch().model_copy(
    update={
        "gate": Gate(actors=("Norland",), terms=("the strait's", "sudland*", "no-sail zone", "fleet"), places=("port alma",)),
    }
)


def passes(title: str = "", summary: str = "", text: str = "", watch: Watch = WATCH) -> bool:
    return EntryGate(watch).passes(a_report(an_entry(title=title, summary=summary, text=text)))


@pytest.mark.parametrize(
    "words",
    [
        "A fleet sails",
        "THE FLEET SAILS",
        "Sudlanders wait",
        "sudland",
        "Life in the strait’s towns",
        "Who polices the No-Sail\n Zone?",
        "Fire in Port Alma",
    ],
)
def test_a_term_opens_the_gate_in_any_field(words: str) -> None:
    assert passes(title=words)
    assert passes(summary=words)
    assert passes(text=words)


@pytest.mark.parametrize("words", ["Fleeting joy", "A new sudlan dish", "The strait", "unfleet", "Report Almanac", ""])
def test_other_words_do_not(words: str) -> None:
    assert not passes(title=words, summary=words, text=words)


def test_an_actor_opens_it_by_its_canonical_name() -> None:
    actor = Actor("q1", "Norland", "state", "", "", (), ())
    entry = an_entry(title="They sail", summary="")
    assert EntryGate(WATCH).passes(a_report(entry, actors=(actor,)))
    assert not EntryGate(WATCH).passes(a_report(entry, actors=(Actor("q2", "Westland", "state", "", "", (), ()),)))


def test_one_who_acts_for_an_actor_of_the_gate_opens_it_too() -> None:
    minister = Actor("q3", "Jane Roe", "person", "", "Norland", (), ())
    assert EntryGate(WATCH).passes(a_report(an_entry(title="Roe waits", summary=""), actors=(minister,)))


def test_a_gate_without_terms_is_closed() -> None:
    assert not passes("Anything", watch=WATCH.model_copy(update={"gate": Gate()}))
