"""Entry: one item of one feed, cleaned, as it travels on the topic `entries`."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from schemas.records import INT64_MAX, MICROSECOND, Micros, micros, record

EARLIEST_CREDIBLE = micros("1995-01-01")
LATEST_CREDIBLE = timedelta(hours=36) // MICROSECOND  # after it was seen: clocks and time zones lie by a day and more


@record
class Entry:
    """One feed item. Text fields are plain text (no markup); all offsets elsewhere count Unicode code points in them.

    id            stable over edits: the same item of the same feed keeps it
    version       1 for the first text seen under the id, 2 for the first edit, ...
    content_hash  SHA-256 (hex) of title, summary and text: same id and hash is a replay, same id and new hash an edit
    published     as the feed said, None if it said nothing that can be read
    seen_at       when the poller first saw this version
    time          the moment everything downstream runs on, see `credible_time`
    backfill      the feed held it already when it was polled for the first time
    feed, outlet  the feed's URL; the name of who publishes it
    url           of the article, "" if the feed gives none
    language      BCP 47 as the feed or the text says, "" if unknown
    """

    id: str
    version: Annotated[int, Field(ge=1, le=INT64_MAX)]
    content_hash: str
    published: Micros | None
    seen_at: Micros
    time: Micros
    backfill: bool
    feed: str
    outlet: str
    url: str
    title: str
    summary: str
    text: str = ""
    language: str = ""


def content_hash(title: str, summary: str, text: str) -> str:
    """SHA-256 (hex) of an entry's text fields."""
    return hashlib.sha256("\x1f".join((title, summary, text)).encode("utf-8", "surrogatepass")).hexdigest()


def credible_time(published: int | None, seen_at: int) -> int:
    """`published` if it can be true (not before 1995, not later than 36 h after `seen_at`), else `seen_at`."""
    if published is not None and EARLIEST_CREDIBLE <= published <= seen_at + LATEST_CREDIBLE:
        return published
    return seen_at
