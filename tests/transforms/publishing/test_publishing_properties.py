"""Whatever an alert holds, it arrives valid and whole, or a dead letter says why; and it never holds up another."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import apache_beam as beam
import fastavro
import pytest
from apache_beam.testing.util import assert_that, equal_to
from cloud import Cloud
from factories import NOON, a_claim, a_signal, a_story, a_watch
from fastavro.validation import validate
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alert import SEVERITIES, Alert, AlertActor, AlertEntry, alert_json, alert_schema
from transforms.alerts import AlertPolicy, alert_of
from transforms.publishing import PublishAlerts
from transforms.publishing.limits import problem
from transforms.publishing.messages import alert_message
from transforms.publishing.trimming import MAX_ALERT_BYTES, alert_data

SCHEMA = fastavro.parse_schema(alert_schema())
TITLES = st.one_of(
    st.text(max_size=200),
    st.text("🚀𝔘ß\u202e\x00\u2028", min_size=1, max_size=60),
    st.integers(1, 4).map(lambda n: "🚀" * 7_500 * n),  # 30 kB and more
)


def one_alert(**fields: Any) -> Alert:
    story = a_story(a_claim(a_signal("BUILDUP")), a_claim(a_signal("TALKS"), revision=0), id="story-1")
    story = replace(story, judgement=AlertPolicy(a_watch())(story, NOON), alerts=1)
    return replace(alert_of(story, a_watch()), **fields)


ALERT = one_alert()


@st.composite
def alerts(draw: st.DrawFn) -> Alert:
    rank = draw(st.integers(0, 4))
    entries = draw(st.lists(TITLES, min_size=1, max_size=20))
    signals = draw(st.lists(st.tuples(TITLES, st.booleans()), min_size=1, max_size=25))
    names = draw(st.lists(TITLES, max_size=60))
    signal = ALERT.signals[0]
    return replace(
        ALERT,
        alert_id=draw(st.uuids()).hex,
        watch=draw(TITLES),
        headline=draw(TITLES),
        severity=SEVERITIES[rank],
        severity_rank=rank,
        score=draw(st.floats(allow_nan=False, allow_infinity=False)),
        entries=tuple(AlertEntry(str(n), 1, title, "", title, NOON, "") for n, title in enumerate(entries)),
        signals=tuple(replace(signal, type=f"TYPE_{n}", evidence=words, new=new) for n, (words, new) in enumerate(signals)),
        actors=tuple(AlertActor(f"name:{n}", name, "state", "", "", 1) for n, name in enumerate(names)),
    )


@given(alerts())
@settings(max_examples=200)
def test_every_alert_is_valid_within_the_limits_and_verbatim_in_what_it_holds(alert: Alert) -> None:
    message = alert_message(alert)
    assert problem(message) == ""
    assert len(message.data) <= MAX_ALERT_BYTES
    assert b"\n" not in message.data
    told = json.loads(message.data)
    assert validate(told, SCHEMA, strict=True)
    assert [e["title"] for e in told["entries"]] == [e.title for e in alert.entries][-len(told["entries"]) :]
    evidence = [s.evidence for s in alert.signals]
    assert all(s["evidence"] in evidence for s in told["signals"])
    assert told["entries"]
    assert told["signals"]
    assert told["entry_count"] == alert.entry_count
    assert ("trimmed" in message.attributes) == (len(alert_json(alert)) > MAX_ALERT_BYTES)


def test_a_large_alert_leaves_out_the_oldest_entries_first_and_says_so() -> None:
    entries = tuple(AlertEntry(str(n), 1, "o", "", "🚀" * 20_000, NOON, "") for n in range(20))
    data, left_out = alert_data(replace(ALERT, entries=entries))
    kept = [e["id"] for e in json.loads(data)["entries"]]
    assert kept == [str(n) for n in range(20 - len(kept), 20)]
    assert left_out == f"entries={20 - len(kept)}"
    assert MAX_ALERT_BYTES - 85_000 < len(data) <= MAX_ALERT_BYTES, "no more than it must"


def test_then_what_was_known_then_actors_then_the_weakest_of_what_is_new() -> None:
    def signal(name: str, new: bool) -> Any:
        return replace(ALERT.signals[0], type=name, evidence="x" * 300_000, new=new)

    actors = (AlertActor("name:a", "A" * 300_000, "state", "", "", 1),)
    strongest, known, weakest = signal("STRONGEST", True), signal("KNOWN", False), signal("WEAKEST", True)
    four = replace(ALERT, signals=(strongest, known, weakest), actors=actors)
    data, left_out = alert_data(four)
    assert left_out == "signals=1"
    assert [s["type"] for s in json.loads(data)["signals"]] == ["STRONGEST", "WEAKEST"]
    more = replace(four, signals=(strongest, known, weakest, signal("WEAKER", True)))
    data, left_out = alert_data(more)
    assert left_out == "actors=1 signals=1"
    assert [s["type"] for s in json.loads(data)["signals"]] == ["STRONGEST", "WEAKEST", "WEAKER"]
    data, left_out = alert_data(replace(more, signals=(*more.signals, signal("WEAKER_STILL", True))))
    assert left_out == "actors=1 signals=2"
    assert [s["type"] for s in json.loads(data)["signals"]] == ["STRONGEST", "WEAKEST", "WEAKER"]


@pytest.mark.parametrize(
    ("fields", "reason", "words"),
    [
        ({"summary": "x" * 11_000_000}, "not-written", "even with one entry and one signal"),
        ({"score": float("nan")}, "not-written", "not JSON compliant"),
        ({"score": float("inf")}, "not-written", "not JSON compliant"),
        ({"event_time": 10**18}, "not-written", "OverflowError"),
    ],
)
def test_an_alert_that_cannot_pass_is_a_dead_letter_and_blocks_no_other(
    emulator: Cloud, fields: dict[str, Any], reason: str, words: str
) -> None:
    topic = emulator.topic("alerts")
    first, bad, last = one_alert(alert_id="first"), one_alert(alert_id="bad", **fields), one_alert(alert_id="last")
    with beam.Pipeline(runner="BundleBasedDirectRunner") as pipeline:
        dead = pipeline | beam.Create([[first, bad, last]]) | beam.FlatMap(lambda alerts: alerts) | PublishAlerts(topic)
        told = dead | beam.Map(lambda f: (f.stage, f.reason, f.subject, words in f.error, bool(f.payload)))
        assert_that(told, equal_to([("PublishAlerts", reason, "bad", True, True)]))
    assert [m.attributes["alert_id"] for m in emulator.received(topic)] == ["first", "last"]


def test_half_a_surrogate_pair_is_no_alert() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        alert_message(one_alert(headline="\ud83d"))
