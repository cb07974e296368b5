"""The score: near the description, far from the decoys, who is named, and what is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from factories import a_report, a_signal, a_watch, an_entry, vector
from hypothesis import given
from hypothesis import strategies as st

from schemas import Actor, Report
from schemas.watch import Gate, Relevance, Sides
from transforms.embedding.model import DIMENSIONS, Vectors
from transforms.relevance.score import RelevanceScorer

WATCH = a_watch().model_copy(
    update={
        "sides": Sides(challenger=("Norland",), target=("Sudland",), backers=("Westland",)),
        "gate": Gate(places=("port alma",)),
        "relevance": Relevance(description=("0",), decoys=("1",), threshold=0.5),
    }
)


class Axes:
    """The text is the number of the axis."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.stack([np.frombuffer(vector(int(text)), "<f4") for text in texts])


SCORER = RelevanceScorer(WATCH, Axes())


def actors(*names: str) -> tuple[Actor, ...]:
    return tuple(Actor(f"name:{n}", n, "state", "", "", (), ()) for n in names)


def report(description: float, decoy: float, *names: str, title: str = "They sail") -> Report:
    """A report at the given similarities to description and decoy."""
    values = np.zeros(DIMENSIONS, "<f4")
    values[:3] = description, decoy, np.sqrt(1 - description**2 - decoy**2)
    return a_report(an_entry(title=title, summary=""), actors=actors(*names), vector=values.tobytes())


def test_near_the_description_is_relevant_near_a_decoy_is_not() -> None:
    assert SCORER.score(report(0.7, 0.2, "Norland")) > 0.95
    assert SCORER.score(report(0.2, 0.7, "Norland")) < 0.05
    assert SCORER.outcome(0.5) == "relevant"
    assert SCORER.outcome(0.4999) == "not relevant"


def test_who_is_named_decides_where_similarity_does_not() -> None:
    by_sides = [
        SCORER.score(report(0.45, 0.42, *names))
        for names in (("Norland", "Sudland"), ("Norland", "Westland"), ("Norland",), ("Westland",))
    ]
    assert by_sides == sorted(by_sides, reverse=True)
    assert by_sides[0] > 0.5 > by_sides[-1]


def test_a_person_counts_for_the_state_it_acts_for() -> None:
    minister = Actor("name:minister", "Jane Roe", "person", "", "Sudland", (), ())
    base = report(0.45, 0.42)
    named = Report("islands", base.entry, actors=(minister, *actors("Norland")), vector=base.vector)
    assert SCORER.score(named) == SCORER.score(report(0.45, 0.42, "Norland", "Sudland"))


def test_a_place_counts_for_the_target() -> None:
    assert SCORER.score(report(0.45, 0.42, "Norland", title="Port Alma burns")) == SCORER.score(
        report(0.45, 0.42, "Norland", "Sudland")
    )


def test_a_signal_counts_in_an_entry_that_names_a_side() -> None:
    def signalled(*names: str, confidence: float = 0.9) -> float:
        return SCORER.score(replace(report(0.45, 0.42, *names), signals=(a_signal(confidence=confidence),)))

    assert signalled("Norland") > SCORER.score(report(0.45, 0.42, "Norland"))
    assert signalled("Westland") > SCORER.score(report(0.45, 0.42, "Westland"))
    assert signalled() == SCORER.score(report(0.45, 0.42))
    assert signalled("Norland", confidence=0.3) == SCORER.score(report(0.45, 0.42, "Norland"))


@given(st.floats(0, 0.7), st.floats(0, 0.7), st.floats(0, 0.2))
def test_nearer_to_the_description_never_scores_less(description: float, decoy: float, more: float) -> None:
    assert SCORER.score(report(min(description + more, 0.7), decoy)) >= SCORER.score(report(description, decoy))
    assert 0 <= SCORER.score(report(description, decoy)) <= 1


def test_a_watch_without_decoys_scores_by_its_description() -> None:
    watch = WATCH.model_copy(update={"relevance": Relevance(description=("0",))})
    scorer = RelevanceScorer(watch, NoText())
    assert scorer.score(report(0.6, 0, "Norland")) > 0.5 > scorer.score(report(0.01, 0, "Norland"))


class NoText(Axes):
    def embed(self, texts: Sequence[str]) -> Vectors:
        return super().embed(texts) if texts else np.zeros((0, DIMENSIONS), np.float32)


def test_a_report_without_a_vector_is_an_error() -> None:
    with pytest.raises(ValueError, match="no vector"):
        SCORER.score(a_report(vector=b""))
