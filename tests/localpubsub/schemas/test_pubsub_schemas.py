"""Avro schemas: what a refusal says, what stays bounded, and which revisions fit together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from localpubsub.schemas import MAX_DEFINITION_BYTES, AvroSchema, SchemaError, compatibility, parse

ALERT = (Path(__file__).parents[3] / "schemas/alert.avsc").read_text(encoding="utf-8")
LIST = {"type": "record", "name": "Link", "fields": [{"name": "next", "type": ["null", "Link"]}]}


def schema_of(*fields: dict[str, Any], **record: Any) -> AvroSchema:
    return parse(json.dumps({"type": "record", "name": "R", "fields": list(fields)} | record))


def a_field(type: Any, name: str = "f", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type} | more


def refusal(schema: AvroSchema, message: Any) -> str:
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    with pytest.raises(SchemaError) as refused:
        schema.check(data, "JSON")
    return str(refused.value)


class TestRefusals:
    def test_names_the_field_within_lists_and_records(self) -> None:
        inner = {"type": "record", "name": "S", "fields": [a_field("long", "start")]}
        schema = schema_of(a_field({"type": "array", "items": inner}, "signals"))
        message = {"signals": [{"start": 1}, {"start": "two"}]}
        assert refusal(schema, message) == "signals[1].start: expected a number, for long, found 'two'"

    def test_names_the_key_of_a_map(self) -> None:
        schema = schema_of(a_field({"type": "map", "values": "int"}))
        assert refusal(schema, {"f": {"a": 1, "b": None}}) == "f.b: expected a number, for int, found null"

    def test_says_that_a_field_is_missing_although_it_has_a_default(self) -> None:
        schema = schema_of(a_field("int"), a_field("int", "g", default=0))
        assert refusal(schema, {"f": 1}) == "g: it is missing"

    def test_says_which_branches_a_union_has(self) -> None:
        schema = schema_of(a_field(["null", "string"]))
        assert refusal(schema, {"f": "x"}) == "f: expected null or an object whose key is one of null, string, found 'x'"

    def test_says_where_the_text_stops_being_json(self) -> None:
        assert "expected a value at character 6" in refusal(schema_of(a_field("double")), b'{"f":NaN}')

    def test_says_at_which_byte_a_binary_message_ends(self) -> None:
        with pytest.raises(SchemaError, match="byte 1: the message ends within a string"):
            schema_of(a_field("string")).check(b"\x06ab", "BINARY")

    @pytest.mark.parametrize(
        ("definition", "sentence"),
        [
            ("{", "the definition is not JSON"),
            ('"string"', "the root of a schema is a record, not a string"),
            ('{"type": "record", "name": "R"}', "schema: fields is missing"),
            (
                '{"type": "record", "name": "R", "fields": [{"name": "a", "type": "text"}]}',
                r'fields\[0\] \(a\): "text" is no type',
            ),
            ('{"type": "record", "name": "R", "fields": [{"name": "a", "type": "R"}]}', "R holds itself without end"),
            ("[" * 50_000, "nested too deeply"),
        ],
    )
    def test_says_what_is_wrong_with_a_definition(self, definition: str, sentence: str) -> None:
        with pytest.raises(SchemaError, match=sentence):
            parse(definition)

    def test_a_definition_has_at_most_300_kilobytes(self) -> None:
        definition = {"type": "record", "name": "R", "doc": "", "fields": []}
        room = MAX_DEFINITION_BYTES - len(json.dumps(definition))
        parse(json.dumps(definition | {"doc": "x" * room}))
        with pytest.raises(SchemaError, match="the most is 307200"):
            parse(json.dumps(definition | {"doc": "x" * (room + 1)}))


class TestBounds:
    def test_a_recursive_message_may_be_deep(self) -> None:
        schema = parse(json.dumps(LIST))
        deep = b'{"next":{"Link":' * 499 + b'{"next":null}' + b"}}" * 499
        schema.check(deep, "JSON")
        schema.check(b"\x02" * 100_000 + b"\x00", "BINARY")

    def test_a_message_is_nested_at_most_1000_deep(self) -> None:
        schema = schema_of(a_field("int"))
        schema.check(b'{"x":' + b"[" * 999 + b"]" * 999 + b',"f":1}', "JSON")
        assert "nested deeper than 1000" in refusal(schema, b'{"x":' + b"[" * 1000 + b"]" * 1000 + b',"f":1}')

    def test_a_huge_count_of_items_is_refused_when_the_bytes_end(self) -> None:
        with pytest.raises(SchemaError, match="ends within a number"):
            schema_of(a_field({"type": "array", "items": "int"})).check(b"\x80\x80\x80\x80\x08\x02", "BINARY")

    def test_a_billion_items_without_bytes_take_no_time(self) -> None:
        schema_of(a_field({"type": "array", "items": "null"})).check(b"\x80\xa8\xd6\xb9\x07\x00", "BINARY")


class TestCompatibility:
    BEFORE = schema_of(a_field("int", "a"), a_field("string", "b", default=""))

    @pytest.mark.parametrize(
        "fields",
        [
            [a_field("int", "a"), a_field("string", "b", default="")],
            [a_field("string", "b", default=""), a_field("int", "a", doc="a number")],
            [a_field("int", "a")],
            [a_field("int", "a"), a_field("string", "b", default=""), a_field("long", "c", default=0)],
            [a_field("int", "a"), a_field("bytes", "b", default="")],
        ],
        ids=["the same", "reordered", "one less", "one more", "bytes for a string"],
    )
    def test_a_revision_fits_if_each_can_read_the_other(self, fields: list[dict[str, Any]]) -> None:
        compatibility.check(schema_of(*fields), self.BEFORE)

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            (
                [a_field("string", "b", default="")],
                "old schema cannot read messages of the new one: R.a: it would be missing",
            ),
            (
                [a_field("int", "a"), a_field("string", "b", default=""), a_field("int", "c")],
                "the new schema cannot read messages of the old one: R.c: it would be missing",
            ),
            ([a_field("long", "a")], "old schema cannot read messages of the new one: R.a: long is not read as int"),
            ([a_field(["null", "int"], "a")], "old schema cannot read messages of the new one: R.a: null is not read as int"),
            (
                [a_field("int", "a2", aliases=["a"])],
                "old schema cannot read messages of the new one: R.a: it would be missing",
            ),
        ],
        ids=["less without default", "more without default", "wider", "made optional", "renamed"],
    )
    def test_a_revision_is_refused_if_one_cannot(self, fields: list[dict[str, Any]], sentence: str) -> None:
        with pytest.raises(SchemaError) as refused:
            compatibility.check(schema_of(*fields), self.BEFORE)
        assert sentence in str(refused.value)

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ({"type": "enum", "name": "E", "symbols": ["A"]}, {"type": "enum", "name": "E", "symbols": ["A", "B"]}),
            ({"type": "enum", "name": "E", "symbols": ["A"]}, {"type": "enum", "name": "F", "symbols": ["A"]}),
            ({"type": "fixed", "name": "X", "size": 2}, {"type": "fixed", "name": "X", "size": 3}),
            ({"type": "array", "items": "int"}, {"type": "array", "items": "string"}),
            ({"type": "map", "values": "int"}, {"type": "map", "values": "boolean"}),
            (["null", "int"], ["null", "int", "boolean"]),
            ("int", "string"),
        ],
    )
    def test_no_type_name_size_or_symbol_changes(self, before: Any, after: Any) -> None:
        with pytest.raises(SchemaError, match="cannot read"):
            compatibility.check(schema_of(a_field(after)), schema_of(a_field(before)))

    def test_an_enum_with_a_default_may_gain_a_symbol(self) -> None:
        before = schema_of(a_field({"type": "enum", "name": "E", "symbols": ["A"], "default": "A"}))
        after = schema_of(a_field({"type": "enum", "name": "E", "symbols": ["A", "B"], "default": "A"}))
        compatibility.check(after, before)

    def test_recursive_schemas_are_compared_too(self) -> None:
        other = LIST | {"fields": [*LIST["fields"], a_field("int", "n", default=0)]}
        compatibility.check(parse(json.dumps(other)), parse(json.dumps(LIST)))
        with pytest.raises(SchemaError):
            compatibility.check(parse(json.dumps(LIST | {"fields": [a_field("int", "n")]})), parse(json.dumps(LIST)))


def test_the_alert_schema_is_one_that_the_server_takes() -> None:
    schema = parse(ALERT)
    compatibility.check(schema, schema)
