"""Records reach their topics by Google's client; what a topic refuses is a dead letter, and the rest goes on."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import apache_beam as beam
import fastavro
import pytest
from apache_beam.testing.util import assert_that, equal_to
from cloud import Cloud
from factories import NOON, a_claim, a_signal, a_story, a_watch, an_entry
from fastavro.validation import validate

from schemas import Actor, Entry, Failure, failure, from_json
from schemas.alert import SEVERITIES, Alert, alert_schema
from transforms.alerts import AlertPolicy, alert_of
from transforms.publishing import PublishAlerts, PublishEntries, PublishFailures, client, messages
from transforms.publishing.client import Unavailable, check_endpoint, publish_all
from transforms.publishing.limits import Message, within_limits
from transforms.publishing.messages import alert_message, entry_messages, failure_message

ENGINE = "BundleBasedDirectRunner"
CLIENTS_OWN = dict.fromkeys(("topic", "data", "self", "retry", "timeout", "ordering_key", "attrs"), "1")
"""Attributes that the client's own `publish` cannot send: they are the names of its arguments."""


def an_alert(story_id: str = "story-1", **fields: Any) -> Alert:
    story = a_story(a_claim(a_signal("BUILDUP")), a_claim(a_signal("TALKS"), revision=0), id=story_id)
    story = replace(story, judgement=AlertPolicy(a_watch())(story, NOON), alerts=1)
    return replace(alert_of(story, a_watch()), **fields)


def publish(transform: beam.PTransform, records: Iterable[Any], refused: list[Any] | None = None) -> None:
    """Run the transform over the records in one bundle; `refused`: (stage, reason, subject) of the failures to come."""
    with beam.Pipeline(runner=ENGINE) as pipeline:
        failures = pipeline | beam.Create([list(records)]) | beam.FlatMap(lambda rs: rs) | transform
        told = failures | beam.Map(lambda f: (f.stage, f.reason, f.subject))
        assert_that(told, equal_to(refused or []))


def too_large(n: int = 1) -> Entry:
    """An entry above the service's 10 MB."""
    return an_entry(f"large-{n}", text="x" * 10_000_001)


def test_one_message_carries_many_entries_a_line_each() -> None:
    entries = [an_entry(f"e{i}", title="Zwölf\nZeilen") for i in range(30)]
    (message,) = entry_messages(entries)
    assert [from_json(Entry, line) for line in message.data.split(b"\n")] == entries
    assert message.attributes == {"content-type": "application/x-ndjson", "entries": "30"}
    assert message.subject == "30 entries from https://plain.example/feed"


def test_a_message_stays_below_what_a_client_can_receive() -> None:
    entries = [an_entry(f"e{i}", text="x" * 300_000) for i in range(7)]
    batches = list(entry_messages(entries))
    assert [b.attributes["entries"] for b in batches] == ["3", "3", "1"]
    assert all(len(b.data) <= messages.MAX_DATA_BYTES for b in batches)
    assert [from_json(Entry, line).id for b in batches for line in b.data.split(b"\n")] == [e.id for e in entries]
    assert list(entry_messages([])) == []


def test_an_alerts_attributes_are_what_subscriptions_filter_on() -> None:
    actors = tuple(replace_name(name) for name in ("NATO", "Sergej Świątek", "Северия"))
    attributes = alert_message(an_alert(actors=actors)).attributes
    assert attributes["watch"] == "islands"
    assert attributes["alert_id"] == attributes["ce-id"] == an_alert().alert_id
    assert attributes["action"] == "TRIGGER"
    assert attributes["ce-type"] == "vedette.alert.v1.trigger"
    assert attributes["ce-time"] == "2020-05-02T12:00:00+00:00"
    assert {k for k in attributes if k.startswith("signal_")} == {"signal_BUILDUP"}, "only what is new"
    assert {k for k in attributes if k.startswith("actor_")} == {"actor_nato", "actor_sergej_swiatek"}


def replace_name(name: str) -> Any:
    from schemas.alert import AlertActor

    actor = Actor(f"name:{name}", name, "organization", "", "", (), ())
    return AlertActor(actor.id, actor.name, actor.kind, actor.role, actor.state, 1)


@pytest.mark.parametrize("rank", range(5))
def test_thresholds_of_severity_are_attributes_that_are_there_or_not(rank: int) -> None:
    attributes = alert_message(an_alert(severity=SEVERITIES[rank], severity_rank=rank)).attributes
    expected = {f"sev_ge_{name.lower()}" for name in SEVERITIES[1 : rank + 1]}
    assert {k for k in attributes if k.startswith("sev_ge_")} == expected


@pytest.mark.parametrize(
    ("attributes", "kept"),
    [
        ({"a": "1"}, {"a": "1"}),
        ({"googclient": "1", "": "1", "k" * 257: "1"}, {}),
        ({"ä" * 128: "1", "ä" * 129: "1"}, {"ä" * 128: "1"}),
        ({"a": "ä" * 600}, {"a": "ä" * 512}),
        ({"a": "x" + "ä" * 600}, {"a": "x" + "ä" * 511}),
        ({str(n): "" for n in range(120)}, {str(n): "" for n in range(100)}),
        (CLIENTS_OWN, CLIENTS_OWN),
    ],
)
def test_attributes_keep_within_pubsubs_limits_counted_in_bytes(attributes: dict[str, str], kept: dict[str, str]) -> None:
    assert within_limits(attributes) == kept


def test_the_fullest_alert_keeps_within_the_limits() -> None:
    actors = tuple(replace_name(f"Actor {n} " + "é" * 300) for n in range(50))
    attributes = alert_message(an_alert(actors=actors, watch="w" * 5000)).attributes
    assert len(attributes) <= 100
    assert all(len(k.encode()) <= 256 and len(v.encode()) <= 1024 for k, v in attributes.items())


def test_entries_arrive_as_they_were_sent(emulator: Cloud) -> None:
    topic = emulator.topic("entries")
    entries = [an_entry(f"e{i}", title=f"№ {i}") for i in range(3)]
    publish(PublishEntries(topic), entries)
    (message,) = emulator.received(topic)
    assert [from_json(Entry, line) for line in message.data.splitlines()] == entries
    assert dict(message.attributes) == {"content-type": "application/x-ndjson", "entries": "3"}


def test_an_alert_arrives_valid_and_with_its_attributes(emulator: Cloud) -> None:
    topic = emulator.topic("alerts")
    publish(PublishAlerts(topic), [an_alert()])
    (message,) = emulator.received(topic)
    assert validate(json.loads(message.data), fastavro.parse_schema(alert_schema()), strict=True)
    assert dict(message.attributes) == alert_message(an_alert()).attributes


def test_an_alert_is_sent_once_by_a_process(emulator: Cloud) -> None:
    topic = emulator.topic("alerts")
    publish(PublishAlerts(topic), [an_alert("a"), an_alert("b")])
    publish(PublishAlerts(topic), [an_alert("b"), an_alert("c")])
    sent = [message.attributes["story_id"] for message in emulator.received(topic)]
    assert sorted(sent) == ["a", "b", "c"]


def test_an_alert_that_the_topic_is_known_to_hold_is_not_sent(emulator: Cloud) -> None:
    topic = emulator.topic("alerts")
    known = frozenset({an_alert("a").alert_id})
    publish(PublishAlerts(topic, known), [an_alert("a"), an_alert("b")])
    assert [m.attributes["story_id"] for m in emulator.received(topic)] == ["b"]


def test_the_same_alert_goes_to_every_topic(emulator: Cloud) -> None:
    topics = [emulator.topic("alerts"), emulator.topic("more-alerts")]
    for topic in topics:
        publish(PublishAlerts(topic), [an_alert()])
    assert [len(emulator.received(topic)) for topic in topics] == [1, 1]


def test_a_refused_message_is_a_dead_letter_and_the_rest_goes_on(emulator: Cloud) -> None:
    topic = emulator.topic("entries")
    subject = "1 entries from https://plain.example/feed"
    publish(PublishEntries(topic), [an_entry("a"), too_large(), an_entry("b")], [("PublishEntries", "not-published", subject)])
    received = [from_json(Entry, line).id for m in emulator.received(topic) for line in m.data.splitlines()]
    assert sorted(received) == ["a", "b"]


def test_an_alert_that_was_refused_is_not_taken_for_sent(emulator: Cloud) -> None:
    topic = emulator.topic("alerts")
    refused = an_alert("a", summary="x" * 10_000_001)
    publish(PublishAlerts(topic), [refused, an_alert("b")], [("PublishAlerts", "not-written", refused.alert_id)])
    publish(PublishAlerts(topic), [an_alert("a")])
    assert sorted(m.attributes["story_id"] for m in emulator.received(topic)) == ["a", "b"]


def test_an_attribute_may_have_any_legal_name(emulator: Cloud) -> None:
    topic = emulator.topic("alerts")
    assert [error for _, error in publish_all(topic, [Message(b"data", CLIENTS_OWN)])] == [None]
    (message,) = emulator.received(topic)
    assert dict(message.attributes) == CLIENTS_OWN


def test_what_the_service_refuses_comes_back_with_its_error_and_the_rest_goes_on(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service refuses a request as a whole and does not say which message it means."""
    monkeypatch.setattr(client, "problem", lambda message: "")
    topic = emulator.topic("alerts")
    sent = [Message(str(n).encode(), {"n": str(n)}) for n in range(100)]
    sent[37] = Message(b"37", {"goog": "1"})
    outcome = list(publish_all(topic, sent))
    assert [message.data for message, _ in outcome] == [message.data for message in sent]
    assert [message.data for message, error in outcome if error] == [b"37"]
    assert "goog" in str(outcome[37][1])
    assert sorted(int(m.data) for m in emulator.received(topic)) == [n for n in range(100) if n != 37]


def test_a_topic_that_is_gone_makes_the_bundle_fail_and_loses_nothing(emulator: Cloud) -> None:
    with pytest.raises(Unavailable, match="NotFound"):
        list(publish_all("projects/vedette-local/topics/gone", [Message(b"data")]))
    with pytest.raises(Exception, match="NotFound"), beam.Pipeline(runner=ENGINE) as pipeline:
        _ = pipeline | beam.Create([an_alert()]) | PublishAlerts("projects/vedette-local/topics/gone")


def test_dead_letters_arrive_with_stage_and_reason(emulator: Cloud) -> None:
    topic = emulator.topic("dead-letters")
    dead = failure("PollFeeds", "not-a-feed", "it is a page of HTML", "https://plain.example/feed", b"<html>\xff")
    publish(PublishFailures(topic), [dead])
    (message,) = emulator.received(topic)
    assert from_json(Failure, message.data) == dead
    assert dict(message.attributes) == {"stage": "PollFeeds", "reason": "not-a-feed", "content-type": "application/json"}
    assert failure_message(dead).subject == "dead letter of PollFeeds"


def test_a_dead_letter_that_cannot_be_published_is_logged_in_full(emulator: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    dead = failure("PollFeeds", "not-a-feed", "it is a page of HTML")
    with caplog.at_level(logging.ERROR):
        publish(PublishFailures("projects/vedette-local/topics/gone"), [dead])
    assert "dead letter lost to its topic" in caplog.text
    assert "it is a page of HTML" in caplog.text


def test_an_endpoint_where_nothing_listens_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)
        with pytest.raises(ConnectionError, match="nothing listens there") as caught:
            check_endpoint()
    assert address in str(caught.value)
    assert " -m localpubsub`" in str(caught.value)


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:port", ":"])
def test_an_address_that_is_none_is_told_too(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)
    with pytest.raises(ConnectionError, match="nothing listens there"):
        check_endpoint()


def test_googles_own_service_is_not_probed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    check_endpoint()
