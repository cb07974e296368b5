"""The filter language of subscriptions: an expression over a message's attributes.

    expression = term { "AND" term } | term { "OR" term }        AND and OR mix only with parentheses
    term       = [ "NOT" | "-" ] ( "(" expression ")" | condition )
    condition  = "attributes" ":" key                            the attribute is there
               | "attributes" "." key ( "=" | "!=" ) string      != also holds where the attribute is absent
               | "hasPrefix" "(" "attributes" "." key "," string ")"
    key        = letters, digits, "-" and "_", or a string       a string for any other key
    string     = double quotes, with \\" \\\\ \\n \\t \\xHH \\ooo \\uHHHH and the like inside

Operators are upper case; keys and values are compared exactly, letter case included. Numbers, other comparisons and
regular expressions do not exist. Source: the Pub/Sub page "Filter messages from a subscription".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from localpubsub.errors import InvalidArgument

MAX_FILTER_BYTES = 256
MAX_NESTING = 32

Filter = Callable[[Mapping[str, str]], bool]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<not_equal>!=)
      | (?P<mark>[():.,=\-])
      | (?P<word>[^\W]+(?:-[^\W]+|-)*)
    )""",
    re.VERBOSE,
)
_KEY = re.compile(r"[A-Za-z0-9_\-]+")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-7]{1,3})|(.))", re.DOTALL)
_PLAIN_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "?": "?"}
_PLAIN_ESCAPES |= {'"': '"', "'": "'", "\\": "\\", "`": "`"}


def parse_filter(text: str) -> Filter:
    """A predicate over attributes. The empty filter lets everything pass.

    Raises InvalidArgument, with the position, if `text` is no filter or is longer than 256 bytes in UTF-8.
    """
    if not text:
        return lambda attributes: True
    if len(text.encode()) > MAX_FILTER_BYTES:
        raise InvalidArgument(f"Invalid filter: {len(text.encode())} bytes, the most is {MAX_FILTER_BYTES}")
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_tokens(text))
        self.at = 0
        self.depth = 0

    def parse(self) -> Filter:
        found = self.expression()
        if self.at < len(self.tokens):
            raise self.wrong("the end, AND or OR")
        return found

    def expression(self) -> Filter:
        terms = [self.term()]
        operator = self.peek()
        if operator not in ("AND", "OR"):
            return terms[0]
        while self.peek() == operator:
            self.at += 1
            terms.append(self.term())
        if self.peek() in ("AND", "OR"):
            raise self.wrong("parentheses, since AND and OR do not mix without them")
        joined = all if operator == "AND" else any
        return lambda attributes: joined(term(attributes) for term in terms)

    def term(self) -> Filter:
        negated = False
        if self.peek() in ("NOT", "-"):
            self.at += 1
            negated = True
        inner = self.parenthesis() if self.peek() == "(" else self.condition()
        return (lambda attributes: not inner(attributes)) if negated else inner

    def parenthesis(self) -> Filter:
        self.take("(")
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self.wrong(f"at most {MAX_NESTING} nested parentheses")
        inner = self.expression()
        self.take(")")
        self.depth -= 1
        return inner

    def condition(self) -> Filter:
        if self.peek() == "hasPrefix":
            self.at += 1
            self.take("(")
            self.take("attributes")
            self.take(".")
            key = self.key()
            self.take(",")
            prefix = self.string()
            self.take(")")
            return lambda attributes: key in attributes and attributes[key].startswith(prefix)
        self.take("attributes")
        if self.peek() == ":":
            self.at += 1
            key = self.key()
            return lambda attributes: key in attributes
        self.take(".")
        key = self.key()
        operator = self.peek()
        if operator not in ("=", "!="):
            raise self.wrong("= or !=")
        self.at += 1
        value = self.string()
        if operator == "=":
            return lambda attributes: attributes.get(key) == value
        return lambda attributes: attributes.get(key) != value

    def key(self) -> str:
        token = self.peek()
        if token.startswith('"'):
            return self.string()
        if not _KEY.fullmatch(token) or token == "-":
            raise self.wrong("an attribute key (in double quotes if it has other characters than letters, digits, - and _)")
        self.at += 1
        return token

    def string(self) -> str:
        token = self.peek()
        if not token.startswith('"'):
            raise self.wrong("a string in double quotes")
        text = _unescape(token[1:-1])
        if text is None:
            raise self.wrong("a string without unknown escapes")
        self.at += 1
        return text

    def take(self, token: str) -> None:
        if self.peek() != token:
            raise self.wrong(f"'{token}'")
        self.at += 1

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def wrong(self, expected: str) -> InvalidArgument:
        if self.at < len(self.tokens):
            position, token = self.tokens[self.at]
            return InvalidArgument(f"Invalid filter: expected {expected} at character {position + 1}, found {token}")
        return InvalidArgument(f"Invalid filter: expected {expected}, found the end")


def _tokens(text: str) -> list[tuple[int, str]]:
    tokens = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise InvalidArgument(f"Invalid filter: cannot read {text[at:].strip()[:20]} at character {at + 1}")
        kind = str(found.lastgroup)
        tokens.append((found.start(kind), found[kind]))
        at = found.end()
    return tokens


def _unescape(text: str) -> str | None:
    """The string meant by a literal, or None if it has an escape that the language does not know.

    `\\x` and octal escapes are bytes of UTF-8, as in the string literals of the API's other filters.
    """
    parts: list[bytes] = []
    at = 0
    for found in _ESCAPE.finditer(text):
        parts.append(text[at : found.start()].encode())
        at = found.end()
        hexadecimal, short, long, octal, plain = found.groups()
        if hexadecimal or octal:
            value = int(hexadecimal, 16) if hexadecimal else int(octal, 8)
            if value > 255:
                return None
            parts.append(bytes([value]))
        elif short or long:
            value = int(short or long, 16)
            if value > 0x10FFFF or 0xD800 <= value < 0xE000:
                return None
            parts.append(chr(value).encode())
        elif plain in _PLAIN_ESCAPES:
            parts.append(_PLAIN_ESCAPES[plain].encode())
        else:
            return None
    parts.append(text[at:].encode())
    try:
        return b"".join(parts).decode()
    except UnicodeDecodeError:
        return None
