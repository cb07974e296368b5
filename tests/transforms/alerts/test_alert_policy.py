"""The policy, case by case: which revision of a story is worth a person's attention, and what it says of the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from factories import HOUR, NOON, a_claim, a_signal, a_story, a_story_entry, a_watch
from hypothesis import given
from hypothesis import strategies as st

from schemas import Judgement, Story
from schemas.alert import SEVERITIES
from transforms.alerts import AlertPolicy

BUILDUP = a_claim(a_signal("BUILDUP"))
GESTURE = a_claim(a_signal("GESTURE"))
OLD_BUILDUP = a_claim(a_signal("BUILDUP"), novelty=0.2)


def judge(story: Story, log_time: int = NOON, alert_on_backfill: bool = False, **policy: Any) -> Judgement:
    return AlertPolicy(a_watch(**policy), alert_on_backfill)(story, log_time)


def follow_up(*claims: Any, hours: float = 1, outlet: str = "Other News", **fields: Any) -> Story:
    """A story of two entries whose first alerted at MEDIUM or above, unless `fields` say otherwise."""
    second = a_story_entry("entry-2", NOON + round(hours * HOUR), outlet=outlet, backfill=fields.pop("backfill", False))
    defaults: dict[str, Any] = {"alerted_rank": 3, "alerted_at": NOON, "alerts": 1, "reached_rank": 3}
    return a_story(*claims, entries=(a_story_entry(), second), **{**defaults, **fields})


NEVER = {"alerted_rank": -1, "alerted_at": None, "alerts": 0}


@dataclass(frozen=True)
class Case:
    name: str
    story: Story
    alert: bool
    reason: str
    log_time: int = NOON
    policy: tuple[tuple[str, Any], ...] = ()
    alert_on_backfill: bool = False


CASES = (
    Case("a story without signals", a_story(), False, "no signal"),
    Case("a signal of a type that the taxonomy lost", a_story(a_claim(a_signal("GONE"))), False, "no signal"),
    Case("a serious claim founds a story", a_story(BUILDUP), True, "new in this watch: build-up"),
    Case("a trifle founds a story", a_story(GESTURE), False, "severity INFO is below the watch's MEDIUM"),
    Case("a trifle, where they count", a_story(GESTURE), True, "new in this watch: gesture", policy=(("min_severity", "INFO"),)),
    Case("background said again", a_story(OLD_BUILDUP), False, "below the watch's MEDIUM"),
    Case("a denial of the serious", a_story(a_claim(a_signal("BUILDUP", "denied"))), False, "below"),
    Case("what happened years ago", a_story(a_claim(a_signal("ATTACK", "historical"))), False, "below"),
    Case(
        "the feed held it before the watch began",
        a_story(BUILDUP, entries=(a_story_entry(backfill=True),)),
        False,
        "the feed held it before the watch began",
    ),
    Case(
        "the same, where backfill may alert",
        a_story(BUILDUP, entries=(a_story_entry(backfill=True),)),
        True,
        "new in this watch",
        alert_on_backfill=True,
    ),
    Case("as old as may be", a_story(BUILDUP), True, "new in this watch", log_time=NOON + 48 * HOUR),
    Case("too old", a_story(BUILDUP), False, "it is 49 h older than the news", log_time=NOON + 49 * HOUR),
    Case(
        "the limit is the watch's",
        a_story(BUILDUP),
        False,
        "limit is 2 h",
        log_time=NOON + 3 * HOUR,
        policy=(("max_alert_age_hours", 2),),
    ),
    Case(
        "a copy of another entry's wording",
        follow_up(BUILDUP, relation="duplicate", reached_rank=-1),
        False,
        "repeats the wording",
    ),
    Case(
        "a copy whose headline puts a claim that the watch has heard in another way",
        follow_up(BUILDUP, replace(a_claim(a_signal("ATTACK"), novelty=0.9), revision=2), relation="duplicate"),
        False,
        "repeats the wording",
    ),
    Case(
        "a copy whose headline gives the story's claim another mood",
        follow_up(BUILDUP, replace(a_claim(a_signal("BUILDUP", "possible")), revision=2), relation="duplicate"),
        False,
        "nothing serious that the story had not said",
    ),
    Case(
        "a copy to which an editor has added what nobody had said",
        follow_up(BUILDUP, replace(a_claim(a_signal("ATTACK")), revision=2), relation="duplicate"),
        True,
        "the severity rises",
    ),
    Case("another outlet says the same", follow_up(BUILDUP), False, "nothing serious that the story had not said"),
    Case(
        "other words for the same, hours later",
        follow_up(BUILDUP, hours=20, outlet="Plain News"),
        False,
        "nothing serious that the story had not said",
    ),
    Case(
        "a new claim as serious, too soon",
        follow_up(BUILDUP, replace(a_claim(a_signal("SANCTION")), revision=2), hours=5.9),
        False,
        "alerted 5.9 h ago at this severity, quiet for 6 h",
    ),
    Case(
        "a new claim as serious, after the quiet",
        follow_up(BUILDUP, replace(a_claim(a_signal("SANCTION")), revision=2), hours=6),
        True,
        "new in this watch: sanction",
    ),
    Case(
        "a late arrival from before the alert is as quiet",
        follow_up(BUILDUP, replace(a_claim(a_signal("SANCTION")), revision=2), hours=-3),
        False,
        "alerted 0.0 h ago",
    ),
    Case(
        "a graver claim does not wait for the quiet to end",
        follow_up(BUILDUP, replace(a_claim(a_signal("ATTACK")), revision=2), hours=0.1),
        True,
        "the severity rises from HIGH to CRITICAL",
    ),
    Case(
        "a second source lifts what was too weak to alert",
        follow_up(a_claim(a_signal("SANCTION", "planned"), outlets=("Plain News", "Other News")), **NEVER, reached_rank=1),
        True,
        "more sources lift it to MEDIUM",
    ),
    Case(
        "a second source lifts what has alerted",
        follow_up(a_claim(a_signal("BUILDUP"), outlets=("A", "B", "C", "D")), alerted_rank=3, reached_rank=3),
        True,
        "the severity rises from HIGH to CRITICAL",
    ),
    Case(
        "a further entry of an outlet that was counted lifts nothing",
        follow_up(a_claim(a_signal("SANCTION", "planned"), outlets=("Plain News", "Other News")), **NEVER, reached_rank=2),
        False,
        "nothing serious that the story had not said",
    ),
    Case(
        "a live report of what was backfilled brings nothing new",
        follow_up(BUILDUP, **NEVER, reached_rank=3),
        False,
        "nothing serious that the story had not said",
    ),
    Case(
        "a live report that adds to what was backfilled",
        follow_up(BUILDUP, replace(a_claim(a_signal("SANCTION")), revision=2), **NEVER, reached_rank=3),
        True,
        "new in this watch: sanction",
    ),
    Case(
        "a trifle in a serious story",
        follow_up(BUILDUP, replace(GESTURE, revision=2), hours=20),
        False,
        "nothing serious that the story had not said",
    ),
    Case(
        "an edit that adds a serious claim",
        follow_up(GESTURE, replace(BUILDUP, revision=2), **NEVER, reached_rank=0, relation="update"),
        True,
        "new in this watch: build-up",
    ),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_policy(case: Case) -> None:
    judgement = judge(case.story, case.log_time, case.alert_on_backfill, **dict(case.policy))
    assert judgement.alert is case.alert, judgement.reason
    assert case.reason in judgement.reason


SANCTION = replace(a_claim(a_signal("SANCTION")), revision=2)


def test_what_quiet_hours_hold_back_is_told_with_the_next_report_after_them() -> None:
    quiet = judge(follow_up(BUILDUP, SANCTION, hours=1))
    assert (quiet.alert, quiet.held) == (False, (SANCTION.key,))
    later = judge(follow_up(BUILDUP, SANCTION, hours=7, revision=3, held=quiet.held))
    assert (later.alert, later.changed, later.held) == (True, (SANCTION.key,), ())
    assert "new in this watch: sanction" in later.reason


def test_a_copy_neither_tells_nor_loses_what_is_held_back() -> None:
    copy = judge(follow_up(BUILDUP, SANCTION, hours=7, revision=3, held=(SANCTION.key,), relation="duplicate"))
    assert (copy.alert, copy.held) == (False, (SANCTION.key,))


def test_what_was_never_news_is_not_held_back() -> None:
    assert judge(follow_up(BUILDUP, SANCTION, hours=1, backfill=True)).held == ()
    assert judge(follow_up(BUILDUP, SANCTION, hours=1), log_time=NOON + 100 * HOUR).held == ()


def test_a_judgement_names_severity_score_factors_and_what_changed() -> None:
    judgement = judge(follow_up(OLD_BUILDUP, replace(a_claim(a_signal("ATTACK")), revision=2), GESTURE))
    assert (judgement.severity, judgement.rank) == (SEVERITIES[judgement.rank], 4)
    assert judgement.changed == ("ATTACK|asserted|Norland|Sudland",)
    product = 1.0
    for factor in judgement.factors:
        product *= factor.value
    assert judgement.score == pytest.approx(product, abs=0.02)
    assert judgement.factors[0].name == "weight"
    assert all(factor.why for factor in judgement.factors)


claims = st.lists(
    st.builds(
        lambda kind, modality, revision, novelty, outlets: a_claim(
            a_signal(kind, modality), revision, tuple(f"Outlet {i}" for i in range(outlets)), novelty=novelty
        ),
        st.sampled_from(["BUILDUP", "ATTACK", "SANCTION", "TALKS", "GESTURE"]),
        st.sampled_from(["asserted", "denied", "possible", "planned", "historical"]),
        st.integers(1, 2),
        st.sampled_from([0.2, 1.0]),
        st.integers(1, 6),
    ),
    max_size=5,
)


@given(claims, st.integers(-1, 4), st.integers(-1, 4), st.floats(0, 100), st.sampled_from(["report", "duplicate", "update"]))
def test_any_alert_is_serious_recent_and_either_new_or_a_rise(
    said: list[Any], alerted: int, reached: int, hours: float, relation: str
) -> None:
    fields = {"alerted_rank": alerted, "alerted_at": NOON if alerted >= 0 else None, "reached_rank": max(alerted, reached)}
    story = follow_up(*said, hours=hours, relation=relation, **fields)
    judgement = judge(story, NOON + 60 * HOUR)
    assert judgement == judge(story, NOON + 60 * HOUR)
    assert judgement.reason
    if judgement.alert:
        assert judgement.rank >= SEVERITIES.index("MEDIUM")
        assert relation != "duplicate" or judgement.changed
        assert hours >= 11.9
        assert judgement.changed or judgement.rank > max(alerted, reached)
