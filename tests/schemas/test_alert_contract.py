"""alert.avsc is the contract with subscribers: the records are exactly it, and its JSON is plain JSON."""

from __future__ import annotations

import dataclasses
import io
import json
from typing import Any

import fastavro
import pytest
from factories import records
from fastavro.validation import validate
from hypothesis import given, settings

from schemas import alert as module
from schemas import from_dict, story
from schemas.alert import SEVERITIES, Alert, alert_json, alert_schema

PRIMITIVES = {"str": "string", "int": "long", "float": "double", "bool": "boolean"}


def fields_of(cls: type) -> list[tuple[str, Any]]:
    """The fields of a record as Avro would declare them."""
    return [(f.name, avro_of(str(f.type))) for f in dataclasses.fields(cls)]


def avro_of(kind: str) -> Any:
    if kind.startswith("tuple["):
        return [avro_of(kind.removeprefix("tuple[").split(",")[0])]
    if kind in PRIMITIVES:
        return PRIMITIVES[kind]
    return fields_of(getattr(module, kind, None) or getattr(story, kind))


def declared(schema: Any) -> Any:
    """The same of the schema."""
    if isinstance(schema, str):
        return schema
    if schema["type"] == "array":
        return [declared(schema["items"])]
    if schema["type"] == "record":
        return [(f["name"], declared(f["type"])) for f in schema["fields"]]
    return schema["type"]


def test_the_records_have_the_fields_of_the_schema_in_its_order() -> None:
    assert fields_of(Alert) == declared(alert_schema())


def every_field(schema: Any) -> Any:
    if isinstance(schema, dict) and schema.get("type") == "record":
        for f in schema["fields"]:
            yield schema["name"], f
            yield from every_field(f["type"])
    elif isinstance(schema, dict) and schema.get("type") == "array":
        yield from every_field(schema["items"])
    elif isinstance(schema, dict) and isinstance(schema.get("type"), dict):
        yield from every_field(schema["type"])


def test_every_field_is_described_and_has_a_default_so_that_a_reader_of_another_version_can_read() -> None:
    fields = list(every_field(alert_schema()))
    assert len(fields) > 50
    assert [f"{record}.{f['name']}" for record, f in fields if not f.get("doc")] == []
    assert [f"{record}.{f['name']}" for record, f in fields if "default" not in f] == []


def test_there_are_no_unions_and_no_enums() -> None:
    def kinds(schema: Any) -> Any:
        if isinstance(schema, list):
            yield "union"
        elif isinstance(schema, dict):
            yield schema["type"] if isinstance(schema["type"], str) else None
            for part in (schema.get("items"), *(f["type"] for f in schema.get("fields", ()))):
                if part is not None:
                    yield from kinds(part)

    assert not {"union", "enum", "map", "fixed", "bytes"} & set(kinds(alert_schema()))


@settings(max_examples=25)
@given(records(Alert))
def test_the_json_of_any_alert_is_valid_and_is_what_avro_itself_would_write(alert: Alert) -> None:
    data = json.loads(alert_json(alert))
    assert validate(data, fastavro.parse_schema(alert_schema()), strict=True)

    avro = io.StringIO()
    fastavro.json_writer(avro, alert_schema(), [data], write_union_type=True)
    assert json.loads(avro.getvalue()) == data


@settings(max_examples=25)
@given(records(Alert))
def test_any_alert_survives_avros_binary_encoding(alert: Alert) -> None:
    data = json.loads(alert_json(alert))
    # logical types off: a time is microseconds since 1970 for the reader too
    schema = json.loads(json.dumps(alert_schema()).replace('"logicalType": "timestamp-micros"', '"comment": ""'))
    binary = io.BytesIO()
    fastavro.schemaless_writer(binary, schema, data, strict=True)
    binary.seek(0)
    assert fastavro.schemaless_reader(binary, schema) == data


@pytest.mark.parametrize("change", [{"severity": 3}, {"revision": "1"}, {"entries": None}])
def test_what_is_no_alert_does_not_validate(change: dict[str, Any]) -> None:
    data = {f["name"]: f["default"] for f in alert_schema()["fields"]}
    schema = fastavro.parse_schema(alert_schema())
    assert validate(data, schema, strict=True)
    assert not validate({**data, **change}, schema, strict=True, raise_errors=False)


def test_an_alert_is_one_line_of_readable_utf_8() -> None:
    defaults = {f["name"]: f["default"] for f in alert_schema()["fields"]}
    alert = from_dict(Alert, {**defaults, "headline": "Größer\nals"})
    line = alert_json(alert)
    assert b"\n" not in line
    assert "Größer\\nals".encode() in line


def test_severities_rise() -> None:
    assert SEVERITIES == ("INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL")
