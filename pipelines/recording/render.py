"""Versions of entries as the feed of their outlet: RSS 2.0, Atom (RFC 4287) or JSON Feed 1.1, and the list as OPML 2.0."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from pipelines.recording.records import Outlet, Version

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
JSON_FEED = "https://jsonfeed.org/version/1.1"

CONTENT_TYPES = {"rss": "application/rss+xml", "atom": "application/atom+xml", "json": "application/feed+json"}


def render(outlet: Outlet, versions: Sequence[Version], address: str) -> bytes:
    """The outlet's feed at `address` with these versions, in the order given, as UTF-8."""
    make = {"rss": _rss, "atom": _atom, "json": _json}[outlet.format]
    return make(outlet, versions, address)


def opml(title: str, feeds: Iterable[tuple[Outlet, str]]) -> bytes:
    """An OPML list of outlets and the addresses of their feeds."""
    root = Element("opml", {"version": "2.0"})
    _add(SubElement(root, "head"), "title", title)
    body = SubElement(root, "body")
    for outlet, address in feeds:
        # "rss" stands for every kind of feed in OPML 2.0.
        outline = {"type": "rss", "text": outlet.name, "title": outlet.name, "xmlUrl": address, "htmlUrl": outlet.home}
        SubElement(body, "outline", outline)
    return _document(root)


def _rss(outlet: Outlet, versions: Sequence[Version], address: str) -> bytes:
    root = Element("rss", {"version": "2.0", "xmlns:content": CONTENT, "xmlns:atom": ATOM})
    channel = SubElement(root, "channel")
    _add(channel, "title", outlet.name)
    _add(channel, "link", outlet.home)
    _add(channel, "description", outlet.about)
    _add(channel, "language", "en")
    SubElement(channel, "atom:link", {"href": address, "rel": "self", "type": CONTENT_TYPES["rss"]})
    for version in versions:
        item = SubElement(channel, "item")
        _add(item, "title", version.title)
        _add(item, "link", version.url)
        _add(item, "description", _paragraphs(version.summary) if outlet.html else version.summary)
        if version.text:
            _add(item, "content:encoded", _paragraphs(version.text))
        if version.guid:
            _add(item, "guid", version.guid, isPermaLink=str(version.guid == version.url).lower())
        if outlet.dated:
            _add(item, "pubDate", format_datetime(_local(outlet, version.at)))
    return _document(root)


def _atom(outlet: Outlet, versions: Sequence[Version], address: str) -> bytes:
    root = Element("feed", {"xmlns": ATOM, "xml:lang": "en"})
    _add(root, "title", outlet.name)
    _add(root, "subtitle", outlet.about)
    _add(root, "id", f"{outlet.home}/")
    SubElement(root, "link", {"rel": "self", "href": address})
    SubElement(root, "link", {"href": f"{outlet.home}/"})
    for version in versions:
        entry = SubElement(root, "entry")
        _add(entry, "title", version.title)
        SubElement(entry, "link", {"href": version.url})
        _add(entry, "id", version.guid)
        if outlet.dated:
            _add(entry, "published", _local(outlet, version.published).isoformat())
            _add(entry, "updated", _local(outlet, version.at).isoformat())
        if outlet.html:
            _add(entry, "summary", _paragraphs(version.summary), type="html")
        else:
            _add(entry, "summary", version.summary)
        if version.text:
            _add(entry, "content", _paragraphs(version.text), type="html")
    return _document(root)


def _json(outlet: Outlet, versions: Sequence[Version], address: str) -> bytes:
    items = []
    for version in versions:
        body = version.text or version.summary
        item = {"id": version.guid, "url": version.url, "title": version.title, "summary": version.summary}
        item |= {"content_html": _paragraphs(body)} if outlet.html else {"content_text": body}
        if outlet.dated:
            item["date_published"] = _local(outlet, version.published).isoformat()
            item["date_modified"] = _local(outlet, version.at).isoformat()
        items.append(item)
    feed = {
        "version": JSON_FEED,
        "title": outlet.name,
        "home_page_url": f"{outlet.home}/",
        "feed_url": address,
        "description": outlet.about,
        "language": "en",
        "items": items,
    }
    return json.dumps(feed, ensure_ascii=False, indent=1).encode()


def _local(outlet: Outlet, moment: datetime) -> datetime:
    return moment.astimezone(timezone(timedelta(hours=outlet.utc_offset)))


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{html.escape(part, quote=False)}</p>" for part in text.split("\n") if part.strip())


def _add(parent: Element, tag: str, text: str, **attributes: str) -> None:
    SubElement(parent, tag, attributes).text = text


def _document(root: Element) -> bytes:
    return tostring(root, encoding="utf-8", xml_declaration=True)
