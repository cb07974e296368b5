"""What a record looks like as a Pub/Sub message: data and attributes.

Attributes are for routing: a subscription's filter sees nothing else, and can only compare for equality, prefix and
presence. So thresholds are attributes that are there or not (`attributes:sev_ge_high`). Names and values obey Pub/Sub's
limits, which are counted in bytes: at most 100 attributes, 256 bytes a key, 1024 bytes a value, no key that starts with
"goog".
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from schemas.alert import SEVERITIES, Alert, alert_json
from schemas.entry import Entry
from schemas.failure import Failure
from schemas.records import iso, to_json

MAX_ATTRIBUTES = 100
MAX_KEY_BYTES = 256
MAX_VALUE_BYTES = 1024
RESERVED = frozenset({"self", "topic", "data", "ordering_key", "retry", "timeout"})
"""The client takes attributes as keyword arguments: these names are its own."""
MAX_DATA_BYTES = 1_000_000
"""Of our own messages: far below the service's 10 MB and below the 4 MiB that a client of a local endpoint can receive."""


@dataclass(frozen=True)
class Message:
    """One message to publish. `subject` says in errors what it was about."""

    data: bytes
    attributes: dict[str, str] = field(default_factory=dict)
    subject: str = ""


def entry_messages(entries: Iterable[Entry]) -> Iterator[Message]:
    """Entries as messages of JSON lines, as many to a message as fit into MAX_DATA_BYTES."""
    lines: list[bytes] = []
    size = 0
    for entry in entries:
        line = to_json(entry)
        if lines and size + len(line) > MAX_DATA_BYTES:
            yield _lines_message(lines)
            lines, size = [], 0
        lines.append(line)
        size += len(line) + 1
    if lines:
        yield _lines_message(lines)


def alert_message(alert: Alert) -> Message:
    """An alert as Avro JSON, with the attributes that subscriptions filter on and those of a CloudEvent (binary mode)."""
    attributes = {
        "alert_id": alert.alert_id,
        "watch": alert.watch,
        "story_id": alert.story_id,
        "revision": str(alert.revision),
        "action": alert.action,
        "severity": alert.severity,
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": alert.alert_id,
        "ce-type": f"vedette.alert.v1.{alert.action.lower()}",
        "ce-source": f"vedette/{alert.watch}",
        "ce-subject": alert.story_id,
        "ce-time": iso(alert.event_time),
    }
    for name in SEVERITIES[1 : alert.severity_rank + 1]:
        attributes[f"sev_ge_{name.lower()}"] = "1"
    for signal in alert.signals:
        if signal.new:
            attributes[f"signal_{signal.type}"] = "1"
    for actor in alert.actors[:20]:
        if slug := _slug(actor.name):  # a name without a Latin letter has none
            attributes[f"actor_{slug}"] = "1"
    return Message(alert_json(alert), within_limits(attributes), f"alert {alert.alert_id}")


def failure_message(failure: Failure) -> Message:
    """A dead letter as JSON; stage and reason are attributes."""
    attributes = within_limits({"stage": failure.stage, "reason": failure.reason, "content-type": "application/json"})
    return Message(to_json(failure), attributes, f"dead letter of {failure.stage}")


def within_limits(attributes: dict[str, str]) -> dict[str, str]:
    """The attributes that Pub/Sub accepts: over-long values cut at a character, surplus and reserved ones left out."""
    kept = {}
    for key, value in attributes.items():
        if not key or key in RESERVED or key.startswith("goog") or len(key.encode()) > MAX_KEY_BYTES:
            continue
        kept[key] = value.encode("utf-8", "replace")[:MAX_VALUE_BYTES].decode("utf-8", "ignore")
        if len(kept) == MAX_ATTRIBUTES:
            break
    return kept


def _lines_message(lines: list[bytes]) -> Message:
    attributes = {"content-type": "application/x-ndjson", "entries": str(len(lines))}
    first = json.loads(lines[0])
    return Message(b"\n".join(lines), attributes, f"{len(lines)} entries from {first['feed']}")


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
