"""The service fails, and nothing is lost: by the real client, against an endpoint that spoils calls on purpose."""

from __future__ import annotations

from collections.abc import Iterator

import apache_beam as beam
import grpc
import pytest
from cloud import Cloud
from factories import an_entry
from faults import Faults, faulty
from google.pubsub_v1 import types

from schemas import Entry, from_json
from transforms.publishing import PublishEntries
from transforms.publishing.client import Unavailable, publish_all
from transforms.publishing.limits import BATCH_MESSAGES, Message

ENGINE = "BundleBasedDirectRunner"


@pytest.fixture
def faults(emulator: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """The endpoint that publishers see; `emulator` is the real one behind it."""
    with faulty(emulator.server.address) as (address, faults):
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)
        yield faults


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNKNOWN,
    ],
)
def test_what_passes_is_tried_again(emulator: Cloud, faults: Faults, code: grpc.StatusCode) -> None:
    topic = emulator.topic("alerts")
    faults.plan += [code, code]
    assert [error for _, error in publish_all(topic, [Message(b"one")])] == [None]
    assert faults.calls == 3
    assert [m.data for m in emulator.received(topic)] == [b"one"]


def test_an_attempt_that_is_not_answered_does_not_use_up_all_patience(emulator: Cloud, faults: Faults) -> None:
    topic = emulator.topic("alerts")
    faults.plan += ["silence"]
    assert [error for _, error in publish_all(topic, [Message(b"one")], attempt=0.3)] == [None]
    assert faults.calls == 2
    assert [m.data for m in emulator.received(topic)] == [b"one"]


def test_a_lost_answer_sends_again_under_the_same_id(emulator: Cloud, faults: Faults) -> None:
    topic = emulator.topic("alerts")
    faults.plan += ["lost answer"]
    list(publish_all(topic, [Message(b"one", {"alert_id": "a1"})]))
    assert [m.attributes["alert_id"] for m in emulator.received(topic)] == ["a1", "a1"]


@pytest.mark.parametrize("code", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.NOT_FOUND])
def test_what_does_not_pass_ends_it_at_once_and_no_message_is_taken_for_bad(
    emulator: Cloud, faults: Faults, code: grpc.StatusCode
) -> None:
    faults.plan += [code]
    with pytest.raises(Unavailable, match="spoiled on purpose"):
        list(publish_all(emulator.topic("alerts"), [Message(b"one")]))
    assert faults.calls == 1


def test_what_was_taken_before_the_service_went_away_is_not_in_doubt(emulator: Cloud, faults: Faults) -> None:
    topic = emulator.topic("alerts")
    messages = [Message(str(n).encode()) for n in range(BATCH_MESSAGES + 5)]
    answered = []
    outcomes = publish_all(topic, messages, patience=0.2)
    answered.append(next(outcomes))
    faults.plan += [grpc.StatusCode.UNAVAILABLE] * 10
    with pytest.raises(Unavailable):
        answered += outcomes
    assert len(answered) == BATCH_MESSAGES
    assert len(emulator.received(topic)) == BATCH_MESSAGES


def test_an_ordering_key_that_failed_goes_on_in_order(emulator: Cloud, faults: Faults) -> None:
    """Google's `client.publish` would refuse the key from now on, until somebody calls `resume_publish`."""
    topic = f"{emulator.topic('alerts')}-in-order"
    ordered = topic.replace("/topics/", "/subscriptions/")
    emulator.publisher.create_topic(name=topic)
    emulator.subscriber.create_subscription(request=types.Subscription(name=ordered, topic=topic, enable_message_ordering=True))
    revisions = [Message(str(n).encode(), ordering_key="story") for n in range(20)]
    assert all(error is None for _, error in publish_all(topic, revisions[:10]))
    faults.plan += [grpc.StatusCode.UNAVAILABLE] * 10
    with pytest.raises(Unavailable):
        list(publish_all(topic, revisions[10:], patience=0.2))
    faults.plan.clear()
    assert all(error is None for _, error in publish_all(topic, revisions[10:]))
    received = emulator.received(topic)
    assert [m.data for m in received] == [m.data for m in revisions]
    assert {m.ordering_key for m in received} == {"story"}


def test_a_bundle_ends_only_when_the_service_has_answered(emulator: Cloud, faults: Faults) -> None:
    topic = emulator.topic("entries")
    faults.plan += [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE]
    with beam.Pipeline(runner=ENGINE) as pipeline:
        _ = pipeline | beam.Create([an_entry("a"), an_entry("b")]) | PublishEntries(topic)
    received = [from_json(Entry, line).id for m in emulator.received(topic) for line in m.data.splitlines()]
    assert sorted(received) == ["a", "b"]
