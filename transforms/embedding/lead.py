"""The words of an entry that its vector stands for: the title and the lead."""

from __future__ import annotations

import re

from schemas import Entry

LEAD_SENTENCES = 2
MAX_LEAD = 600  # code points; the model reads 256 word pieces

_END = re.compile(r"[.!?…][\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9À-ÖØ-ÞА-Я])")
_TITLES = "Mr|Mrs|Ms|Dr|Prof|Gen|Lt|Col|Maj|Capt|Adm|Sgt|Sen|Rep|Gov|Rev|St|No|vs|Jan|Feb|Aug|Sept|Oct|Nov|Dec"
_NO_END = re.compile(rf"\b(?:[A-Z]|{_TITLES})\.$")

_PARTS = re.compile(r"\s+[|•»]\s+")
_DASH = re.compile(r"\s+[-–—]{1,2}\s+")
_FEWEST_WORDS = 4  # of a headline that a site's name was put behind
_SITE_WORDS = 4  # of such a name, at most


def headline(title: str) -> str:
    """The title without the names of site and section that many feeds put around it: "World | Fleet sails - Coast Daily"."""
    title = title.strip()
    longest = max(_PARTS.split(title), key=lambda part: len(part.split()))
    if len(longest.split()) >= _FEWEST_WORDS:
        title = longest
    dashes = list(_DASH.finditer(title))
    if dashes:
        before, after = title[: dashes[-1].start()], title[dashes[-1].end() :].split()
        named = 0 < len(after) <= _SITE_WORDS and all(_like_a_name(word) for word in after)
        if named and len(before.split()) >= _FEWEST_WORDS:
            title = before
    return title


def _like_a_name(word: str) -> bool:
    return word[0].isupper() or word[0].isdigit() or word in ("of", "the", "and")


def lead(text: str, sentences: int = LEAD_SENTENCES) -> str:
    """The first sentences of a text, at most MAX_LEAD code points."""
    text = text[: 2 * MAX_LEAD]
    seen = 0
    for end in _END.finditer(text):
        if _NO_END.search(text[: end.start() + 1]):
            continue
        seen += 1
        if seen == sentences:
            text = text[: end.end()]
            break
    return text.strip()[:MAX_LEAD]


def title_and_lead(entry: Entry) -> str:
    """What is embedded: the headline and the first sentences of the summary, or of the text where there is no summary."""
    title = headline(entry.title)
    body = lead(entry.summary or entry.text)
    if not body or body == title:
        return title
    stop = "" if not title or title[-1] in ".!?:…" else "."
    return f"{title}{stop} {body}".strip()
