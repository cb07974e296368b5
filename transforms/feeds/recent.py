"""Reads a document with the last one of the same feed in mind: an item whose bytes were read before is not read again.

Most of a feed that has changed is as it was, and feedparser is most of what a poll costs. What is taken from memory is
what reading would give, for an item means the same under the same head (namespaces, base, language). So this is done for
documents without a fault only, whose items follow each other with nothing between them; every other is read whole.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from dataclasses import dataclass, replace

from transforms.feeds.counting import beginnings
from transforms.feeds.document import Document, Item
from transforms.feeds.parse import read_document

LARGEST = 256 * 1024  # bytes of a document that is remembered
REMEMBERED = 16 * 2**20  # bytes of all of them
_CLOSED = re.compile(rb"</(?:[\w.-]+:)?(?:item|entry)\s*>\s*\Z", re.IGNORECASE)
# What changes in the head of a feed with every document, and means nothing for its items.
_STAMPS = re.compile(rb"<(lastBuildDate|pubDate|updated|modified|dc:date)>[^<]*</\1>", re.IGNORECASE)


@dataclass(frozen=True)
class _Seen:
    frame: bytes
    items: dict[bytes, Item]
    size: int


class RecentReader:
    """Reads documents as `read_document` does, and gives the same; for one thread."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, _Seen] = OrderedDict()
        self._size = 0

    def read(self, body: bytes, content_type: str, url: str) -> Document:
        """What the bytes say, see `read_document`."""
        if len(body) > LARGEST or b"\x00" in body or not _is_utf8(body):
            return read_document(body, content_type, url)
        places = beginnings(body)
        if not places:
            return read_document(body, content_type, url)
        pieces = [body[start:end] for start, end in zip(places, [*places[1:], len(body)], strict=True)]
        digests = [_digest(piece) for piece in pieces]
        frame = _digest(_STAMPS.sub(b"", body[: places[0]]) + b"\x00" + content_type.encode("utf-8", "replace"))
        document = self._partly(body[: places[0]], frame, pieces, digests, content_type, url)
        if document is None:
            document = read_document(body, content_type, url)
        if _is_faultless(document) and len(document.items) == len(pieces):
            # The last piece holds the end of the document as well.
            self._remember(url, _Seen(frame, dict(zip(digests[:-1], document.items, strict=False)), len(body)))
        return document

    def _partly(
        self, head: bytes, frame: bytes, pieces: list[bytes], digests: list[bytes], content_type: str, url: str
    ) -> Document | None:
        """The document by reading only what is new in it, None if it has to be read whole."""
        seen = self._seen.get(url)
        if seen is None or seen.frame != frame:
            return None
        known = [seen.items.get(digest) if _CLOSED.search(piece) else None for piece, digest in zip(pieces, digests, strict=True)]
        known[-1] = None
        if not any(known):
            return None
        rest = [piece for piece, item in zip(pieces, known, strict=True) if item is None]
        if not all(_CLOSED.search(piece) for piece in rest[:-1]):
            return None
        document = read_document(head + b"".join(rest), content_type, url)
        if not _is_faultless(document) or len(document.items) != len(rest):
            return None
        fresh = iter(document.items)
        return replace(document, items=tuple(item or next(fresh) for item in known))

    def _remember(self, url: str, seen: _Seen) -> None:
        before = self._seen.pop(url, None)
        self._size += seen.size - (before.size if before else 0)
        self._seen[url] = seen
        while self._size > REMEMBERED:
            _, forgotten = self._seen.popitem(last=False)
            self._size -= forgotten.size


def _is_faultless(document: Document) -> bool:
    return document.is_feed and not (document.complaint or document.cut or document.bad_items) and document.kind != "json"


def _is_utf8(body: bytes) -> bool:
    """Else one item's bytes can decide how all others are decoded."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
