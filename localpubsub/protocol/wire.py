"""The protobuf framing of what is copied thousands of times a second.

A message is stored as the client serialized it, and is framed for each response without being parsed again: in protobuf a
field may be appended, and what is appended last is what counts. Field numbers are those of google/pubsub/v1/pubsub.proto;
the encoding is https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# Tags of length-delimited fields: number * 8 + 2.
_MAP_KEY, _MAP_VALUE = b"\x0a", b"\x12"
_ATTRIBUTES, _MESSAGE_ID, _PUBLISH_TIME = b"\x12", b"\x1a", b"\x22"  # of PubsubMessage
_ACK_ID, _MESSAGE = b"\x0a", b"\x12"  # of ReceivedMessage
_DELIVERY_ATTEMPT = b"\x18"  # a varint
_RECEIVED = b"\x0a"  # of PullResponse and of StreamingPullResponse


def varint(number: int) -> bytes:
    """A non-negative number, seven bits to a byte."""
    if number < 0x80:
        return bytes((number,))
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def attributes(pairs: dict[str, str]) -> bytes:
    """Attributes to append to a serialized PubsubMessage."""
    return b"".join(
        _field(_ATTRIBUTES, _field(_MAP_KEY, key.encode()) + _field(_MAP_VALUE, value.encode())) for key, value in pairs.items()
    )


def stamped(body: Any, position: int, published: int, extra: bytes = b"") -> bytes:
    """A PubsubMessage, serialized, whose message id is `position` and whose publish time is `published` (microseconds since
    the epoch), whatever the client wrote there. `extra` is appended."""
    body.ClearField("message_id")
    body.ClearField("publish_time")
    seconds, micros = divmod(published, 1_000_000)
    time = b"\x08" + varint(seconds) + b"\x10" + varint(micros * 1_000)
    raw: bytes = body.SerializeToString()
    return b"".join((raw, extra, _field(_MESSAGE_ID, b"%d" % position), _field(_PUBLISH_TIME, time)))


def received(messages: Iterable[tuple[str, bytes, int]]) -> bytes:
    """The `received_messages` of a response, serialized, from ack id, serialized PubsubMessage and delivery attempt (0 is
    not told)."""
    parts: list[bytes] = []
    for ack_id, raw, attempt in messages:
        head = _field(_ACK_ID, ack_id.encode()) + _MESSAGE + varint(len(raw))
        tail = _DELIVERY_ATTEMPT + varint(attempt) if attempt else b""
        parts += (_RECEIVED, varint(len(head) + len(raw) + len(tail)), head, raw, tail)
    return b"".join(parts)


def _field(tag: bytes, content: bytes) -> bytes:
    return tag + varint(len(content)) + content
