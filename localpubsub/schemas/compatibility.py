"""Whether two revisions of a schema can stand side by side: whoever reads by one understands what was written by the other.

Pub/Sub takes a revision only if that holds both ways, because publishers and subscribers change at different times. The rules
are those of the Avro specification, "Schema Resolution". In short: a field comes or goes only with a default, and no type,
name or symbol changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from localpubsub.schemas.definition import AvroSchema
from localpubsub.schemas.errors import SchemaError
from localpubsub.schemas.types import Array, AvroType, Enum, Field, Fixed, Map, Primitive, Record, Union, label

_PROMOTIONS = {  # what is written as the key can be read as any of these
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}


def check(new: AvroSchema, old: AvroSchema) -> None:
    """Raises SchemaError, with the field, unless each of the two can read what the other wrote."""
    _Reading("the new schema cannot read messages of the old one").check(new.root, old.root, new.root.name)
    _Reading("the old schema cannot read messages of the new one").check(old.root, new.root, old.root.name)


@dataclass
class _Reading:
    """One direction. `seen` holds the pairs in question, so that recursive types end."""

    failure: str
    seen: set[tuple[int, int]] = field(default_factory=set)

    def check(self, reader: AvroType, writer: AvroType, where: str) -> None:
        if (id(reader), id(writer)) in self.seen:
            return
        self.seen.add((id(reader), id(writer)))
        if isinstance(writer, Union):
            for branch in writer.branches.values():
                self.check(reader, branch, where)
            return
        match reader, writer:
            case Union(), _:
                self.check_branches(reader, writer, where)
            case Primitive(), Primitive() if reader.kind == writer.kind or reader.kind in _PROMOTIONS.get(writer.kind, ()):
                pass
            case Array(), Array():
                self.check(reader.items, writer.items, f"{where}[]")
            case Map(), Map():
                self.check(reader.values, writer.values, f"{where}{{}}")
            case Fixed(), Fixed() if self.named_alike(reader, writer) and reader.size == writer.size:
                pass
            case Enum(), Enum() if self.named_alike(reader, writer):
                self.check_symbols(reader, writer, where)
            case Record(), Record() if self.named_alike(reader, writer):
                self.check_fields(reader, writer, where)
            case _:
                raise self.wrong(where, f"{_described(writer)} is not read as {_described(reader)}")

    def check_branches(self, reader: Union, writer: AvroType, where: str) -> None:
        for branch in reader.branches.values():
            try:
                _Reading(self.failure, set(self.seen)).check(branch, writer, where)
            except SchemaError:
                continue
            return
        raise self.wrong(where, f"{_described(writer)} is none of {', '.join(reader.branches) or 'an empty union'}")

    def check_symbols(self, reader: Enum, writer: Enum, where: str) -> None:
        unknown = [symbol for symbol in writer.symbols if symbol not in reader.symbols]
        if unknown and reader.default is None:
            raise self.wrong(where, f"{', '.join(unknown)} would be unknown to the enum {reader.name}, which has no default")

    def check_fields(self, reader: Record, writer: Record, where: str) -> None:
        written = {each.name: each for each in writer.fields}
        for each in reader.fields:
            source = _source(each, written)
            if source is not None:
                self.check(each.type, source.type, f"{where}.{each.name}")
            elif not each.has_default:
                raise self.wrong(f"{where}.{each.name}", "it would be missing and has no default")

    def named_alike(self, reader: Fixed | Enum | Record, writer: Fixed | Enum | Record) -> bool:
        return reader.name == writer.name or writer.name in reader.aliases

    def wrong(self, where: str, what: str) -> SchemaError:
        return SchemaError(f"{self.failure}: {where}: {what}")


def _source(wanted: Field, written: dict[str, Field]) -> Field | None:
    names = [wanted.name, *sorted(wanted.aliases)]
    return next((written[name] for name in names if name in written), None)


def _described(type_: AvroType) -> str:
    match type_:
        case Record():
            return f"the record {type_.name}"
        case Enum():
            return f"the enum {type_.name}"
        case Fixed():
            return f"the fixed {type_.name} of {type_.size} bytes"
        case _:
            return label(type_)
