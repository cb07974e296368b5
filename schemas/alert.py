"""Alert: one revision of one story that is worth a person's attention, as it travels on the topic `alerts`.

`alert.avsc` is the contract with subscribers; the records here have its fields in its order. It has no unions and no
enums, so its JSON encoding is plain JSON: every field is always there, and "", 0 and [] mean "not known". Whatever
varies from run to run (job, worker, clock) is an attribute of the message, never part of the alert.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from schemas.records import record, to_dict
from schemas.story import Factor

SPEC_VERSION = "1.0"
SEVERITIES = ("INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL")


@record
class AlertSignal:
    """A claim of the story. `new` says that this revision brought it; the words stand in entry `entry_id`."""

    type: str
    label: str
    direction: str
    modality: str
    source: str
    target: str
    attributed_to: str
    quantity: int
    unit: str
    bound: str
    when: str
    earliest: str
    latest: str
    place: str
    plover: str
    cameo: str
    entry_id: str
    field: str
    start: int
    end: int
    evidence: str
    outlets: tuple[str, ...]
    novelty: float
    new: bool


@record
class AlertActor:
    """An actor of the story; `mentions`: how many entries name it."""

    id: str
    name: str
    kind: str
    role: str
    state: str
    mentions: int
    code: str = ""


@record
class AlertEntry:
    """An entry of the story; `duplicate_of` is "" for a report in words of its own. `time` in microseconds since 1970."""

    id: str
    version: int
    outlet: str
    url: str
    title: str
    time: int
    duplicate_of: str


@record
class Producer:
    name: str
    version: str
    config_hash: str
    models: tuple[str, ...]


@record
class Alert:
    """See alert.avsc, where every field is described for subscribers."""

    spec_version: str
    alert_id: str
    watch: str
    story_id: str
    absorbed: tuple[str, ...]
    revision: int
    action: str
    severity: str
    severity_rank: int
    score: float
    headline: str
    summary: str
    reason: str
    event_time: int
    first_time: int
    factors: tuple[Factor, ...]
    signals: tuple[AlertSignal, ...]
    actors: tuple[AlertActor, ...]
    entries: tuple[AlertEntry, ...]
    entry_count: int
    origin_count: int
    outlet_count: int
    producer: Producer


@cache
def alert_schema() -> dict[str, Any]:
    """The Avro schema of the topic `alerts`, parsed from JSON."""
    return json.loads(resources.files("schemas").joinpath("alert.avsc").read_text(encoding="utf-8"))


def alert_json(alert: Alert) -> bytes:
    """The alert as the topic carries it: Avro's JSON encoding, one line of UTF-8.

    Raises ValueError if a number is NaN or infinite, which JSON has no word for, or a text cannot be written in UTF-8.
    """
    return json.dumps(to_dict(alert), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


__all__ = [
    "SEVERITIES",
    "SPEC_VERSION",
    "Alert",
    "AlertActor",
    "AlertEntry",
    "AlertSignal",
    "Producer",
    "alert_json",
    "alert_schema",
]
