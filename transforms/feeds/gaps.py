"""Entries that came and went between two polls: whether there may be any, and where the feed keeps what left its document.

A feed shows its latest entries. If nothing of what it shows was known, more may have passed through than it shows. Some
feeds name an address for the entries before (RFC 5005: "prev-archive", "next"; JSON Feed: `next_url`): such pages are
read, a few at most, until one holds something that was known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from schemas.records import EPOCH
from transforms.feeds.document import Document, Item
from transforms.feeds.identity import Recognised, recognise
from transforms.feeds.state import FeedState

PAGES = 3  # that are read to close one gap
MIN_ITEMS = 3  # a document of one or two says nothing about how fast a feed turns over
LATE = 24 * 60  # minutes: what is dated longer than this before the last document left the feed before it was ever polled


@dataclass(frozen=True)
class Found:
    """`missing`: entries of the earlier pages that came after the last document; `closed`: a page reached what was known."""

    missing: tuple[Item, ...] = ()
    closed: bool = False


def may_miss(state: FeedState, shown: Sequence[Recognised]) -> bool:
    """Whether entries may be missing between the state's last document and one that shows these."""
    if not state.first_read or len(shown) < MIN_ITEMS or any(one.known for one in shown):
        return False
    return any(entry.seen >= state.document_at for entry in state.known.values())  # unless the last document was empty


def complaint(state: FeedState, shown: int, pages: int) -> str:
    """The sentence about a gap before a document that shows so many entries, after reading so many earlier pages."""
    before = EPOCH + state.document_at * timedelta(minutes=1)
    after = f"{pages} earlier page{'s' if pages > 1 else ''} did not reach it" if pages else "no earlier page could be read"
    return (
        f"none of the {shown} entries was known from the document of {before:%Y-%m-%d %H:%M} UTC: entries in between may be "
        f"missing ({after})"
    )


def next_page(document: Document, url: str, visited: Sequence[str]) -> str:
    """The address of the page before the document, "" if it names none. Another host or a page already read is not asked."""
    earlier = document.earlier
    if not earlier or earlier == url or earlier in visited or urlsplit(earlier).hostname != urlsplit(url).hostname:
        return ""
    return earlier


def search(feed: str, state: FeedState, items: Sequence[Item], pages: Sequence[Document]) -> Found:
    """What the earlier pages, in the order in which they were read, add to the items of the document itself."""
    guids, links = {item.guid for item in items} - {""}, {item.link for item in items} - {""}
    missing: list[Item] = []
    for page in pages:
        for one in recognise(feed, page.items, state.known):
            if one.known is not None:
                return Found(tuple(missing), True)
            item = one.item
            repeated = item.guid in guids if item.guid else item.link in links
            if repeated or (item.published is not None and item.published // 60_000_000 < state.document_at - LATE):
                continue
            guids.add(item.guid)
            links.add(item.link)
            missing.append(item)
    return Found(tuple(missing))
