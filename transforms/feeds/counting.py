"""Finds where the items of a document begin, so that none is lost without a word where its reader stumbles."""

from __future__ import annotations

import re

_MARK = re.compile(rb"<(?:!--|!\[CDATA\[|(?:[A-Za-z_][\w.-]*:)?(?P<item>item|entry)(?=[\s/>]))", re.IGNORECASE)
_ENDS = {b"<!--": b"-->", b"<![CDATA[": b"]]>"}


def beginnings(body: bytes) -> list[int]:
    """Where a start tag of an item or entry stands in the bytes, outside comments and CDATA; in linear time."""
    places: list[int] = []
    position = 0
    while found := _MARK.search(body, position):
        position = found.end()
        if found["item"]:
            places.append(found.start())
        elif end := _ENDS.get(found[0].upper()):
            closed = body.find(end, position)
            if closed < 0:  # what is never closed hides nothing: readers differ here, and to count too many is the safe side
                return places + [mark.start() for mark in _MARK.finditer(body, position) if mark["item"]]
            position = closed + len(end)
    return places


def count_items(body: bytes) -> int:
    """How many items the bytes begin; in UTF-16 and UTF-32 the tags are the same characters with zeros between them."""
    return len(beginnings(body.replace(b"\x00", b"")))
