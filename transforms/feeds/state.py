"""What is remembered of a feed between two polls: a handful of fields, and the entries it has shown."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any

from transforms.feeds.fetch import NO_VALIDATORS, Validators

_ENTRY = struct.Struct(">8s8sHIB")
_KEY = 6


@dataclass(frozen=True)
class Known:
    """An entry the feed has shown.

    hash     first 16 hex digits of its last content hash
    version  of the entry as it was last emitted
    seen     minute (since 1970) of the last document that had it
    keys     12 hex digits each: what it may be recognised by if its guid changes (see identity.py)
    """

    hash: str
    version: int
    seen: int
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class FeedState:
    """All times are microseconds since 1970 UTC, all spans seconds.

    due          when to poll next, None if never again (the feed says that it is gone)
    lifetime     how long the server called its last answer fresh; `advice`, `skip_hours`, `skip_days`: what the feed asks for
    body_hash    of the last whole document, to notice that nothing changed where the server does not say so
    failures     failed polls in a row, `trouble` the class of the last one, "" if the last poll was good
    reported     class and time of the last Failure sent about it
    first_read   when a whole document was read for the first time, 0 if never: what it held is backfill
    last_read    when the server last confirmed what is known (200, 226 or 304)
    document_at  minute (since 1970) of the last whole document

    rhythm         seconds between polls that the feed's news are worth, 0 if nothing is known yet (rhythm.py)
    changed_at     when a poll last brought something new; `usual_silence`: the longest the feed used to be without (trust.py)
    checked_at     when it was last asked without validators to see whether "not modified" is true
    distrusted     when that was found to be false, 0 if never
    moving         where permanent redirects lead, since when, and how many polls say so; `address`: where the feed is polled
                   instead of its listed URL, "" if there (moves.py)
    complaint      what is wrong with the last whole document though it could be read, "" if nothing
    limited_until  until when its server asked for silence by a 429 (hosts.py)
    """

    due: int | None = 0
    validators: Validators = NO_VALIDATORS
    lifetime: int = 0
    advice: int = 0
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()
    body_hash: str = ""
    failures: int = 0
    trouble: str = ""
    reported: tuple[str, int] = ("", 0)
    first_read: int = 0
    last_read: int = 0
    document_at: int = 0
    rhythm: int = 0
    changed_at: int = 0
    usual_silence: int = 0
    checked_at: int = 0
    distrusted: int = 0
    moving: tuple[str, int, int] = ("", 0, 0)
    address: str = ""
    complaint: str = ""
    limited_until: int = 0
    known: Mapping[str, Known] = field(default_factory=dict)

    @cached_property
    def line(self) -> bytes:
        """The state as one line of JSON; made once, for most feeds do not change in most rounds."""
        record: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        record = {name: value for name, value in record.items() if value != _DEFAULTS[name]}
        if "validators" in record:
            record["validators"] = asdict(self.validators)
        if self.known:
            record["known"] = base64.b64encode(b"".join(_pack(i, k) for i, k in self.known.items())).decode("ascii")
        return json.dumps(record, separators=(",", ":")).encode("ascii")


def read_line(line: bytes) -> FeedState:
    """The state that `FeedState.line` wrote. Raises ValueError, KeyError or TypeError if it is none."""
    record = json.loads(line)
    for name in ("skip_hours", "skip_days", "reported", "moving"):
        if name in record:
            record[name] = tuple(record[name])
    if "validators" in record:
        record["validators"] = Validators(**record["validators"])
    if "known" in record:
        record["known"] = _unpack(base64.b64decode(record["known"]))
    known_fields = {f.name for f in fields(FeedState)}
    return FeedState(**{name: value for name, value in record.items() if name in known_fields})


def _pack(entry_id: str, known: Known) -> bytes:
    head = _ENTRY.pack(bytes.fromhex(entry_id), bytes.fromhex(known.hash), min(known.version, 65535), known.seen, len(known.keys))
    return head + b"".join(bytes.fromhex(key) for key in known.keys)


def _unpack(data: bytes) -> dict[str, Known]:
    known, position = {}, 0
    while position < len(data):
        entry_id, content, version, seen, count = _ENTRY.unpack_from(data, position)
        position += _ENTRY.size
        keys = tuple(data[position + _KEY * i : position + _KEY * (i + 1)].hex() for i in range(count))
        position += _KEY * count
        known[entry_id.hex()] = Known(content.hex(), version, seen, keys)
    return known


_DEFAULTS: dict[str, Any] = {f.name: getattr(FeedState(), f.name) for f in fields(FeedState)}
