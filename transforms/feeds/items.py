"""Makes a clean item of the raw fields of any format."""

from __future__ import annotations

import re
from dataclasses import dataclass

from transforms.feeds.clean import MAX_SUMMARY, MAX_TEXT, MAX_URL, plain, plain_line, tidy, web_url
from transforms.feeds.document import BadItem, Item

MAX_ITEMS = 2_000  # of one document, the limit of mediacloud; the rest is counted
LEAD = 600  # characters of a text that stand for a summary the feed does not give
LONG_SUMMARY = 1_500  # an item's only text is its summary up to this length, beyond it a text with a lead


@dataclass(frozen=True)
class RawItem:
    """An item's fields as the feed gives them; `links` in order of preference."""

    guid: str
    links: tuple[str, ...]
    title: str
    summary: str
    content: str
    published: int | None
    language: str


def build(raw: RawItem, base: str) -> Item | BadItem:
    """The clean item, or a BadItem if nothing in it can be read. Relative links are made absolute against `base`."""
    title = plain_line(raw.title)
    summary = plain(raw.summary, MAX_TEXT)
    text = plain(raw.content, MAX_TEXT)
    if text == summary or len(text) < len(summary):
        text = ""
    if text and not summary and len(text) <= LONG_SUMMARY:
        summary, text = text, ""
    if text and not summary:
        summary = lead(text)
    if len(summary) > MAX_SUMMARY:
        summary, text = lead(summary), text or summary
    if not title and not summary:
        shown = f"guid={raw.guid[:300]!r} links={[link[:300] for link in raw.links]!r}"
        return BadItem("empty-item", "the item has neither a title nor a text", shown)
    link = next((url for url in (web_url(link, base) for link in raw.links) if url), "")
    return Item(tidy(raw.guid)[:MAX_URL], link, title, summary, text, raw.published, language_tag(raw.language))


def lead(text: str) -> str:
    """The first paragraphs of a text, about LEAD characters, cut at the end of a sentence if there is one."""
    taken = ""
    for paragraph in text.split("\n"):
        if taken and len(taken) + len(paragraph) > LEAD:
            break
        taken = f"{taken}\n{paragraph}" if taken else paragraph
    if len(taken) <= LEAD:
        return taken
    ends = [m.end() for m in re.finditer(r"[.!?][\"'”’)]*(?=\s)", taken[: LEAD + 1])]
    return taken[: ends[-1]] if ends else taken[:LEAD].rsplit(" ", 1)[0]


def language_tag(raw: str) -> str:
    """The language as a BCP 47 tag ("en", "en-US"), "" if it is none."""
    match = re.fullmatch(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z0-9]{2,8}))?(?:[-_][A-Za-z0-9]{1,8})*", raw.strip())
    if not match:
        return ""
    region = match[2] or ""
    return match[1].lower() + (f"-{region.upper() if len(region) == 2 else region.title()}" if region else "")
