"""Ack ids: which delivery of which message of which backlog is meant.

They mean nothing to clients, but they outlive the server: a client that reconnects after a restart acknowledges what it
was handed before.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable

from localpubsub.errors import InvalidArgument

_ACK_ID = re.compile(r"([0-9a-f]{16})\.([0-9]{1,18})\.([0-9]{1,9})")


def new_epoch() -> str:
    """What the ack ids of a backlog have in common, until it is replaced."""
    return secrets.token_hex(8)


def ack_id(epoch: str, position: int, sent: int) -> str:
    """The id of the delivery number `sent` of the message at `position`."""
    return f"{epoch}.{position}.{sent}"


def parse(ack_ids: Iterable[str]) -> list[tuple[str, str, int, int]]:
    """Each id with its epoch, position and number. Raises InvalidArgument if one of them was never an ack id."""
    parsed = []
    for each in ack_ids:
        match = _ACK_ID.fullmatch(each)
        if match is None:
            raise InvalidArgument(f"Invalid ack id (ack_id={each})")
        parsed.append((each, match[1], int(match[2]), int(match[3])))
    return parsed
