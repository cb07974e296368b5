"""Severity: of two claims that differ in one thing, the graver one scores higher; and how the ranks lie."""

from __future__ import annotations

import pytest
from factories import TYPES, a_claim, a_signal
from hypothesis import given
from hypothesis import strategies as st

from schemas import Claim, Signal
from schemas.alert import SEVERITIES
from transforms.alerts.severity import MODALITY, THRESHOLDS, is_indicator, rank_of, score_claim, strongest

KINDS = {kind.type: kind for kind in TYPES}


def score(claim: Claim, origins: int = 1, families: int = 1) -> float:
    return score_claim(claim, KINDS[claim.signal.type], origins, families).score


@pytest.mark.parametrize(
    ("graver", "lighter"),
    [
        (a_signal("ATTACK"), a_signal("BUILDUP")),
        (a_signal("BUILDUP"), a_signal("GESTURE")),
        (a_signal("BUILDUP", "asserted"), a_signal("BUILDUP", "planned")),
        (a_signal("BUILDUP", "planned"), a_signal("BUILDUP", "possible")),
        (a_signal("BUILDUP", "alleged"), a_signal("BUILDUP", "conditional")),
        (a_signal("BUILDUP", "conditional"), a_signal("BUILDUP", "denied")),
        (a_signal("BUILDUP", "denied"), a_signal("BUILDUP", "negated")),
        (a_signal("BUILDUP", "negated"), a_signal("BUILDUP", "historical")),
        (a_signal(quantity=100_000, unit="troops"), a_signal(quantity=2_000, unit="troops")),
        (a_signal(quantity=175_000, unit="soldiers"), a_signal(quantity=100_000, unit="soldiers")),
        (a_signal(when="within days"), a_signal(when="early next year")),
        (a_signal(when="as soon as next month"), a_signal()),
        (a_signal(), a_signal(when="in the coming years")),
        (a_signal(confidence=0.9), a_signal(confidence=0.6)),
        (a_signal(confidence=0.6), a_signal(confidence=0.5)),
        (a_signal(when="tomorrow"), a_signal(when="next week")),
    ],
)
def test_the_graver_of_two_statements_scores_higher(graver: object, lighter: object) -> None:
    assert score(a_claim(graver)) > score(a_claim(lighter))  # type: ignore[arg-type]


def test_sources_novelty_and_other_signals_raise_a_score() -> None:
    claim = a_claim(a_signal("SANCTION"))
    assert score(claim, origins=2) > score(claim, origins=1)
    assert score(claim, origins=4) > score(claim, origins=2)
    assert score(claim) > score(a_claim(a_signal("SANCTION"), novelty=0.2))
    assert score(claim, families=3) > score(claim, families=2) > score(claim, families=1)


@pytest.mark.parametrize(
    ("signal", "counts"),
    [
        (a_signal("BUILDUP"), True),
        (a_signal("BUILDUP", "possible"), True),
        (a_signal("BUILDUP", "denied"), False),
        (a_signal("ATTACK", "historical"), False),
        (a_signal("TALKS"), False),
        (a_signal("GESTURE"), False),
        (a_signal("BUILDUP", confidence=0.6), False),
    ],
)
def test_only_present_and_weighty_signs_of_danger_converge(signal: Signal, counts: bool) -> None:
    assert is_indicator(a_claim(signal), KINDS[signal.type]) is counts


def test_a_warning_is_the_event_itself() -> None:
    assert score(a_claim(a_signal("WARNING", "possible"))) > score(a_claim(a_signal("BUILDUP", "possible")))
    assert score(a_claim(a_signal("WARNING", "denied"))) == score(a_claim(a_signal("BUILDUP", "denied")))
    assert score(a_claim(a_signal("WARNING", "asserted"))) == score(a_claim(a_signal("BUILDUP", "asserted")))


def test_a_number_of_anything_but_forces_is_no_magnitude() -> None:
    assert score(a_claim(a_signal(quantity=500_000, unit="dollars"))) == score(a_claim(a_signal()))


@given(
    st.sampled_from(TYPES),
    st.sampled_from(sorted(MODALITY)),
    st.none() | st.integers(0, 10**15),
    st.sampled_from(["", "troops", "tanks"]),
    st.sampled_from(["", "tomorrow", "next month", "in ten years"]),
    st.integers(0, 50),
    st.integers(0, 20),
    st.floats(0, 1),
)
def test_any_score_lies_in_0_to_10_and_says_why(kind, modality, quantity, unit, when, origins, families, novelty) -> None:  # type: ignore[no-untyped-def]
    claim = a_claim(a_signal(kind.type, modality, quantity=quantity, unit=unit, when=when), novelty=novelty)
    scored = score_claim(claim, kind, origins, families)
    assert 0 <= scored.score <= 10
    assert scored.severity == SEVERITIES[scored.rank]
    assert all(factor.name and factor.why for factor in scored.factors)


@pytest.mark.parametrize(("value", "rank"), [(0, 0), (1.499, 0), (1.5, 1), (3, 2), (4.999, 2), (5, 3), (7.5, 4), (10, 4)])
def test_ranks_begin_at_their_thresholds(value: float, rank: int) -> None:
    assert rank_of(value) == rank
    assert len(THRESHOLDS) == len(SEVERITIES)


def test_the_highest_score_decides_and_of_equals_the_first_said() -> None:
    first, second = a_claim(a_signal("BUILDUP"), key="b"), a_claim(a_signal("BUILDUP"), key="a")
    lighter = a_claim(a_signal("GESTURE"))
    scored = [score_claim(c, KINDS[c.signal.type], 1, 1) for c in (lighter, first, second)]
    assert strongest(scored) is scored[1]
    assert strongest([]) is None
