"""Reads the JSON definition of an Avro schema.

Sources: the Avro specification 1.11, and where it is silent what Avro's Java library does (Schema.Parser 1.11.4), because
Google's emulator asks it. A definition has at most 300 KB, by the service's limits; that its root is a record is our rule.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from localpubsub.schemas import binary_message, json_message
from localpubsub.schemas.defaults import check_default
from localpubsub.schemas.errors import SchemaError
from localpubsub.schemas.types import PRIMITIVES, Array, AvroType, Enum, Field, Fixed, Map, Primitive, Record, Union, label

MAX_DEFINITION_BYTES = 300 * 1024

_PRIMITIVE_TYPES = {kind: Primitive(kind) for kind in PRIMITIVES}
_ORDERS = ("ascending", "descending", "ignore")


@dataclass(frozen=True)
class AvroSchema:
    """A definition that was read: `root` is what messages are judged by."""

    root: Record

    def check(self, data: bytes, encoding: Literal["JSON", "BINARY"]) -> None:
        """Raises SchemaError, with the field, if `data` is not a message of this schema in that encoding."""
        if encoding == "JSON":
            json_message.check(self.root, data)
        else:
            binary_message.check(self.root, data)


def parse(text: str) -> AvroSchema:
    """The schema that `text` defines. Raises SchemaError, with the place, if it defines none."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_DEFINITION_BYTES:
        raise SchemaError(f"the definition has {size} bytes, the most is {MAX_DEFINITION_BYTES}")
    try:
        tree = json.loads(text, parse_constant=_no_constant)
        root = _Parser().type(tree, "schema", "")
    except json.JSONDecodeError as error:
        raise SchemaError(f"the definition is not JSON: {error}") from None
    except RecursionError:
        raise SchemaError("the definition is nested too deeply") from None
    if not isinstance(root, Record):
        raise SchemaError(f"the root of a schema is a record, not a {label(root)}")
    _refuse_endless(root, [])
    return AvroSchema(root)


class _Parser:
    """One pass over the tree. `where` is the place for messages, `space` the namespace around it."""

    def __init__(self) -> None:
        self.named: dict[str, AvroType] = {}

    def type(self, tree: Any, where: str, space: str) -> AvroType:
        if isinstance(tree, str):
            return self.reference(tree, where, space)
        if isinstance(tree, list):
            return self.union(tree, where, space)
        if not isinstance(tree, dict):
            raise SchemaError(f"{where}: a type is a name, an object or a list, not {json.dumps(tree)}")
        kind = _text(tree, "type", where)
        match kind:
            case "record" | "error":
                return self.record(tree, where, space)
            case "enum":
                return self.enum(tree, where, space)
            case "fixed":
                return self.fixed(tree, where, space)
            case "array":
                return Array(self.type(_present(tree, "items", where), f"{where}.items", space))
            case "map":
                return Map(self.type(_present(tree, "values", where), f"{where}.values", space))
            case _:
                return self.reference(kind, where, space)

    def reference(self, name: str, where: str, space: str) -> AvroType:
        if name in _PRIMITIVE_TYPES:
            return _PRIMITIVE_TYPES[name]
        full = name.removeprefix(".") if "." in name or not space else f"{space}.{name}"
        found = self.named.get(full) or self.named.get(name.rpartition(".")[2])
        if found is None:
            raise SchemaError(f"{where}: {json.dumps(name)} is no type that is defined before it")
        return found

    def union(self, tree: list[Any], where: str, space: str) -> Union:
        branches: dict[str, AvroType] = {}
        for index, each in enumerate(tree):
            branch = self.type(each, f"{where}[{index}]", space)
            if isinstance(branch, Union):
                raise SchemaError(f"{where}[{index}]: a union holds no union")
            if label(branch) in branches:
                raise SchemaError(f"{where}[{index}]: a second {label(branch)} in one union")
            branches[label(branch)] = branch
        return Union(branches)

    def record(self, tree: dict[str, Any], where: str, space: str) -> Record:
        name, inner = self.name(tree, where, space)
        record = Record(name, _aliases(tree, where, inner))
        self.define(record, where)
        fields: dict[str, Field] = {}
        for index, each in enumerate(_list(tree, "fields", where)):
            field = self.field(each, f"{where}.fields[{index}]", inner)
            if field.name in fields:
                raise SchemaError(f"{where}.fields[{index}]: a second field {json.dumps(field.name)} in {name}")
            fields[field.name] = field
        record.fields = tuple(fields.values())
        return record

    def field(self, tree: Any, where: str, space: str) -> Field:
        if not isinstance(tree, dict):
            raise SchemaError(f"{where}: a field is an object, not {json.dumps(tree)}")
        name = _legal(_text(tree, "name", where), where)
        where = f"{where} ({name})"
        type_ = self.type(_present(tree, "type", where), where, space)
        order = tree.get("order", "ascending")
        if not isinstance(order, str) or order.lower() not in _ORDERS:
            raise SchemaError(f"{where}: order is one of {', '.join(_ORDERS)}, not {json.dumps(order)}")
        aliases = frozenset(_texts(tree, "aliases", where))
        if "default" in tree:
            check_default(type_, tree["default"], where)
        return Field(name, type_, aliases, "default" in tree)

    def enum(self, tree: dict[str, Any], where: str, space: str) -> Enum:
        name, inner = self.name(tree, where, space)
        _present(tree, "symbols", where)
        symbols = [_legal(symbol, f"{where}.symbols") for symbol in _texts(tree, "symbols", where)]
        if len(set(symbols)) < len(symbols):
            raise SchemaError(f"{where}.symbols: a symbol of {name} comes twice")
        default = tree.get("default")
        if isinstance(default, str) and default not in symbols:
            raise SchemaError(f"{where}.default: {json.dumps(default)} is no symbol of {name}")
        enum = Enum(name, _aliases(tree, where, inner), tuple(symbols), default if isinstance(default, str) else None)
        self.define(enum, where)
        return enum

    def fixed(self, tree: dict[str, Any], where: str, space: str) -> Fixed:
        name, inner = self.name(tree, where, space)
        size = tree.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**31:
            raise SchemaError(f"{where}.size: a number of bytes, 0 or more, not {json.dumps(size)}")
        fixed = Fixed(name, _aliases(tree, where, inner), size)
        self.define(fixed, where)
        return fixed

    def name(self, tree: dict[str, Any], where: str, space: str) -> tuple[str, str]:
        """The full name, and the namespace for what is inside. A dotted name brings its own namespace."""
        own = tree.get("namespace")
        return _full_name(_text(tree, "name", where), own if isinstance(own, str) else space, where)

    def define(self, type_: Record | Enum | Fixed, where: str) -> None:
        if type_.name in PRIMITIVES:
            raise SchemaError(f"{where}: a type cannot be named {type_.name}, as a primitive type is")
        if type_.name in self.named:
            raise SchemaError(f"{where}: {type_.name} is defined a second time")
        self.named[type_.name] = type_


def _full_name(name: str, space: str, where: str) -> tuple[str, str]:
    before, dot, last = name.rpartition(".")
    if dot:
        space = before
    _legal(last, where)
    return (f"{space}.{last}" if space else last), space


def _legal(name: Any, where: str) -> str:
    if not isinstance(name, str) or not name or not all(each == "_" or each.isalnum() for each in name) or name[0].isdigit():
        raise SchemaError(f"{where}: {json.dumps(name)} is no name: letters, digits and _, and no digit first")
    return name


def _present(tree: dict[str, Any], key: str, where: str) -> Any:
    if key not in tree:
        raise SchemaError(f"{where}: {key} is missing")
    return tree[key]


def _text(tree: dict[str, Any], key: str, where: str) -> str:
    value = _present(tree, key, where)
    if not isinstance(value, str):
        raise SchemaError(f"{where}.{key}: a string, not {json.dumps(value)[:40]}")
    return value


def _list(tree: dict[str, Any], key: str, where: str) -> list[Any]:
    value = _present(tree, key, where)
    if not isinstance(value, list):
        raise SchemaError(f"{where}.{key}: a list, not {json.dumps(value)[:40]}")
    return value


def _texts(tree: dict[str, Any], key: str, where: str) -> list[str]:
    values = tree.get(key)
    if values is None:
        return []
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise SchemaError(f"{where}.{key}: a list of strings, not {json.dumps(values)[:40]}")
    return values


def _aliases(tree: dict[str, Any], where: str, space: str) -> frozenset[str]:
    return frozenset(_full_name(alias, space, f"{where}.aliases")[0] for alias in _texts(tree, "aliases", where))


def _refuse_endless(record: Record, around: list[Record]) -> None:
    """A record that holds itself other than by a union, an array or a map has no message: nothing would end it."""
    if record in around:
        raise SchemaError(f"{record.name} holds itself without end: let the field be a union with null")
    for field in record.fields:
        if isinstance(field.type, Record):
            _refuse_endless(field.type, [*around, record])


def _no_constant(name: str) -> Any:
    raise SchemaError(f"the definition is not JSON: {name} is no JSON value")
