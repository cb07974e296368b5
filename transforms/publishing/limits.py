"""One message to publish, and what Pub/Sub takes: limits are checked here, in bytes of UTF-8, before anything is sent.

The figures are those of Google's page "Pub/Sub quotas and limits" and of the comments in google/pubsub/v1/pubsub.proto.
A request that holds one message beyond them is refused as a whole, so a message that cannot pass must never ride with
others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

MAX_ATTRIBUTES = 100
MAX_KEY_BYTES = 256
MAX_VALUE_BYTES = 1024
MAX_ORDERING_KEY_BYTES = 1024
MAX_MESSAGE_BYTES = 10_000_000 - 4_096
"""A request may have 10 MB; the rest is for the topic's name and what frames the message."""
RESERVED = "goog"
"""No attribute name may begin so: the service puts its own there."""
BATCH_MESSAGES = 1_000
BATCH_BYTES = 4_000_000
"""Of one request of many messages. The service takes 10 MB; less is lost, and sent again, when a request fails."""
FRAMING = 16
"""Bytes that protocol buffers add at the most to one attribute, or to one message."""


@dataclass(frozen=True)
class Message:
    """One message to publish.

    attributes    see `within_limits`
    subject       says in errors what the message is about
    ordering_key  messages with the same key reach a subscription with message ordering in the order they were published
    """

    data: bytes
    attributes: dict[str, str] = field(default_factory=dict)
    subject: str = ""
    ordering_key: str = ""

    def size(self) -> int:
        """Bytes that the message takes in a request, at the most."""
        pairs = sum(len(_utf8(k)) + len(_utf8(v)) + FRAMING for k, v in self.attributes.items())
        return len(self.data) + len(_utf8(self.ordering_key)) + pairs + FRAMING


def problem(message: Message) -> str:
    """Why Pub/Sub will not take the message, as a sentence; "" if it will."""
    if not message.data and not message.attributes:
        return "the message has neither data nor attributes"
    if len(message.attributes) > MAX_ATTRIBUTES:
        return f"the message has {len(message.attributes)} attributes, the most is {MAX_ATTRIBUTES}"
    for key, value in message.attributes.items():
        if wrong := name_problem(key):
            return wrong
        if wrong := _text_problem(f"the value of attribute {key}", value, MAX_VALUE_BYTES):
            return wrong
    if wrong := _text_problem("the ordering key", message.ordering_key, MAX_ORDERING_KEY_BYTES):
        return wrong
    size = message.size()
    if size > MAX_MESSAGE_BYTES:
        return f"the message has {size:,} bytes, the most is {MAX_MESSAGE_BYTES:,}"
    return ""


def name_problem(name: str) -> str:
    """Why an attribute cannot be called so; "" if it can. Any other name is legal, `topic` and `data` too."""
    if not name:
        return "an attribute has no name"
    if name.startswith(RESERVED):
        return f"attribute {name}: names that begin with {RESERVED} are the service's own"
    return _text_problem("the name of an attribute", name, MAX_KEY_BYTES)


def within_limits(attributes: dict[str, str]) -> dict[str, str]:
    """The attributes that Pub/Sub takes: values cut at a character to the limit in bytes, what has no legal name and what is
    beyond the hundredth left out. For routing only, so nothing is lost that the data does not hold.
    """
    kept: dict[str, str] = {}
    for key, value in attributes.items():
        if len(kept) == MAX_ATTRIBUTES:
            break
        if not name_problem(key):
            kept[key] = _utf8(value)[:MAX_VALUE_BYTES].decode("utf-8", "ignore")
    return kept


def batches(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """The messages in their order, as lists that each fit into one request; one that Pub/Sub will not take stands alone."""
    batch: list[Message] = []
    room = BATCH_BYTES
    for message in messages:
        alone = bool(problem(message))
        size = message.size()
        if batch and (alone or size > room or len(batch) == BATCH_MESSAGES):
            yield batch
            batch, room = [], BATCH_BYTES
        batch.append(message)
        room -= size
        if alone:
            yield batch
            batch, room = [], BATCH_BYTES
    if batch:
        yield batch


def _text_problem(what: str, text: str, most: int) -> str:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return f"{what} is no text that UTF-8 can write: {text[:40]!a}"
    return f"{what} has {size} bytes, the most is {most}: {text[:40]}..." if size > most else ""


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")
