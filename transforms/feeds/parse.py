"""Reads the bytes of a feed: RSS 0.9x to 2.0, RDF, Atom 0.3 and 1.0, JSON Feed. What is no feed is said to be none, and what.

feedparser is given `io.BytesIO` only: a string it would open as a file or a URL.
"""

from __future__ import annotations

import codecs
import io
import logging
import re
from typing import Any

import feedparser

from transforms.feeds.clean import plain_line, web_url
from transforms.feeds.counting import beginnings, count_items
from transforms.feeds.dates import parse_date
from transforms.feeds.document import BadItem, Document, Item
from transforms.feeds.items import MAX_ITEMS, RawItem, build, language_tag
from transforms.feeds.jsonfeed import read_json

logger = logging.getLogger(__name__)

# An internal DTD subset can define entities that grow without end; no feed needs one.
_SUBSET = re.compile(rb"<!DOCTYPE[^>\[]*\[.*?\]\s*>", re.DOTALL | re.IGNORECASE)
_PROLOG = re.compile(r"\s*(<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>]*>)", re.DOTALL | re.IGNORECASE)
_ROOT = re.compile(r"\s*<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")
_ENCODING = re.compile(rb"""(<\?xml[^>]*?)\s+encoding\s*=\s*["'][^"']*["']""", re.IGNORECASE)
_END = re.compile(rb"</\s*(?:\w+:)?(?:rss|feed|rdf|channel)\s*>", re.IGNORECASE)
_ITEM_END = re.compile(rb"</\s*(?:\w+:)?(?:item|entry)\s*>|<(?:\w+:)?(?:item|entry)\b[^<>]*/>", re.IGNORECASE)
_SKIP_HOURS = re.compile(rb"<skipHours\b[^>]*>(.*?)</skipHours>", re.DOTALL | re.IGNORECASE)
_SKIP_DAYS = re.compile(rb"<skipDays\b[^>]*>(.*?)</skipDays>", re.DOTALL | re.IGNORECASE)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_REFERENCE = re.compile(rb"&#([xX][0-9a-fA-F]+|[0-9]+);")
_UTF8 = "application/xml; charset=utf-8"
SHOWN = 1_000  # bytes of a document, in place of items that cannot be shown
_PERIOD_MINUTES = {"hourly": 60, "daily": 1440, "weekly": 10080, "monthly": 43200, "yearly": 525600}
_KINDS = {"rss": "rss", "atom": "atom", "feed": "atom", "rdf": "rdf"}


def read_document(body: bytes, content_type: str, url: str) -> Document:
    """What the bytes say. Never raises for any bytes; `url` makes relative links absolute, `content_type` is a hint."""
    begun = count_items(body)
    body = _marked(body)
    start = body[:4096].lstrip(b"\xef\xbb\xbf \t\r\n\x00")
    if not start:
        return Document("empty", "the answer is empty")
    if start[:1] in b"{[" and (b'"' in start[:200] or "json" in content_type):
        return read_json(body, url)
    root = _root(body)
    if root == "html" or (not root and b"<html" in body[:20_000].lower()):
        return Document("html", "it is a web page, not a feed")
    if not root and b"<" not in start:
        binary = b"\x00" in start[:64] or start[:2] == b"\x1f\x8b" or start[:4] == b"%PDF"
        return Document("binary" if binary else "unreadable", "it is neither XML nor JSON")
    if root in ("sitemapindex", "urlset", "opml", "error", "svg"):
        return Document("xml-other", f"it is XML with the root <{root}>, not a feed")
    return _read_xml(body, content_type, url, root, begun)


def _marked(body: bytes) -> bytes:
    """The body in UTF-8 if its byte order mark says how it is encoded, whatever its labels say."""
    for mark, encoding in ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if body.startswith(mark):
            return _ENCODING.sub(rb"\1", body.decode(encoding, "replace").encode("utf-8"), count=1)
    return body


def _read_xml(body: bytes, content_type: str, url: str, root: str, begun: int) -> Document:
    readable, left_out = _first_items(_SUBSET.sub(b"", body[:65536]) + body[65536:])
    parsed = _parsed(readable, content_type, begun - left_out)
    if parsed is None:
        return Document("unreadable", "the document cannot be read at all")
    kind = next((kind for name, kind in _KINDS.items() if str(parsed.get("version", "")).startswith(name)), "")
    kind = kind or _KINDS.get(root, "") or ("feed" if parsed.entries else "")
    if kind == "rss" and root == "rdf":
        kind = "rdf"
    if not kind:
        return Document("xml-other", f"it is XML with the root <{root}>, not a feed" if root else "it is no feed")
    entries, cut = _whole(body, parsed.entries)
    feed = parsed.feed
    base = web_url(_str(feed.get("link")), url) or url
    items: list[Item] = []
    bad: list[BadItem] = []
    for entry in entries[:MAX_ITEMS]:
        item = _item(entry, base)
        (items if isinstance(item, Item) else bad).append(item)  # type: ignore[arg-type]
    if (rest := max(0, len(entries) - MAX_ITEMS) + left_out) > 0:
        bad.append(BadItem("too-many-items", f"only the first {MAX_ITEMS} items are read, {rest} are not", "", rest))
    if (missing := len(parsed.entries) - len(entries)) > 0:
        tail = body[-SHOWN:].decode("utf-8", "replace")
        bad.append(BadItem("cut-item", "the document ends in the middle of its last item", tail, missing))
    if (lost := begun - left_out - len(parsed.entries)) > 0:
        head = body[:SHOWN].decode("utf-8", "replace")
        bad.append(BadItem("lost-item", f"of {begun} items that begin in the document, {lost} cannot be told apart", head, lost))
    return Document(
        kind=kind,
        complaint=_complaint(parsed, cut),
        title=plain_line(_str(feed.get("title"))),
        language=language_tag(_str(feed.get("language"))),
        ttl=_ttl(feed),
        skip_hours=_skip_hours(body),
        skip_days=_skip_days(body),
        cut=cut,
        earlier=_earlier(feed, url),
        items=tuple(items),
        bad_items=tuple(bad),
    )


def _first_items(body: bytes) -> tuple[bytes, int]:
    """The document with no more items than are read, and how many were left out: its reader would spend the budget on them."""
    places = beginnings(body)
    ends = [end.end() for end in _ITEM_END.finditer(body)] if len(places) > MAX_ITEMS else []
    if not ends or ends[-1] < places[-1]:
        return body, 0
    return body[: places[MAX_ITEMS]] + body[ends[-1] :], len(places) - MAX_ITEMS


def _parsed(body: bytes, content_type: str, begun: int) -> Any:
    """What feedparser makes of the body; where it stumbles or loses items, of the same in simpler forms if they give more.

    None if it stumbles over every form.
    """
    best = _attempt(body, content_type)
    if best is None or not best.version or len(best.entries) < begun:
        simple = _ENCODING.sub(rb"\1", body.decode("utf-8", "replace").encode("utf-8"), count=1)
        simple = _REFERENCE.sub(lambda m: m[0] if _is_character(m[1]) else b"", simple)
        best = _better(best, _attempt(simple, _UTF8))
        if best is None:
            best = _one_by_one(simple)
    return best


def _attempt(body: bytes, content_type: str) -> Any:
    try:
        return feedparser.parse(
            io.BytesIO(body),
            sanitize_html=False,  # the text is made plain afterwards, which is stricter and four times as fast
            resolve_relative_uris=False,
            response_headers={"content-type": content_type} if content_type else {},
        )
    except Exception as e:  # feedparser raises a dozen kinds of error on broken documents
        logger.debug("feedparser gave up: %r", e)
        return None


def _better(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return one if other is None else other
    return other if (len(other.entries), bool(other.version)) > (len(one.entries), bool(one.version)) else one


def _one_by_one(body: bytes) -> Any:
    """The document read item by item, without those that bring the reader down; None if it is down without any."""
    places = beginnings(body)
    best = _attempt(body[: places[0]], _UTF8) if places else None
    if best is None:
        return None
    for start, end in zip(places, [*places[1:], len(body)], strict=True):
        alone = _attempt(body[: places[0]] + body[start:end], _UTF8)
        if alone is not None and len(best.entries) <= MAX_ITEMS:
            best.entries += alone.entries
    return best


def _is_character(reference: bytes) -> bool:
    """Whether `&#...;` names a character that XML allows (XML 1.0, 2.2)."""
    if len(reference) > 9:
        return False
    number = int(reference[1:], 16) if reference[:1] in b"xX" else int(reference)
    return number in (9, 10, 13) or 32 <= number <= 0xD7FF or 0xE000 <= number <= 0xFFFD or 0x10000 <= number <= 0x10FFFF


def _item(entry: Any, base: str) -> Item | BadItem:
    content = max((_str(c.get("value")) for c in entry.get("content", [])), key=len, default="")
    guid = _str(entry.get("id"))
    links = [_str(link.get("href")) for link in entry.get("links", []) if link.get("rel", "alternate") == "alternate"]
    if _str(entry.get("link")) != guid or web_url(guid):  # a guid such as "1234" is offered as a link by feedparser
        links.append(_str(entry.get("link")))
    links = [link for link in links if link != guid or web_url(guid)] + (
        [guid] if web_url(guid) and entry.get("guidislink") else []
    )
    dates = (parse_date(_str(entry.get(name))) for name in ("published", "updated", "created"))
    return build(
        RawItem(
            guid=guid,
            links=tuple(link for link in links if link),
            title=_str(entry.get("title")),
            summary=_str(entry.get("summary")),
            content=content,
            published=next((d for d in dates if d is not None), None),
            language=_str((entry.get("title_detail") or {}).get("language")),
        ),
        base,
    )


def _root(body: bytes) -> str:
    head = body[:16384].replace(b"\x00", b"").decode("utf-8", "replace").lstrip("\ufeff")
    position = 0
    while match := _PROLOG.match(head, position):
        position = match.end()
    found = _ROOT.match(head, position)
    return found[2].lower() if found else ""


def _whole(body: bytes, entries: list[Any]) -> tuple[list[Any], bool]:
    """The entries that were whole, and whether the document ends too early."""
    if b"\x00" in body[:4] or _END.search(body[-4096:]):
        return entries, False
    return entries[: len(_ITEM_END.findall(body))], True


def _complaint(parsed: Any, cut: bool) -> str:
    if cut:
        return "the document ends before it is complete"
    problem = parsed.get("bozo_exception")
    harmless = (feedparser.CharacterEncodingOverride, feedparser.NonXMLContentType)
    if parsed.get("bozo") and problem is not None and not isinstance(problem, harmless):
        where = re.sub(r"^<unknown>:(\d+):(\d+): ", r"line \1, column \2: ", " ".join(str(problem).split()))
        return f"the XML is broken: {where[:200]}"
    return ""


def _ttl(feed: Any) -> int | None:
    """Minutes: RSS ttl, else the syndication module (http://purl.org/rss/1.0/modules/syndication/)."""
    ttl = _str(feed.get("ttl")).strip()
    if ttl.isdecimal() and int(ttl[:9]) > 0:
        return min(int(ttl[:9]), 525600)
    minutes = _PERIOD_MINUTES.get(_str(feed.get("sy_updateperiod")).strip().lower())
    if minutes is None:
        return None
    frequency = _str(feed.get("sy_updatefrequency")).strip()
    times = int(frequency[:6]) if frequency.isdecimal() and int(frequency[:6]) else 1
    return max(1, minutes // times)


def _earlier(feed: Any, url: str) -> str:
    links = {_str(link.get("rel")): _str(link.get("href")) for link in feed.get("links", [])}
    return web_url(links.get("prev-archive") or links.get("next") or "", url)


def _skip_hours(body: bytes) -> tuple[int, ...]:
    block = _SKIP_HOURS.search(body[:65536])
    hours = (int(h) for h in re.findall(rb"<hour\b[^>]*>\s*(\d{1,2})\s*</hour>", block[1], re.IGNORECASE)) if block else ()
    return tuple(sorted({h % 24 for h in hours if h <= 24}))  # RSS 0.91 counts 1 to 24


def _skip_days(body: bytes) -> tuple[int, ...]:
    block = _SKIP_DAYS.search(body[:65536])
    days = re.findall(rb"<day\b[^>]*>\s*([A-Za-z]+)\s*</day>", block[1], re.IGNORECASE) if block else ()
    return tuple(sorted({_DAYS.index(d.decode().lower()) for d in days if d.decode().lower() in _DAYS}))


def _str(value: Any) -> str:
    return value if isinstance(value, str) else ""
