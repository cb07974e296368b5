"""JSON as a stream of tokens, so that a message can be judged up to where its last value ends, and no further.

A token is a kind and its text: `{ } [ ]`, "field" (a key, its colon read), "string", "number", "true", "false", "null", and
"end" for good. Strict by RFC 8259; the limits are those of the parser in Google's emulator (Jackson 2.17,
StreamReadConstraints).
"""

from __future__ import annotations

import re
from json.decoder import JSONDecodeError
from json.decoder import scanstring as _scan_string  # type: ignore[attr-defined]
from typing import NamedTuple, Protocol

from localpubsub.schemas.errors import SchemaError

MAX_NESTING = 1_000
MAX_NAME_CHARACTERS = 50_000

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(r"(?:true|false|null)(?![\w$])")
_CLOSING = {"{": "}", "[": "]"}


class Token(NamedTuple):
    kind: str
    text: str


END = Token("end", "")
_MARKS = {mark: Token(mark, mark) for mark in "{}[]"}


class Tokens(Protocol):
    """What a reader reads: the token it stands on, and the step to the next."""

    current: Token

    def advance(self) -> None: ...


class TextTokens:
    """The tokens of a text, from the first on. `advance` raises SchemaError where the text is not JSON."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._open: list[str] = []
        self._first = True  # no value yet in the innermost object or array
        self._value: Token | None = None  # of the field the reader stands on; a string is read when it is asked for
        self.current = END
        start = self._skip_space(0)
        if start < len(text):
            self.current = self._read_value(start)

    def advance(self) -> None:
        if self.current.kind == "field":
            self.current = self._value or self._read_value(self._at)
            self._enter(self.current)
            return
        if not self._open:
            self.current = END
            return
        start = self._skip_space(self._at)
        if self._text.startswith(_CLOSING[self._open[-1]], start):
            self._open.pop()
            self._first = False
            self._at = start + 1
            self.current = _MARKS[self._text[start]]
            return
        if not self._first:
            if not self._text.startswith(",", start):
                raise self._wrong(start, f"a comma or {_CLOSING[self._open[-1]]}")
            start = self._skip_space(start + 1)
        self._first = False
        if self._open[-1] == "[":
            self.current = self._read_value(start)
        else:
            self.current = self._read_field(start)

    def _read_field(self, start: int) -> Token:
        if not self._text.startswith('"', start):
            raise self._wrong(start, "a key in double quotes")
        name = self._read_string(start).text
        if len(name) > MAX_NAME_CHARACTERS:
            raise SchemaError(f"the message has a key of {len(name)} characters, the most is {MAX_NAME_CHARACTERS}")
        colon = self._skip_space(self._at)
        if not self._text.startswith(":", colon):
            raise self._wrong(colon, "a colon")
        self._at = self._skip_space(colon + 1)
        self._value = None if self._text.startswith('"', self._at) else self._read_value(self._at, enter=False)
        return Token("field", name)

    def _read_value(self, start: int, enter: bool = True) -> Token:
        first = self._text[start : start + 1]
        if first == '"':
            return self._read_string(start)
        if first in ("{", "["):
            self._at = start + 1
            if enter:
                self._enter(_MARKS[first])
            return _MARKS[first]
        if number := _NUMBER.match(self._text, start):
            self._at = number.end()
            if not self._open and self._skip_space(self._at) == self._at < len(self._text):
                raise self._wrong(self._at, "a space")
            return Token("number", number[0])
        if word := _WORD.match(self._text, start):
            self._at = word.end()
            return Token(word[0], word[0])
        raise self._wrong(start, "a value")

    def _enter(self, token: Token) -> None:
        if token.kind in _CLOSING:
            self._open.append(token.kind)
            self._first = True
            if len(self._open) > MAX_NESTING:
                raise SchemaError(f"the message is nested deeper than {MAX_NESTING}")

    def _read_string(self, start: int) -> Token:
        try:
            text, self._at = _scan_string(self._text, start + 1, True)
        except JSONDecodeError as error:
            raise SchemaError(f"the message is not JSON: {error}") from None
        return Token("string", text)

    def _skip_space(self, start: int) -> int:
        found = _SPACE.match(self._text, start)
        return found.end() if found else start

    def _wrong(self, at: int, expected: str) -> SchemaError:
        found = repr(self._text[at : at + 12]) if at < len(self._text) else "the end"
        return SchemaError(f"the message is not JSON: expected {expected} at character {at + 1}, found {found}")


class KeptTokens:
    """A value that was read before it was asked for, to be read again."""

    def __init__(self, tokens: list[Token]) -> None:
        self._rest = iter(tokens)
        self.current = next(self._rest)

    def advance(self) -> None:
        self.current = next(self._rest, END)


def keep_value(tokens: Tokens) -> KeptTokens:
    """Takes one whole value from `tokens`, which stand after it then."""
    kept = []
    depth = 0
    while True:
        token = tokens.current
        if token is END:
            raise SchemaError("the message is not JSON: it ends within a value")
        kept.append(token)
        depth += (token.kind in ("{", "[")) - (token.kind in ("}", "]"))
        tokens.advance()
        if depth == 0:
            return KeptTokens(kept)
