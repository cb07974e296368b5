"""Pages and entries of our own writing."""

from __future__ import annotations

from typing import Any

from schemas.entry import Entry, content_hash

SENTENCES = (
    "The harbour master of Wexcombe said on Monday that two ferries had turned back before the strait was closed to traffic.",
    "Fishermen who had been at sea since dawn were told over the radio to keep away from the northern lane.",
    "A spokeswoman for the coast guard said that the closure would last until Thursday at the earliest.",
    "Nobody at the ministry would say what the patrol boats were doing there, or under whose orders they had left port.",
    "The mayor called the closure a provocation and asked the government to lodge a protest with its neighbour.",
)
ARTICLE = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES)
PAGE = f"""<!DOCTYPE html><html lang="en"><head><title>Ferries turn back</title><script>track()</script></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/sport">Sport</a></li></ul></nav>
<article><h1>Ferries turn back</h1>{ARTICLE}</article>
<div class="comments"><p>First!</p></div><footer>All rights reserved. Subscribe to our newsletter.</footer></body></html>"""


def entry(url: str, **fields: Any) -> Entry:
    """An entry whose feed gives a teaser."""
    values: dict[str, Any] = {
        "id": "e1",
        "version": 1,
        "published": 1_638_790_000_000_000,
        "seen_at": 1_638_791_000_000_000,
        "time": 1_638_790_000_000_000,
        "backfill": False,
        "feed": "https://paper.example/feed",
        "outlet": "Paper",
        "url": url,
        "title": "Ferries turn back",
        "summary": "Two ferries turned back.",
    } | fields
    values.setdefault("content_hash", content_hash(values["title"], values["summary"], values.get("text", "")))
    return Entry(**values)
