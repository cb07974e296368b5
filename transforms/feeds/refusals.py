"""Tells a refusal that looks like an answer from a page that is merely the wrong one: a challenge, a consent page, a parked
domain, a login. The words are in refusals.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

LOOKED_AT = 64 * 1024
SENTENCES = {
    "challenge": "the server wants proof that a person asks",
    "consent": "the server sends a consent page instead of the feed",
    "parked": "the domain is parked or for sale",
    "login": "the server sends a login page instead of the feed",
}
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.DOTALL)


def is_challenge(headers: Mapping[str, str]) -> bool:
    """Whether the headers (lower-case names) say so: of Cloudflare (cf-mitigated), of AWS (x-amzn-waf-action)."""
    return headers.get("cf-mitigated") == "challenge" or headers.get("x-amzn-waf-action", "") in ("challenge", "captcha")


def page_class(body: bytes, url: str) -> str:
    """What kind of refusal a page is ("challenge", "consent", "parked", "login"), "" if it is none.

    `url` is the address that answered."""
    page = body[:LOOKED_AT].decode("utf-8", "replace").lower()
    found = _TITLE.search(page)
    where = {"url": url.lower(), "title": " ".join(found[1].split()) if found else "", "page": page}
    names_a_feed = "application/rss+xml" in page or "application/atom+xml" in page
    for name, words in _words().items():
        if (name == "challenge" or not names_a_feed) and any(pattern.search(where[place]) for place, pattern in words.items()):
            return name
    return ""


@cache
def _words() -> dict[str, dict[str, re.Pattern[str]]]:
    listed = yaml.safe_load(Path(__file__).with_name("refusals.yaml").read_text("utf-8"))
    return {name: {place: _pattern(place, words) for place, words in places.items()} for name, places in listed.items()}


def _pattern(place: str, words: list[str]) -> re.Pattern[str]:
    any_of = "|".join(re.escape(word) for word in words)
    return re.compile(rf"(?<!\w)(?:{any_of})(?!\w)" if place == "title" else any_of)
