"""Reads JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/), which feedparser does not."""

from __future__ import annotations

import json
from typing import Any

from transforms.feeds.clean import web_url
from transforms.feeds.dates import parse_date
from transforms.feeds.document import BadItem, Document, Item
from transforms.feeds.items import MAX_ITEMS, RawItem, build

VERSION = "jsonfeed.org/version/"


def read_json(body: bytes, url: str) -> Document:
    """The JSON document as a Document: of kind "json" if it is a feed, "json-other" or "unreadable" if not."""
    try:
        data = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as e:
        return Document("unreadable", f"the JSON cannot be read: {e}")
    if not isinstance(data, dict) or VERSION not in str(data.get("version", "")) or not isinstance(data.get("items", []), list):
        return Document("json-other", "it is JSON, but no JSON Feed")
    home = _text(data, "home_page_url") or url
    items: list[Item] = []
    bad: list[BadItem] = []
    for raw in data.get("items", [])[:MAX_ITEMS]:
        item = _item(raw, home) if isinstance(raw, dict) else BadItem("bad-item", "the item is no JSON object", str(raw)[:1000])
        (items if isinstance(item, Item) else bad).append(item)  # type: ignore[arg-type]
    if (rest := len(data.get("items", [])) - MAX_ITEMS) > 0:
        bad.append(BadItem("too-many-items", f"only the first {MAX_ITEMS} items are read", "", rest))
    return Document(
        kind="json",
        title=_text(data, "title"),
        language=_text(data, "language"),
        expired=data.get("expired") is True,
        earlier=web_url(_text(data, "next_url"), url),
        items=tuple(items),
        bad_items=tuple(bad),
    )


def _item(raw: dict[str, Any], home: str) -> Item | BadItem:
    content = _text(raw, "content_html") or _text(raw, "content_text")
    published = _text(raw, "date_published") or _text(raw, "date_modified")
    return build(
        RawItem(
            guid=_text(raw, "id"),
            links=(_text(raw, "url"), _text(raw, "external_url")),
            title=_text(raw, "title"),
            summary=_text(raw, "summary"),
            content=content,
            published=parse_date(published),
            language=_text(raw, "language"),
        ),
        home,
    )


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
