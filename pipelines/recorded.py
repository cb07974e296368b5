"""Recorded entries: a line of JSON with what a feed said -> an entry."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from schemas.entry import Entry, content_hash, credible_time
from schemas.records import from_dict, micros, to_json


class UnreadableEntry(ValueError):
    """A line that is no entry. The text says why, in a sentence."""


def read_entry(line: bytes) -> Entry:
    """The entry of a line of JSON. Raises UnreadableEntry."""
    return entry_of(read_object(line))


def read_object(line: bytes) -> dict[str, Any]:
    """The JSON object of a line. Raises UnreadableEntry."""
    try:
        found = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as e:
        raise UnreadableEntry(f"is not UTF-8: byte {line[e.start]:#x} at column {e.start + 1}") from None
    except json.JSONDecodeError as e:
        what = f"{e.msg[:1].lower()}{e.msg[1:]}".removesuffix(" at")  # "unterminated string starting at"
        raise UnreadableEntry(f"is not JSON: {what} at column {e.colno}") from None
    except (ValueError, RecursionError) as e:  # a number of too many digits, a list in lists without end
        raise UnreadableEntry(f"is not JSON that can be read: {e}") from None
    if not isinstance(found, dict):
        raise UnreadableEntry(f"must be a JSON object with the fields of an entry, not {type(found).__name__}")
    return found


def entry_of(line: dict[str, Any]) -> Entry:
    """The entry of a record: `id, feed, outlet, url, title, summary, published`, and maybe more of an entry's fields.

    Raises UnreadableEntry if a field is missing or wrong.
    """
    for name in ("id", "feed", "outlet"):
        if not line.get(name):
            raise UnreadableEntry(f"{name} is missing")
    text = {name: line.get(name) or "" for name in ("title", "summary", "text")}
    published, seen_at = _time(line, "published"), _time(line, "seen_at")
    seen_at = published if seen_at is None else seen_at
    if seen_at is None:
        raise UnreadableEntry("neither published nor seen_at is given: the entry has no place in time")
    defaults = {
        "version": 1,
        "content_hash": content_hash(**text) if all(isinstance(value, str) for value in text.values()) else "",
        "seen_at": seen_at,
        "time": credible_time(published, seen_at),
        "backfill": False,
        "url": "",
        "language": "",
    }
    try:
        entry = from_dict(Entry, {**defaults, **{k: v for k, v in line.items() if v is not None}, **text, "published": published})
    except ValidationError as e:
        told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in e.errors(include_url=False))
        raise UnreadableEntry(told) from None
    try:
        to_json(entry)
    except ValueError as e:  # half a surrogate pair: what cannot be written is no entry
        raise UnreadableEntry(f"has text that is no Unicode: {e}") from None
    return entry


def _time(line: dict[str, Any], name: str) -> int | None:
    value = line.get(name)
    if not value:
        return None
    try:
        return micros(value)
    except (ValueError, TypeError, AttributeError):
        raise UnreadableEntry(f"{name}: {value!r} is no ISO 8601 time, such as 2022-02-10T08:00:00Z") from None
