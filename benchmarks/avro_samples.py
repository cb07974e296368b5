"""Invented Avro schemas, messages of them, and messages that are nearly of them: one seed, one sequence."""

from __future__ import annotations

import copy
import io
import json
import random
from typing import Any

import fastavro

# What news may hold: quotes, controls, other scripts, characters of four bytes.
_WORDS = ("troops", "“talks”", "Київ", "日本", "\U0001f6a8", "a\\b", 'said "no"', "line\nbreak", "\u0000", "é", "ÿ", "")
_STRANGERS: tuple[Any, ...] = (
    *(None, True, 0, -1, 1, 1.5, 2**31, 2**63, 1e30, "A", "x", "", "é", "日"),
    *([], {}, [1], {"a": 1}, {"int": 1}, {"string": "x"}, {"null": None}),
)
_BYTES = (b'"', b"{", b"}", b"[", b"]", b",", b":", b"1", b"\\", b" ", b"\xff")
_SIMPLE = ("null", "boolean", "int", "long", "float", "double", "bytes", "string", "enum", "fixed")
_NESTED = ("record", "array", "map", "union", "named")

Json = Any


class Samples:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.count = 0

    def schema(self) -> dict[str, Any]:
        """A record with one to five fields. Some are no legal schema: a name may be used before it is defined."""
        names: list[str] = []
        fields = [{"name": f"f{i}", "type": self._type(3, names)} for i in range(self.random.randint(1, 5))]
        return {"type": "record", "name": self._name("Root"), "fields": fields}

    def value(self, schema: Json) -> Json:
        """A value of the schema as its JSON encoding has it."""
        return self._value(schema, named_types(schema), 6)

    def damage(self, value: Json) -> Json:
        """The value with one thing changed, left out, added or moved."""
        value = copy.deepcopy(value)
        path = self.random.choice(list(_paths(value)))
        here = _at(value, path)
        how = self.random.randint(0, 6)
        if how <= 2 and path:
            _at(value, path[:-1])[path[-1]] = copy.deepcopy(self.random.choice(_STRANGERS))
        elif how == 3 and isinstance(here, dict) and here:
            del here[self.random.choice(list(here))]
        elif how == 4 and isinstance(here, dict):
            stranger = (self.random.choice(("zz", "f0", "f1", "g0", "int", "null")), self.random.choice(_STRANGERS))
            items = list(here.items())
            items.insert(self.random.randint(0, len(items)), stranger)
            _refill(here, items)
        elif how == 5 and isinstance(here, dict):
            items = list(here.items())
            self.random.shuffle(items)
            _refill(here, items)
        elif how == 6 and isinstance(here, list):
            here.append(copy.deepcopy(self.random.choice(_STRANGERS)))
        return value

    def text(self, value: Json) -> bytes:
        """The value as JSON, in one of several ways to write it."""
        ascii_only = self.random.random() < 0.5
        separators = self.random.choice(((",", ":"), (", ", ": "), (" ,\n", "\t: ")))
        return json.dumps(value, ensure_ascii=ascii_only, separators=separators).encode("utf-8", "surrogatepass")

    def binary(self, schema: Json, value: Json) -> bytes:
        """The value in the binary encoding."""
        target = io.BytesIO()
        fastavro.schemaless_writer(
            target, fastavro.parse_schema(copy.deepcopy(schema)), _plain(schema, value, named_types(schema))
        )
        return target.getvalue()

    def corrupt(self, data: bytes) -> bytes:
        """The bytes cut short, or with one of them put in, taken out or replaced."""
        at = self.random.randrange(len(data)) if data else 0
        stranger = self.random.choice((*_BYTES, bytes([self.random.randint(0, 8)]), self.random.randbytes(1)))
        return self.random.choice(
            (data[:at], data[:at] + stranger + data[at:], data[:at] + stranger + data[at + 1 :], data + stranger)
        )

    def _name(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def _type(self, depth: int, names: list[str]) -> Json:
        kind = self.random.choice(_SIMPLE + _NESTED * 2 if depth else _SIMPLE)
        if kind == "named" and names:
            return self.random.choice(names)
        match kind:
            case "record" | "named":
                return self._record(depth, names)
            case "array":
                return {"type": "array", "items": self._type(depth - 1, names)}
            case "map":
                return {"type": "map", "values": self._type(depth - 1, names)}
            case "union":
                branches = [self._type(depth - 1, names) for _ in range(self.random.randint(1, 4))]
                return list({_label(each): each for each in branches if not isinstance(each, list)}.values()) or ["null"]
            case "enum":
                names.append(self._name("E"))
                symbols = ["A", "B", "C"][: self.random.randint(1, 3)]
                return {"type": "enum", "name": names[-1], "symbols": symbols, **({"default": "A"} if self._rarely() else {})}
            case "fixed":
                names.append(self._name("X"))
                return {"type": "fixed", "name": names[-1], "size": self.random.randint(0, 3)}
            case _:
                return kind

    def _record(self, depth: int, names: list[str]) -> Json:
        name = self._name("R")
        fields: list[dict[str, Any]] = []
        for index in range(self.random.randint(0, 4)):
            aliases = {"aliases": [f"g{index}"]} if self._rarely() else {}
            fields.append({"name": f"f{index}", "type": self._type(depth - 1, names), **aliases})
        if self._rarely():
            fields.append({"name": "next", "type": ["null", name]})
        names.append(name)
        return {"type": "record", "name": name, "fields": fields}

    def _rarely(self) -> bool:
        return self.random.random() < 0.15

    def _value(self, schema: Json, named: dict[str, Json], depth: int) -> Json:
        if isinstance(schema, list):
            branch = self.random.choice(schema) if depth > 0 else schema[0]
            return None if _label(branch) == "null" else {_label(branch): self._value(branch, named, depth - 1)}
        schema = _resolved(schema, named)
        several = range(self.random.randint(0, 3) if depth > 0 else 0)
        match schema if isinstance(schema, str) else schema["type"]:
            case "record":
                return {each["name"]: self._value(each["type"], named, depth - 1) for each in schema["fields"]}
            case "array":
                return [self._value(schema["items"], named, depth - 1) for _ in several]
            case "map":
                return {self._name("k"): self._value(schema["values"], named, depth - 1) for _ in several}
            case "enum":
                return self.random.choice(schema["symbols"])
            case "fixed":
                return "".join(self.random.choice("abÿ") for _ in range(schema["size"]))
            case kind:
                return self._primitive(kind)

    def _primitive(self, kind: str) -> Json:
        match kind:
            case "null":
                return None
            case "boolean":
                return self.random.random() < 0.5
            case "int":
                return self.random.choice((0, -1, 2**31 - 1, -(2**31), self.random.randint(-9999, 9999)))
            case "long":
                return self.random.choice((0, 2**63 - 1, -(2**63), self.random.randint(-(10**12), 10**12)))
            case "float" | "double":
                return self.random.choice((0.0, 1.5, -3e10, 7))
            case "bytes":
                return "".join(self.random.choice("abcé ÿ\u0000") for _ in range(self.random.randint(0, 5)))
            case _:
                return " ".join(self.random.choice(_WORDS) for _ in range(self.random.randint(0, 4)))


def named_types(schema: Json) -> dict[str, Json]:
    """Records, enums and fixeds within a schema, by name."""
    if isinstance(schema, list):
        return {name: each for branch in schema for name, each in named_types(branch).items()}
    if not isinstance(schema, dict):
        return {}
    inside = [each["type"] for each in schema.get("fields", [])] + [schema[key] for key in ("items", "values") if key in schema]
    own = {schema["name"]: schema} if "name" in schema else {}
    return own | named_types(inside)


def _resolved(schema: Json, named: dict[str, Json]) -> Json:
    if isinstance(schema, str):
        return named.get(schema, schema)
    return schema["type"] if schema["type"] in _SIMPLE[:8] else schema


def _label(schema: Json) -> str:
    return schema if isinstance(schema, str) else schema.get("name") or schema["type"]


def _paths(value: Json, path: tuple[Any, ...] = ()) -> Any:
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield from _paths(each, (*path, key))


def _at(value: Json, path: tuple[Any, ...]) -> Json:
    for key in path:
        value = value[key]
    return value


def _refill(target: dict[str, Any], items: list[tuple[str, Any]]) -> None:
    target.clear()
    target.update(items)


def _plain(schema: Json, value: Json, named: dict[str, Json]) -> Any:
    """A value of the JSON encoding as fastavro wants it."""
    if isinstance(schema, list):
        if value is None:
            return None
        ((name, inner),) = value.items()
        branch = next(each for each in schema if _label(each) == name)
        return (name, _plain(branch, inner, named))
    schema = _resolved(schema, named)
    match schema if isinstance(schema, str) else schema["type"]:
        case "bytes" | "fixed":
            return value.encode("latin-1")
        case "record":
            return {each["name"]: _plain(each["type"], value[each["name"]], named) for each in schema["fields"]}
        case "array":
            return [_plain(schema["items"], each, named) for each in value]
        case "map":
            return {key: _plain(schema["values"], each, named) for key, each in value.items()}
        case _:
            return value
