"""Document: what a feed's bytes say, before anything is known about the feed's past.

It crosses a process boundary (parsing happens in a process that can be killed), so it goes to JSON and back.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Item:
    """One item, its text already plain. Times are microseconds since 1970 UTC; "" and None say that the feed is silent."""

    guid: str
    link: str
    title: str
    summary: str
    text: str
    published: int | None
    language: str


@dataclass(frozen=True)
class BadItem:
    """An item that cannot be used: machine word, a sentence, and the item as far as it can be shown.

    items  how many items it stands for, where several are lost for one reason
    """

    reason: str
    error: str
    payload: str
    items: int = 1


@dataclass(frozen=True)
class Document:
    """A feed as it was read.

    kind        "rss", "atom", "rdf", "json" ("feed" where only the items are clear), or what it is instead of a feed:
                "html", "empty", "json-other", "xml-other", "binary", "unreadable"
    complaint   one sentence if it is no feed, or a feed with something wrong with it; "" if all is well
    ttl         minutes between polls the feed asks for (RSS ttl, or sy:updatePeriod / updateFrequency), None if silent
    skip_hours  hours (0..23, UTC) and days (0 = Monday) in which the feed asks not to be polled
    expired     the feed says that it will never change again (JSON Feed 1.1)
    earlier     address of the page with the entries before these (RFC 5005 prev-archive or next; JSON Feed next_url)
    cut         the document ends before it is complete; the items that were whole are here
    """

    kind: str
    complaint: str = ""
    title: str = ""
    language: str = ""
    ttl: int | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()
    expired: bool = False
    earlier: str = ""
    cut: bool = False
    items: tuple[Item, ...] = ()
    bad_items: tuple[BadItem, ...] = ()

    @property
    def is_feed(self) -> bool:
        return self.kind in FEED_KINDS


FEED_KINDS = frozenset({"rss", "atom", "rdf", "json", "feed"})


def to_bytes(document: Document) -> bytes:
    """The document as JSON."""
    return json.dumps(asdict(document), ensure_ascii=True).encode("ascii")


def from_bytes(data: bytes) -> Document:
    """The document that `to_bytes` wrote."""
    fields = json.loads(data)
    fields["items"] = tuple(Item(**item) for item in fields["items"])
    fields["bad_items"] = tuple(BadItem(**item) for item in fields["bad_items"])
    for name in ("skip_hours", "skip_days"):
        fields[name] = tuple(fields[name])
    return Document(**fields)
