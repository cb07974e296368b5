"""Requests for full text: which report makes one, and what it looks like on the topic `fetches`."""

from __future__ import annotations

import json

from schemas.entry import Entry
from schemas.records import from_dict, to_dict
from schemas.report import Report
from transforms.publishing.messages import Message, within_limits

FEWEST_WORDS = 60
"""A feed that gives fewer words of an entry gives a teaser: about three sentences."""


def is_wanted(report: Report, fewest_words: int = FEWEST_WORDS) -> bool:
    """Whether the page of a folded report is to be read: it is relevant, news, and its feed says little.

    What the feed held when it was first polled raises nothing, and a replay was asked for when it was new.
    """
    entry = report.entry
    if not report.relevant or report.relation == "replay" or entry.backfill or not entry.url or entry.text:
        return False
    return len(entry.summary.split()) < fewest_words


def request_message(entry: Entry) -> Message:
    """The request as JSON: `id`, `version`, `url` and `feed` for whoever looks on, and the `entry` itself."""
    record = {"id": entry.id, "version": entry.version, "url": entry.url, "feed": entry.feed, "entry": to_dict(entry)}
    data = json.dumps(record, ensure_ascii=False).encode("utf-8")
    attributes = within_limits({"content-type": "application/json", "feed": entry.feed})
    return Message(data, attributes, f"the request for {entry.url[:200]}")


def read_request(data: bytes) -> Entry | None:
    """The entry of a request, None for a poll tick (which keeps the reader of the topic awake). Raises ValueError."""
    try:
        record = json.loads(data)
        if isinstance(record, dict) and "entry" not in record and "time" in record:
            return None
        return from_dict(Entry, record["entry"])
    except (KeyError, TypeError, AttributeError, RecursionError) as e:
        raise ValueError(f"it is no request for full text: {type(e).__name__}: {e}") from None
