"""From a judged story to the alert: what a subscriber is told, and under which id."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import apache_beam as beam
import fastavro
import pytest
from apache_beam.testing.util import assert_that, equal_to
from factories import HOUR, NOON, a_claim, a_signal, a_story, a_story_entry, a_watch
from fastavro.validation import validate
from hypothesis import given
from hypothesis import strategies as st

from schemas import Actor, Story
from schemas.alert import Alert, alert_json, alert_schema
from transforms.alerts import AlertPolicy, RaiseAlerts, alert_of

ENGINE = "BundleBasedDirectRunner"
SIGNAL = a_signal(quantity=100_000, unit="troops", when="next month", attributed_to="Gen. Ray Holt")


def judged(story: Story) -> Story:
    """The story as the fold hands it out: judged, and with its alert on the books."""
    judgement = AlertPolicy(a_watch())(story, story.last_time)
    story = replace(story, judgement=judgement, reached_rank=max(story.reached_rank, judgement.rank))
    if judgement.alert:
        story = replace(story, alerted_rank=judgement.rank, alerted_at=story.last_time, alerts=story.alerts + 1)
    return story


def alert(story: Story) -> Alert:
    return alert_of(judged(story), a_watch(), ("all-MiniLM-L6-v2",))


def an_actor(name: str) -> Actor:
    return Actor(f"name:{name}", name, "state", "", "", (), ())


def test_an_alert_carries_the_words_and_where_they_stand() -> None:
    raised = alert(a_story(a_claim(SIGNAL)))
    (signal,) = raised.signals
    assert (signal.evidence, signal.field, signal.start, signal.end, signal.entry_id) == (
        SIGNAL.evidence,
        "title",
        0,
        21,
        "entry-1",
    )
    assert (signal.quantity, signal.unit, signal.when, signal.attributed_to) == (100_000, "troops", "next month", "Gen. Ray Holt")
    assert (signal.label, signal.direction, signal.new, signal.novelty) == ("build-up", "escalatory", True, 1.0)
    assert "“Norland gathers ships”, according to Gen. Ray Holt" in raised.summary
    assert "Norland → Sudland" in raised.summary
    assert "Reported by one outlet." in raised.summary


def test_the_first_alert_of_a_story_triggers_and_a_later_one_updates() -> None:
    first = judged(a_story(a_claim()))
    assert alert_of(first, a_watch()).action == "TRIGGER"
    attack = replace(a_claim(a_signal("ATTACK")), revision=2)
    later = replace(
        first,
        revision=2,
        claims=(*first.claims, attack),
        entries=(*first.entries, a_story_entry("entry-2", NOON + HOUR)),
        latest="entry-2",
        last_time=NOON + HOUR,
    )
    raised = alert_of(judged(later), a_watch())
    assert (raised.action, raised.revision, raised.story_id) == ("UPDATE", 2, "story-1")
    assert [(s.type, s.new) for s in raised.signals] == [("ATTACK", True), ("BUILDUP", False)]
    assert raised.event_time == NOON + HOUR
    assert raised.first_time == NOON


def test_the_actors_are_counted_by_the_entries_that_name_them() -> None:
    raised = alert(a_story(a_claim(SIGNAL), actors=(an_actor("Sudland"), an_actor("Norland")), named=(1, 3)))
    assert [(a.name, a.mentions) for a in raised.actors] == [("Norland", 3), ("Sudland", 1)]


def test_the_same_revision_has_the_same_id_whatever_the_release_or_the_entry_count_says() -> None:
    story = a_story(a_claim(SIGNAL))
    one, other = alert(story), alert(replace(story, entry_count=7, title="other", outlets=("A", "B")))
    assert one.alert_id == other.alert_id
    assert len(one.alert_id) == 32
    assert int(one.alert_id, 16) >= 0


@pytest.mark.parametrize(
    "change",
    [
        {"id": "story-2"},
        {"watch": "mountains"},
        {"claims": (a_claim(a_signal("ATTACK")),)},
        {"claims": (a_claim(SIGNAL), a_claim(a_signal("SANCTION")))},
    ],
    ids=["another story", "another watch", "another claim", "one more claim"],
)
def test_what_differs_has_another_id(change: dict[str, Any]) -> None:
    story = a_story(a_claim(SIGNAL))
    assert alert(story).alert_id != alert(replace(story, **change)).alert_id


def test_the_order_of_the_claims_does_not_matter_to_the_id() -> None:
    claims = (a_claim(SIGNAL), a_claim(a_signal("SANCTION")))
    assert alert(a_story(*claims)).alert_id == alert(a_story(*reversed(claims))).alert_id


def test_a_story_that_was_not_judged_worth_it_is_no_alert() -> None:
    with pytest.raises(ValueError, match="not judged worth"):
        alert_of(a_story(), a_watch())
    with pytest.raises(ValueError, match="not judged worth"):
        alert(a_story(a_claim(a_signal("GESTURE"))))


def test_what_is_long_is_cut_and_what_is_much_is_limited() -> None:
    entries = tuple(a_story_entry(f"entry-{i:03}", NOON + i, title="word " * 100) for i in range(50))
    claims = tuple(a_claim(a_signal(evidence="x" * 500), key=f"key-{i}", revision=50) for i in range(200))
    actors = tuple(an_actor(f"Actor {i}") for i in range(50))
    raised = alert(a_story(*claims, entries=entries, actors=actors, named=(1,) * 50, entry_count=900, origin_count=880))
    assert (len(raised.headline), len(raised.summary)) == (200, 2000)
    assert raised.headline.endswith("…")
    assert (len(raised.signals), len(raised.actors), len(raised.entries)) == (40, 20, 20)
    assert raised.entries[-1].id == "entry-049"
    assert (raised.entry_count, raised.origin_count) == (900, 880)


def test_copies_are_told_apart_from_reports() -> None:
    entries = (a_story_entry(), a_story_entry("entry-2", outlet="Other News", duplicate_of="entry-1"))
    claim = replace(a_claim(SIGNAL), revision=2)
    raised = alert(a_story(claim, entries=entries, origin_count=1))
    assert raised.summary.endswith("Reported by 2 outlets, 1 copy not counted.")
    assert [e.duplicate_of for e in raised.entries] == ["", "entry-1"]


def test_the_producer_names_the_configuration_and_the_models() -> None:
    producer = alert(a_story(a_claim(SIGNAL))).producer
    assert (producer.name, producer.config_hash, producer.models) == ("vedette", a_watch().config_hash, ("all-MiniLM-L6-v2",))
    assert producer.version


@given(
    st.lists(st.sampled_from(["BUILDUP", "ATTACK", "SANCTION"]), min_size=1, max_size=3, unique=True),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=300),
    st.none() | st.sampled_from(["Norland", "Ä"]),
)
def test_any_alert_that_is_rendered_validates_against_the_contract(kinds: list[str], title: str, source: str | None) -> None:
    claims = [a_claim(a_signal(kind, source=source, target=None, quantity=None)) for kind in kinds]
    raised = alert(a_story(*claims, entries=(a_story_entry(title=title),)))
    assert validate(json.loads(alert_json(raised)), fastavro.parse_schema(alert_schema()), strict=True)
    assert raised.headline


def test_raise_alerts_renders_what_alerts_and_lets_the_rest_go() -> None:
    worth, trifle = judged(a_story(a_claim(SIGNAL))), judged(a_story(a_claim(a_signal("GESTURE"))))
    with beam.Pipeline(runner=ENGINE) as pipeline:
        raised = pipeline | beam.Create([worth, trifle, a_story()]) | RaiseAlerts(a_watch())
        assert_that(raised.alerts | beam.Map(lambda a: a.alert_id), equal_to([alert_of(worth, a_watch()).alert_id]))
        assert_that(raised.failures, equal_to([]), label="no failures")


def test_a_revision_that_cannot_be_rendered_is_a_dead_letter_and_the_rest_goes_on() -> None:
    worth = judged(a_story(a_claim(SIGNAL)))
    broken = replace(worth, id="story-2", latest="nobody")
    with beam.Pipeline(runner=ENGINE) as pipeline:
        raised = pipeline | beam.Create([broken, worth]) | RaiseAlerts(a_watch())
        assert_that(raised.alerts | beam.Map(lambda a: a.story_id), equal_to(["story-1"]))
        dead = raised.failures | beam.Map(lambda f: (f.stage, f.reason, f.subject, "story-2" in f.payload))
        assert_that(dead, equal_to([("RaiseAlerts", "not-rendered", "story story-2", True)]), label="failures")
