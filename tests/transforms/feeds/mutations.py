"""Breaks a document as the world breaks it: bytes lost, doubled, swapped, cut off, and markup where none belongs. Seeded."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

# What broken feeds hold where it hurts.
_NOISE = (
    b"<![CDATA[", b"]]>", b"<!--", b"-->", b"&", b"&nbsp;", b"&#0;", b"&#xD800;", b"&lol;", b"<", b">", b"</", b"/>", b"<?",
    b"?>", b'"', b"'", b"\x00", b"\x0b", b"\x1b[2J", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbf\xbf", b"<item>", b"</item>",
    b"<entry/>", b"</channel>", b"</rss>", b"</feed>", b"<html>", b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>',
    b"<script>", b"<x:y>", b' xmlns="urn:x"', b' a="1" a="2"', b"{", b"}", b"[", b"]", b",", b"null", b"1e999",
    b"\xe2\x80\xae", b"\xe2\x80\xa8",
)  # fmt: skip
_ENCODINGS = (
    b"utf-16",
    b"utf-7",
    b"us-ascii",
    b"windows-1251",
    b"big5",
    b"ebcdic-cp-be",
    b"hex",
    b"idna",
    b"undefined",
    b"no-such",
)
_TAG = re.compile(rb"<[^<>]{1,200}>")


def mutate(body: bytes, seed: str) -> bytes:
    """The document, broken in one to three ways that the seed decides; the same seed breaks it the same way."""
    dice = random.Random(seed)
    for _ in range(dice.choice((1, 1, 2, 3))):
        body = dice.choice(_WAYS)(body, dice)
    return body


def _flip(body: bytes, dice: random.Random) -> bytes:
    changed = bytearray(body)
    for _ in range(dice.randint(1, 8)):
        if changed:
            changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def _cut_off(body: bytes, dice: random.Random) -> bytes:
    return body[: dice.randint(0, len(body))]


def _lose(body: bytes, dice: random.Random) -> bytes:
    start, end = _span(body, dice)
    return body[:start] + body[end:]


def _double(body: bytes, dice: random.Random) -> bytes:
    start, end = _span(body, dice)
    return body[:end] + body[start:end] + body[end:]


def _move(body: bytes, dice: random.Random) -> bytes:
    start, end = _span(body, dice)
    rest = body[:start] + body[end:]
    place = dice.randint(0, len(rest))
    return rest[:place] + body[start:end] + rest[place:]


def _insert(body: bytes, dice: random.Random) -> bytes:
    place = dice.randint(0, len(body))
    return body[:place] + dice.choice(_NOISE) * dice.choice((1, 1, 1, 40)) + body[place:]


def _lose_tag(body: bytes, dice: random.Random) -> bytes:
    tags = list(_TAG.finditer(body[: 64 * 1024]))
    if not tags:
        return _lose(body, dice)
    tag = dice.choice(tags)
    return body[: tag.start()] + body[tag.end() :]


def _relabel(body: bytes, dice: random.Random) -> bytes:
    label = b'<?xml version="1.0" encoding="' + dice.choice(_ENCODINGS) + b'"?>'
    return label + re.sub(rb"^\s*<\?xml[^>]*\?>", b"", body, count=1)


def _recode(body: bytes, dice: random.Random) -> bytes:
    return body.decode("utf-8", "replace").encode(dice.choice(("utf-16", "utf-16-le", "utf-32", "cp1252", "koi8-r")), "replace")


def _span(body: bytes, dice: random.Random) -> tuple[int, int]:
    start = dice.randint(0, len(body))
    return start, min(len(body), start + dice.choice((1, 10, 100, 1000)))


_WAYS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flip, _cut_off, _lose, _double, _move, _insert, _insert, _lose_tag, _relabel, _recode,
)  # fmt: skip
