"""Google's emulator was asked about each definition and each message here (benchmarks/pubsub_verdicts.py); we say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from localpubsub.schemas import SchemaError, parse

FOLDER = Path(__file__).parents[2] / "data/schemas"


def read(name: str) -> list[dict[str, Any]]:
    with (FOLDER / name).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def accepts(schema: Any, encoding: Any, data: bytes) -> bool:
    try:
        schema.check(data, encoding)
    except SchemaError:
        return False
    return True


@pytest.mark.parametrize("case", read("definitions.jsonl"), ids=lambda case: case["definition"][-60:])
def test_a_definition_is_accepted_as_google_accepts_it(case: dict[str, Any]) -> None:
    """Where we are stricter the recording says why, and then Google is not."""
    if case["google"] and "ours" not in case:
        parse(case["definition"])
        return
    with pytest.raises(SchemaError):
        parse(case["definition"])


@pytest.mark.parametrize("case", read("messages.jsonl"), ids=lambda case: json.dumps(case["schema"]["fields"])[:60])
def test_a_message_gets_google_s_verdict(case: dict[str, Any]) -> None:
    schema = parse(json.dumps(case["schema"]))
    verdicts = [[e, d, accepts(schema, e, d.encode("latin-1"))] for e, d, _ in case["messages"]]
    assert verdicts == case["messages"]


def test_200_alerts_and_200_damaged_ones_get_google_s_verdict() -> None:
    first, *lines = read("alerts.jsonl")
    schema = parse(json.dumps(first["schema"]))
    alerts = [line["message"].encode() for line in lines if "message" in line]
    damaged = [line for line in lines if "alert" in line]
    assert (len(alerts), len(damaged)) == (200, 200)
    assert all(line["google"] and accepts(schema, "JSON", alert) for line, alert in zip(lines, alerts, strict=False))
    for line in damaged:
        alert = alerts[line["alert"]]
        data = alert[: line["from"]] + line["put"].encode("latin-1") + alert[line["to"] :]
        assert accepts(schema, "JSON", data) == line["google"], line


def test_the_recording_has_both_verdicts_for_each_encoding() -> None:
    """Else the tests above would pass a validator that accepts everything, or nothing."""
    seen = {(encoding, verdict) for case in read("messages.jsonl") for encoding, _, verdict in case["messages"]}
    assert seen == {("JSON", True), ("JSON", False), ("BINARY", True), ("BINARY", False)}
    damaged = [line["google"] for line in read("alerts.jsonl") if "alert" in line]
    assert 100 < damaged.count(False) < 200
