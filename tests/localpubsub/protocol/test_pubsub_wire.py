"""What is framed by hand says the same as what the protobuf library writes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from localpubsub.protocol import pb, wire

TEXT = st.text(max_size=300)
BODIES = st.builds(
    pb.PubsubMessage,
    data=st.binary(max_size=300),
    attributes=st.dictionaries(TEXT, TEXT, max_size=4),
    ordering_key=TEXT,
    message_id=TEXT,
    publish_time=st.builds(pb.Timestamp, seconds=st.integers(0, 2**33), nanos=st.integers(0, 999_999_999)),
)
MICROS = st.integers(0, 2**52)


def copy_of(body: pb.PubsubMessage) -> pb.PubsubMessage:
    return pb.PubsubMessage.FromString(body.SerializeToString())


@given(BODIES, st.integers(1, 2**40), MICROS, st.dictionaries(TEXT, TEXT, max_size=3))
def test_a_stamped_message_is_the_clients_with_our_id_time_and_attributes(
    body: pb.PubsubMessage, position: int, published: int, more: dict[str, str]
) -> None:
    expected = copy_of(body)
    expected.message_id = str(position)
    expected.publish_time.FromMicroseconds(published)
    for key, value in more.items():
        expected.attributes[key] = value
    assert pb.PubsubMessage.FromString(wire.stamped(body, position, published, wire.attributes(more))) == expected


@given(st.lists(st.tuples(st.text("0123456789abcdef.", max_size=40), BODIES, st.integers(0, 1000)), max_size=4))
def test_a_framed_response_is_the_librarys(messages: list[tuple[str, pb.PubsubMessage, int]]) -> None:
    framed = wire.received((ack_id, body.SerializeToString(), attempt) for ack_id, body, attempt in messages)
    received = [pb.ReceivedMessage(ack_id=i, message=body, delivery_attempt=attempt) for i, body, attempt in messages]
    assert pb.PullResponse.FromString(framed) == pb.PullResponse(received_messages=received)
    assert pb.StreamingPullResponse.FromString(framed) == pb.StreamingPullResponse(received_messages=received)
