"""The filter language: what it accepts, what it refuses, and what it lets through."""

from __future__ import annotations

import pytest

from localpubsub.errors import InvalidArgument
from localpubsub.rules.filters import MAX_FILTER_BYTES, parse_filter


@pytest.mark.parametrize(
    ("text", "attributes", "passes"),
    [
        ("", {}, True),
        ("attributes:lang", {"lang": "de"}, True),
        ("attributes:lang", {"language": "de"}, False),
        ("attributes:lang", {"lang": ""}, True),
        ('attributes.lang = "de"', {"lang": "de"}, True),
        ('attributes.lang="de"', {"lang": "de"}, True),
        ('attributes.lang = "de"', {"lang": "DE"}, False),
        ('attributes.lang = "de"', {}, False),
        ('attributes.lang = ""', {}, False),
        ('attributes.lang = ""', {"lang": ""}, True),
        ('attributes.lang != "de"', {"lang": "fr"}, True),
        ('attributes.lang != "de"', {"lang": "de"}, False),
        ('attributes.lang != "de"', {}, True),
        ('hasPrefix(attributes.kind, "military/")', {"kind": "military/troops"}, True),
        ('hasPrefix(attributes.kind, "military/")', {"kind": "a military/troops"}, False),
        ('hasPrefix(attributes.kind, "military/")', {}, False),
        ('hasPrefix ( attributes . kind , "" )', {"kind": "x"}, True),
        ('hasPrefix(attributes.kind, "")', {}, False),
        ("NOT attributes:test", {}, True),
        ("NOT attributes:test", {"test": "1"}, False),
        ("-attributes:test", {"test": "1"}, False),
        ("- attributes:test", {}, True),
        ("NOT (attributes:a OR attributes:b)", {"b": ""}, False),
        ("-(attributes:a AND attributes:b)", {"b": ""}, True),
        ("attributes:a AND attributes:b", {"a": "", "b": ""}, True),
        ("attributes:a AND attributes:b", {"a": ""}, False),
        ("attributes:a AND attributes:b AND NOT attributes:c", {"a": "", "b": "", "c": ""}, False),
        ("attributes:a OR attributes:b OR attributes:c", {"c": ""}, True),
        ("attributes:a AND (attributes:b OR attributes:c)", {"a": "", "c": ""}, True),
        ("attributes:a AND (attributes:b OR attributes:c)", {"b": "", "c": ""}, False),
        ("(attributes:a AND attributes:b) OR attributes:c", {"c": ""}, True),
        ("((attributes:a))", {"a": ""}, True),
        ("  attributes:a  ", {"a": ""}, True),
        ("attributes:ce-type", {"ce-type": "x"}, True),
        ("attributes:9_lives", {"9_lives": "x"}, True),
        ('attributes."ce.type/1" = "x"', {"ce.type/1": "x"}, True),
        ('attributes:"iana.org/language_tag"', {"iana.org/language_tag": "en"}, True),
        ('attributes:"ключ"', {"ключ": "да"}, True),
        ('attributes.a = "да"', {"a": "да"}, True),
        (r'attributes.a = "say \"hi\" \\ there"', {"a": r'say "hi" \ there'}, True),
        (r'attributes.a = "tab\tnew\nline"', {"a": "tab\tnew\nline"}, True),
        (r'attributes.a = "\u0434\U0001F6A8"', {"a": "д🚨"}, True),
        (r'attributes.a = "\xd0\xb4\101"', {"a": "дA"}, True),
        ("attributes:AND", {"AND": ""}, True),
        ('attributes.a = "x AND y"', {"a": "x AND y"}, True),
        ('attributes.a = "a)"', {"a": "a)"}, True),
    ],
)
def test_a_filter_passes_what_it_says(text: str, attributes: dict[str, str], passes: bool) -> None:
    assert parse_filter(text)(attributes) is passes


@pytest.mark.parametrize(
    "text",
    [
        "attributes",
        "attributes:",
        "attributes.",
        "attributes.a",
        "attributes:a =",
        "attributes.a = b",
        "attributes.a = 1",
        "attributes.a = 'b'",
        'attributes.a > "b"',
        'attributes.a < "b"',
        'attributes.a =~ "b"',
        'attributes.a == "b"',
        'attributes.a : "b"',
        'a = "b"',
        'data:"x"',
        'message.attributes:"x"',
        'Attributes.a = "b"',
        'hasSuffix(attributes.a, "b")',
        'HASPREFIX(attributes.a, "b")',
        'hasPrefix(attributes.a, "b"',
        "hasPrefix(attributes.a)",
        'hasPrefix(attributes:a, "b")',
        'hasPrefix("b", attributes.a)',
        "attributes:a AND attributes:b OR attributes:c",
        "attributes:a OR attributes:b AND attributes:c",
        "attributes:a and attributes:b",
        "not attributes:a",
        "attributes:a attributes:b",
        "attributes:a AND",
        "AND attributes:a",
        "NOT",
        "NOT NOT attributes:a",
        "(",
        "()",
        "(attributes:a",
        "attributes:a)",
        "attributes:ключ",
        "attributes:a.b",
        'attributes.a = "b',
        r'attributes.a = "\q"',
        r'attributes.a = "\xff"',
        r'attributes.a = "\777"',
        r'attributes.a = "\ud800"',
        "   ",
        "%",
        "(" * 40 + "attributes:a" + ")" * 40,
    ],
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="Invalid filter: "):
        parse_filter(text)


def test_the_length_limit_counts_bytes_not_characters() -> None:
    frame = 'attributes:""'
    at_limit = f'attributes:"{"я" * ((MAX_FILTER_BYTES - len(frame)) // 2)}"'
    assert len(at_limit.encode()) in (MAX_FILTER_BYTES, MAX_FILTER_BYTES - 1)
    assert parse_filter(at_limit)({at_limit[12:-1]: ""})
    with pytest.raises(InvalidArgument, match="257 bytes"):
        parse_filter("attributes:" + "a" * 246)


def test_a_refusal_says_where_and_what_was_expected() -> None:
    with pytest.raises(InvalidArgument, match="expected a string in double quotes at character 18, found high"):
        parse_filter("attributes.sev = high")
