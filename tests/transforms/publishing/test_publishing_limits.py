"""What Pub/Sub takes is known before anything is sent, and counted in bytes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from cloud import Cloud
from google.api_core.exceptions import InvalidArgument
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.types import PublishRequest, PubsubMessage

from transforms.publishing.limits import (
    BATCH_BYTES,
    BATCH_MESSAGES,
    MAX_MESSAGE_BYTES,
    Message,
    batches,
    name_problem,
    problem,
)

ROOT = Path(__file__).parents[3]
ROCKET = "🚀"
"""One character of four bytes."""

JUST_FITS = [
    Message(b"d"),
    Message(b"", {"a": ""}),
    Message(b"d", {ROCKET * 64: "1"}),
    Message(b"d", {"a": ROCKET * 256}),
    Message(b"d", {str(n): "v" for n in range(100)}),
    Message(b"d", ordering_key=ROCKET * 256),
    Message(b"d", {"topic": "1", "data": "1", "self": "1", "retry": "1", "timeout": "1", "ordering_key": "1"}),
    Message(b"x" * (MAX_MESSAGE_BYTES - 16)),
]
JUST_TOO_MUCH = [
    (Message(b""), "neither data nor attributes"),
    (Message(b"d", {ROCKET * 64 + "x": "1"}), "the name of an attribute has 257 bytes"),
    (Message(b"d", {"a": ROCKET * 256 + "x"}), "the value of attribute a has 1025 bytes"),
    (Message(b"d", {str(n): "v" for n in range(101)}), "101 attributes"),
    (Message(b"d", ordering_key=ROCKET * 256 + "x"), "the ordering key has 1025 bytes"),
    (Message(b"d", {"": "1"}), "has no name"),
    (Message(b"d", {"goog_x": "1"}), "names that begin with goog are the service's own"),
    (Message(b"x" * 10_000_001), "bytes, the most is"),
]


@pytest.mark.parametrize("message", JUST_FITS)
def test_what_just_fits_is_sent_and_arrives(emulator: Cloud, message: Message) -> None:
    assert problem(message) == ""
    topic = emulator.topic("alerts")
    sent = PubsubMessage(data=message.data, attributes=message.attributes, ordering_key=message.ordering_key)
    PublisherClient.publish(emulator.publisher, request=PublishRequest(topic=topic, messages=[sent]))
    if len(message.data) < 4_000_000:  # a client on a local endpoint receives no more
        (received,) = emulator.received(topic)
        assert dict(received.attributes) == message.attributes


@pytest.mark.parametrize(("message", "sentence"), JUST_TOO_MUCH)
def test_one_byte_more_is_told_beforehand_and_the_service_would_refuse_it(
    emulator: Cloud, message: Message, sentence: str
) -> None:
    assert sentence in problem(message)
    sent = PubsubMessage(data=message.data, attributes=message.attributes, ordering_key=message.ordering_key)
    with pytest.raises(InvalidArgument):
        PublisherClient.publish(emulator.publisher, request=PublishRequest(topic=emulator.topic("alerts"), messages=[sent]))


def test_a_message_is_never_larger_than_its_size_says() -> None:
    for message in JUST_FITS:
        sent = PubsubMessage(data=message.data, attributes=message.attributes, ordering_key=message.ordering_key)
        request = PublishRequest(messages=[sent])
        assert PublishRequest.pb(request).ByteSize() <= message.size()


def test_half_a_surrogate_pair_is_refused_and_not_a_crash() -> None:
    for message in (
        Message(b"d", {"a": "\ud83d"}),
        Message(b"d", {"\ud83d": "a"}),
        Message(b"d", ordering_key="\ud83d"),
    ):
        assert "no text that UTF-8 can write" in problem(message)


def test_batches_keep_the_order_and_stay_within_count_and_bytes() -> None:
    small = [Message(str(n).encode()) for n in range(2 * BATCH_MESSAGES + 1)]
    assert [len(batch) for batch in batches(small)] == [BATCH_MESSAGES, BATCH_MESSAGES, 1]
    large = [Message(b"x" * 1_500_000, subject=str(n)) for n in range(5)]
    assert [len(batch) for batch in batches(large)] == [2, 2, 1]
    assert [m.subject for batch in batches(large) for m in batch] == list("01234")
    assert all(sum(m.size() for m in batch) <= BATCH_BYTES for batch in batches(large))


def test_what_pubsub_will_not_take_stands_alone_and_so_does_what_fills_a_request() -> None:
    bad, huge, good = Message(b""), Message(b"x" * 9_000_000), Message(b"good")
    assert [len(batch) for batch in batches([good, good, bad, good, huge, good])] == [2, 1, 1, 1, 1]


def test_no_attribute_of_ours_has_a_reserved_name() -> None:
    """Names are written as keys: of a dict display, or of an assignment to one of its items."""
    names = set()
    for path in [*ROOT.glob("transforms/**/*.py"), *ROOT.glob("pipelines/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            keys = node.keys if isinstance(node, ast.Dict) else [node.slice] if isinstance(node, ast.Subscript) else []
            names |= {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
            names |= {
                part.value
                for key in keys
                if isinstance(key, ast.JoinedStr)
                for part in key.values[:1]
                if isinstance(part, ast.Constant)
            }
    assert {"alert_id", "ce-id", "trimmed", "stage", "sev_ge_", "signal_", "actor_"} <= names, "the search finds them"
    assert {name: name_problem(name) for name in names if name and name_problem(name)} == {}


def test_the_lint_finds_a_reserved_name() -> None:
    assert "the service's own" in name_problem("google_id")
    assert not name_problem("topic")
