"""What an Avro schema is made of. Logical types are left out: a message is judged by the type underneath them.

Types are compared by identity, since a record may contain itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")

INT_RANGE = (-(2**31), 2**31 - 1)
LONG_RANGE = (-(2**63), 2**63 - 1)


@dataclass(eq=False, frozen=True, slots=True)
class Primitive:
    kind: str  # one of PRIMITIVES


@dataclass(eq=False, frozen=True, slots=True)
class Fixed:
    name: str  # the full name, namespace included, as for Enum and Record
    aliases: frozenset[str]
    size: int  # bytes


@dataclass(eq=False, frozen=True, slots=True)
class Enum:
    name: str
    aliases: frozenset[str]
    symbols: tuple[str, ...]
    default: str | None  # what a reader takes for a symbol that it does not know


@dataclass(eq=False, frozen=True, slots=True)
class Array:
    items: AvroType


@dataclass(eq=False, frozen=True, slots=True)
class Map:
    values: AvroType


@dataclass(eq=False, frozen=True, slots=True)
class Union:
    branches: dict[str, AvroType]  # by the label that tags a value in JSON, in order


@dataclass(eq=False, frozen=True, slots=True)
class Field:
    name: str
    type: AvroType
    aliases: frozenset[str]
    has_default: bool


@dataclass(eq=False, slots=True)
class Record:
    name: str
    aliases: frozenset[str]
    fields: tuple[Field, ...] = field(default=(), repr=False)  # set when they are read: they may name the record


AvroType = Primitive | Fixed | Enum | Array | Map | Union | Record


def label(type_: AvroType) -> str:
    """The name of a type as a branch of a union: the full name of a named one, else the kind."""
    match type_:
        case Primitive():
            return type_.kind
        case Array():
            return "array"
        case Map():
            return "map"
        case Union():
            return "union"
        case _:
            return type_.name
