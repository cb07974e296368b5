"""Judges the default of a field. A default of a union is one of its first branch (Avro specification, "Unions")."""

from __future__ import annotations

import json
from typing import Any

from localpubsub.schemas.errors import SchemaError
from localpubsub.schemas.types import INT_RANGE, LONG_RANGE, Array, AvroType, Enum, Fixed, Map, Primitive, Record, Union, label


def check_default(type_: AvroType, value: Any, where: str) -> None:
    """Raises SchemaError if `value` (parsed JSON) cannot be the default of a field of that type."""
    if _is_kind(type_, "float", "double") and isinstance(value, str):
        value = _number(value)  # how a definition writes NaN and Infinity
    if not _fits(type_, value):
        raise SchemaError(f"{where}: the default {json.dumps(value)[:40]} is no {label(type_)}")


def _fits(type_: AvroType, value: Any) -> bool:
    match type_:
        case Primitive():
            return _fits_primitive(type_.kind, value)
        case Fixed() | Enum():
            return isinstance(value, str)
        case Array():
            return isinstance(value, list) and all(_fits(type_.items, each) for each in value)
        case Map():
            return isinstance(value, dict) and all(_fits(type_.values, each) for each in value.values())
        case Union():
            first = next(iter(type_.branches.values()), None)
            return first is not None and _fits(first, value)
        case Record():
            return isinstance(value, dict) and all(
                _fits(field.type, value[field.name]) if field.name in value else field.has_default for field in type_.fields
            )


def _fits_primitive(kind: str, value: Any) -> bool:
    match kind:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "string" | "bytes":
            return isinstance(value, str)
        case "int" | "long":
            low, high = INT_RANGE if kind == "int" else LONG_RANGE
            return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        case _:
            return isinstance(value, int | float) and not isinstance(value, bool)


def _is_kind(type_: AvroType, *kinds: str) -> bool:
    return isinstance(type_, Primitive) and type_.kind in kinds


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
