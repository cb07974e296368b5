"""Judges a message in the binary encoding of Avro.

As Avro's Java reader does: any byte is a boolean, a string need not be UTF-8, the byte count of a block is not looked at, and
what follows the message goes unseen.
"""

from __future__ import annotations

from dataclasses import dataclass

from localpubsub.schemas.errors import SchemaError
from localpubsub.schemas.types import Array, AvroType, Enum, Fixed, Map, Primitive, Record, Union

_INT_BITS = 32
_LONG_BITS = 64
_MAX_ITEMS = 2**31 - 8  # of an array or a map: what a Java array holds


@dataclass
class _Block:
    """The rest of an array or a map: `left` items in the block, then the count of the next one. `read` counts all blocks."""

    type: AvroType
    keyed: bool
    left: int = 0
    read: int = 0


def check(root: Record, data: bytes) -> None:
    """Raises SchemaError, with the byte, if `data` does not begin with a message of `root`."""
    _Reader(data).read(root)


class _Reader:
    """Walks the schema with a stack of its own, since a schema may be recursive, and messages deep."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.steps: list[AvroType | _Block] = []

    def read(self, root: Record) -> None:
        self.steps.append(root)
        while self.steps:
            step = self.steps.pop()
            match step:
                case Primitive():
                    self.read_primitive(step.kind)
                case Fixed():
                    self.skip(step.size, step.name)
                case Enum():
                    self.index(len(step.symbols), step.name)
                case Union():
                    branches = list(step.branches.values())
                    self.steps.append(branches[self.index(len(branches), "a union")])
                case Record():
                    self.steps.extend(each.type for each in reversed(step.fields))
                case Array():
                    self.steps.append(_Block(step.items, keyed=False))
                case Map():
                    self.steps.append(_Block(step.values, keyed=True))
                case _Block():
                    self.next_item(step)

    def next_item(self, block: _Block) -> None:
        while block.left == 0:
            count = self.count(block)
            if count == 0:
                return
            if block.keyed or not _is_empty(block.type):
                block.left = count
        block.left -= 1
        self.steps.append(block)
        if block.keyed:
            self.skip(self.length("a key"), "a key")
        self.steps.append(block.type)

    def count(self, block: _Block) -> int:
        """Items of the next block. A negative count is followed by the size of the block in bytes."""
        count = self.varint(_LONG_BITS)
        if count < 0:
            self.varint(_LONG_BITS)
            count = -count
        block.read += count
        if block.read > _MAX_ITEMS:
            raise self.wrong(f"an array or map of {block.read} items")
        return count

    def read_primitive(self, kind: str) -> None:
        match kind:
            case "int":
                self.varint(_INT_BITS)
            case "long":
                self.varint(_LONG_BITS)
            case "string" | "bytes":
                self.skip(self.length(f"a {kind}"), f"a {kind}")
            case "boolean":
                self.skip(1, "a boolean")
            case "float":
                self.skip(4, "a float")
            case "double":
                self.skip(8, "a double")

    def index(self, below: int, name: str) -> int:
        index = self.varint(_INT_BITS)
        if not 0 <= index < below:
            raise self.wrong(f"{name} has {below} members, and none with the index {index}")
        return index

    def length(self, name: str) -> int:
        length = self.varint(_LONG_BITS)
        if length < 0:
            raise self.wrong(f"{name} of {length} bytes")
        return length

    def skip(self, size: int, name: str) -> None:
        if self.at + size > len(self.data):
            raise self.wrong(f"the message ends within {name}")
        self.at += size

    def varint(self, bits: int) -> int:
        """A number in zigzag coding, 7 bits a byte, the lowest first. What goes beyond `bits` is cut off."""
        value = 0
        for shift in range(0, bits, 7):
            if self.at >= len(self.data):
                raise self.wrong("the message ends within a number")
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                value &= (1 << bits) - 1
                return (value >> 1) ^ -(value & 1)
        raise self.wrong(f"a number of more than {bits} bits")

    def wrong(self, what: str) -> SchemaError:
        return SchemaError(f"byte {self.at}: {what}")


def _is_empty(type_: AvroType) -> bool:
    """Whether every value of the type takes no bytes, so that a million of them need not be read one by one."""
    match type_:
        case Primitive():
            return type_.kind == "null"
        case Fixed():
            return type_.size == 0
        case Record():
            return all(_is_empty(each.type) for each in type_.fields)
        case _:
            return False
