"""Judges a message in the JSON encoding of Avro.

Strict about values: no string for a long, no bare value for a union, no field left out though it has a default. Lenient where
Avro's Java reader is, since that is what judges in Google's emulator:
- fields may come in any order;
- a key that the schema does not know is skipped; within a nested record that has something after it, only if the key comes
  after all known ones and its value holds no object;
- 1.5 passes for an int (its fraction is cut off);
- bytes that are not UTF-8 are replaced before anything else, and a character beyond Latin-1 passes for a byte;
- what opens and closes a record is only looked at when the next value is read, so all that follows the last value of the
  schema goes unseen, be it a missing brace or another text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from localpubsub.schemas.errors import SchemaError
from localpubsub.schemas.tokens import END, KeptTokens, TextTokens, Token, Tokens, keep_value
from localpubsub.schemas.types import (
    INT_RANGE,
    LONG_RANGE,
    Array,
    AvroType,
    Enum,
    Field,
    Fixed,
    Map,
    Primitive,
    Record,
    Union,
)

MAX_NUMBER_CHARACTERS = 1_000


def check(root: Record, data: bytes) -> None:
    """Raises SchemaError, with the field, if `data` is no message of `root`."""
    _Reader(TextTokens(data.decode("utf-8", "replace"))).read(root)


@dataclass
class _Frame:
    """A record that is being read: fields that came too early, and where to go on after one of them."""

    early: dict[str, KeptTokens] = field(default_factory=dict)
    resume: Tokens | None = None


@dataclass
class _Items:
    """The rest of an array."""

    type: AvroType
    index: int = 0


@dataclass
class _Values:
    """The rest of a map."""

    type: AvroType
    any: bool = False


_Bound = Callable[[], None]
_Step = AvroType | _Items | _Values | _Bound


class _Reader:
    """Walks the schema with a stack of its own, since a schema may be recursive, and messages deep."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.steps: list[_Step] = []
        self.waiting: list[_Bound] = []  # openings and closings, done before the next value
        self.frames: list[_Frame] = []
        self.path: list[str] = []

    def read(self, root: Record) -> None:
        self.steps.append(root)
        while self.steps:
            step = self.steps.pop()
            if isinstance(step, Record):
                self.plan_record(step)
            elif callable(step):
                self.waiting.append(step)
            else:
                for each in self.waiting:
                    each()
                self.waiting.clear()
                self.read_value(step)

    def plan_record(self, record: Record) -> None:
        self.steps.append(self.close_record)
        for each in reversed(record.fields):
            self.steps += (self.leave_field, each.type, partial(self.find_field, each))
        self.steps.append(partial(self.open_record, record))

    def open_record(self, record: Record) -> None:
        self.take("{", f"an object, for the record {record.name}")
        self.frames.append(_Frame())

    def find_field(self, wanted: Field) -> None:
        self.path.append(wanted.name)
        frame = self.frames[-1]
        if early := frame.early.pop(wanted.name, None):
            frame.resume = self.tokens
            self.tokens = early
            return
        while self.tokens.current.kind == "field":
            name = self.tokens.current.text
            self.tokens.advance()
            if name == wanted.name or name in wanted.aliases:
                return
            frame.early[name] = keep_value(self.tokens)
        raise self.wrong("it is missing", found=False)

    def leave_field(self) -> None:
        self.path.pop()
        frame = self.frames[-1]
        if frame.resume is not None:
            self.tokens, frame.resume = frame.resume, None

    def close_record(self) -> None:
        self.skip_to_brace()
        unknown = self.frames.pop().early
        if unknown:
            raise self.wrong(f"the schema does not know {', '.join(sorted(unknown))}", found=False)
        self.tokens.advance()

    def close_union(self) -> None:
        self.skip_to_brace()
        self.tokens.advance()

    def skip_to_brace(self) -> None:
        while self.tokens.current.kind != "}":
            if self.tokens.current is END:
                raise self.wrong("expected }")
            self.tokens.advance()

    def read_value(self, type_: AvroType | _Items | _Values) -> None:
        match type_:
            case Primitive():
                self.read_primitive(type_.kind)
            case Fixed():
                self.read_fixed(type_)
            case Enum():
                self.read_enum(type_)
            case Union():
                self.read_union(type_)
            case Array():
                self.take("[", "a list")
                self.next_item(_Items(type_.items))
            case Map():
                self.take("{", "an object, for a map")
                self.next_value(_Values(type_.values))
            case _Items():
                self.next_item(type_)
            case _Values():
                self.next_value(type_)

    def next_item(self, items: _Items) -> None:
        if items.index:
            self.path.pop()
        if self.tokens.current.kind == "]":
            self.tokens.advance()
            return
        self.path.append(f"[{items.index}]")
        items.index += 1
        self.steps += (items, items.type)

    def next_value(self, values: _Values) -> None:
        if values.any:
            self.path.pop()
        if self.tokens.current.kind == "}":
            self.tokens.advance()
            return
        self.path.append(self.tokens.current.text)
        values.any = True
        self.take("field", "a key")
        self.steps += (values, values.type)

    def read_union(self, union: Union) -> None:
        label = "null"
        if self.tokens.current.kind != "null":
            self.take("{", f"null or an object whose key is one of {', '.join(union.branches)}")
            label = self.take("field", "the name of a branch")
            self.steps.append(self.close_union)
        if label not in union.branches:
            raise self.wrong(f"{label} is none of {', '.join(union.branches)}", found=False)
        self.steps.append(union.branches[label])

    def read_primitive(self, kind: str) -> None:
        match kind:
            case "null":
                self.take("null", "null")
            case "boolean":
                if self.tokens.current.kind != "true":
                    self.take("false", "true or false")
                else:
                    self.tokens.advance()
            case "int" | "long":
                low, high = INT_RANGE if kind == "int" else LONG_RANGE
                number = self.number(kind)
                whole = number.lstrip("-").isdigit()
                if not (low <= int(number) <= high if whole else low <= float(number) <= float(high)):
                    raise self.wrong(f"{number[:40]} is out of the range of {kind}", found=False)
            case "float" | "double":
                self.number(kind)
            case _:
                self.take("string", f"a string, for {kind}")

    def number(self, kind: str) -> str:
        number = self.take("number", f"a number, for {kind}")
        if sum(each.isdigit() for each in number) > MAX_NUMBER_CHARACTERS:
            raise self.wrong(f"a number of more than {MAX_NUMBER_CHARACTERS} digits", found=False)
        return number

    def read_fixed(self, fixed: Fixed) -> None:
        text = self.take("string", f"a string of {fixed.size} characters, for {fixed.name}")
        if len(text) != fixed.size:
            raise self.wrong(f"{fixed.name} has {fixed.size} bytes, not {len(text)}", found=False)

    def read_enum(self, enum: Enum) -> None:
        symbol = self.take("string", f"a symbol of {enum.name}")
        if symbol not in enum.symbols:
            raise self.wrong(f"{symbol[:40]!r} is no symbol of {enum.name}", found=False)

    def take(self, kind: str, expected: str) -> str:
        """The text of the token, which has to be of that kind, and on to the next."""
        token = self.tokens.current
        if token.kind != kind:
            raise self.wrong(f"expected {expected}")
        self.tokens.advance()
        return token.text

    def wrong(self, what: str, found: bool = True) -> SchemaError:
        where = ".".join(self.path).replace(".[", "[") or "the message"
        token = self.tokens.current
        return SchemaError(f"{where}: {what}" + (f", found {_described(token)}" if found else ""))


def _described(token: Token) -> str:
    match token.kind:
        case "string" | "field":
            return repr(token.text[:40])
        case "end":
            return "the end"
        case _:
            return token.text[:40]
