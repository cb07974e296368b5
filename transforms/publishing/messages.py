"""What a record looks like as a Pub/Sub message: data and attributes.

Attributes are for routing: a subscription's filter sees nothing else, and can only compare for equality, prefix and
presence. So thresholds are attributes that are there or not (`attributes:sev_ge_high`). docs/pubsub.md lists them.

All raise ValueError or OverflowError for a record that cannot be written down (NaN, half a surrogate pair, a time beyond
the calendar): it is for a dead letter, and no reason to hold up the others.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator

from schemas.alert import SEVERITIES, Alert
from schemas.entry import Entry
from schemas.failure import Failure
from schemas.records import iso, to_json
from transforms.publishing.limits import Message, within_limits
from transforms.publishing.trimming import alert_data

MAX_DATA_BYTES = 1_000_000
"""Of a message of many entries: far below the service's 10 MB and below the 4 MiB that a client of a local endpoint receives."""


def entry_line(entry: Entry) -> bytes:
    """An entry as one line of JSON."""
    return to_json(entry)


def line_messages(lines: Iterable[bytes]) -> Iterator[Message]:
    """Lines of JSON, one for each entry, as many to a message as fit into MAX_DATA_BYTES."""
    packed: list[bytes] = []
    size = 0
    for line in lines:
        if packed and size + len(line) > MAX_DATA_BYTES:
            yield _lines_message(packed)
            packed, size = [], 0
        packed.append(line)
        size += len(line) + 1
    if packed:
        yield _lines_message(packed)


def entry_messages(entries: Iterable[Entry]) -> Iterator[Message]:
    """Entries as messages of JSON lines."""
    return line_messages(map(entry_line, entries))


def alert_message(alert: Alert) -> Message:
    """An alert as Avro JSON, with the attributes that subscriptions filter on and those of a CloudEvent (binary mode).

    Its ordering key is the story's id: a subscription with message ordering has the revisions of a story in their order.
    """
    data, left_out = alert_data(alert)
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
    if left_out:
        attributes["trimmed"] = left_out
    for name in SEVERITIES[1 : alert.severity_rank + 1]:
        attributes[f"sev_ge_{name.lower()}"] = "1"
    for signal in alert.signals:
        if signal.new:
            attributes[f"signal_{signal.type}"] = "1"
    for actor in alert.actors[:20]:
        if slug := _slug(actor.name):  # a name without a Latin letter has none
            attributes[f"actor_{slug}"] = "1"
    return Message(data, within_limits(attributes), f"alert {alert.alert_id}", ordering_key=alert.story_id)


def failure_message(failure: Failure) -> Message:
    """A dead letter as JSON; stage and reason are attributes."""
    attributes = within_limits({"stage": failure.stage, "reason": failure.reason, "content-type": "application/json"})
    return Message(to_json(failure), attributes, f"dead letter of {failure.stage}")


def _lines_message(lines: list[bytes]) -> Message:
    attributes = {"content-type": "application/x-ndjson", "entries": str(len(lines))}
    first = json.loads(lines[0])
    return Message(b"\n".join(lines), attributes, f"{len(lines)} entries from {first['feed']}")


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
