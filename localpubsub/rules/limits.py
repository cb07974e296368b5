"""What may be published. Limits are in bytes of UTF-8, as the service counts them (page "Quotas and limits")."""

from __future__ import annotations

import logging
from typing import Any

from localpubsub.errors import InvalidArgument

_log = logging.getLogger(__name__)

MAX_REQUEST_BYTES = 10_000_000
MAX_MESSAGES = 1000
MAX_ATTRIBUTES = 100
MAX_KEY_BYTES = 256
MAX_VALUE_BYTES = 1024
MAX_ORDERING_KEY_BYTES = 1024
CLIENT_BYTES = 4 * 1024 * 1024  # what a client receives at most unless it raises grpc.max_receive_message_length


def check_publish(request: Any) -> None:
    """Raises InvalidArgument, naming the message and the limit, if the request breaks one: then nothing is published."""
    if not request.messages:
        raise InvalidArgument("No messages to publish")
    if len(request.messages) > MAX_MESSAGES:
        raise InvalidArgument(f"Too many messages to publish: {len(request.messages)}, the most is {MAX_MESSAGES}")
    for number, message in enumerate(request.messages):
        problem = _problem(message)
        if problem:
            raise InvalidArgument(f"Message {number} of {len(request.messages)}: {problem}")
    if request.ByteSize() > MAX_REQUEST_BYTES:
        raise InvalidArgument(f"The request has {request.ByteSize()} bytes, the most is {MAX_REQUEST_BYTES}")


def _problem(message: Any) -> str:
    if not message.data and not message.attributes:
        return "it is empty: give data or at least one attribute"
    if len(message.data) > MAX_REQUEST_BYTES:
        return f"data has {len(message.data)} bytes, the most is {MAX_REQUEST_BYTES}"
    if len(message.data) >= CLIENT_BYTES:
        _log.warning(
            "a message of %d bytes was published: an official client on an emulator host receives at most %d bytes",
            len(message.data),
            CLIENT_BYTES,
        )
    if len(message.attributes) > MAX_ATTRIBUTES:
        return f"{len(message.attributes)} attributes, the most is {MAX_ATTRIBUTES}"
    for key, value in message.attributes.items():
        if not key:
            return "an attribute has an empty key"
        if key.startswith("goog"):
            return f"attribute key {key}: keys that start with goog are reserved"
        if len(key.encode()) > MAX_KEY_BYTES:
            return f"attribute key {key[:40]}...: {len(key.encode())} bytes, the most is {MAX_KEY_BYTES}"
        if len(value.encode()) > MAX_VALUE_BYTES:
            return f"attribute {key}: the value has {len(value.encode())} bytes, the most is {MAX_VALUE_BYTES}"
    if len(message.ordering_key.encode()) > MAX_ORDERING_KEY_BYTES:
        return f"ordering_key has {len(message.ordering_key.encode())} bytes, the most is {MAX_ORDERING_KEY_BYTES}"
    return ""
