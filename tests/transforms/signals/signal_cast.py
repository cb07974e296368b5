"""A small cast of actors of the tests' own, so that no other list decides them."""

from __future__ import annotations

import re
from pathlib import Path

from schemas import Actor, Entry, Mention
from schemas.watch import Sides

ROOT = Path(__file__).parents[3]

# name -> (kind, state, words that name it)
CAST: dict[str, tuple[str, str, str]] = {
    "Russia": ("state", "", "Russian|Russians|Russia|Moscow|Kremlin"),
    "Ukraine": ("state", "", "Ukrainian|Ukraine|Kyiv"),
    "Belarus": ("state", "", "Belarus"),
    "United States": ("state", "", "US|United States|Washington|Americans?"),
    "White House": ("government", "United States", "White House"),
    "Pentagon": ("government", "United States", "Pentagon"),
    "United Kingdom": ("state", "", "UK|Britain|British"),
    "France": ("state", "", "France|French"),
    "Germany": ("state", "", "Germany|German"),
    "Poland": ("state", "", "Poland|Polish"),
    "Sweden": ("state", "", "Swedish|Sweden"),
    "China": ("state", "", "China|Chinese|Beijing"),
    "Taiwan": ("state", "", "Taiwan|Taipei"),
    "NATO": ("organization", "", "NATO|Nato"),
    "European Union": ("organization", "", "EU"),
    "Vladimir Putin": ("person", "Russia", "Vladimir Putin|Putin"),
    "Sergey Lavrov": ("person", "Russia", "Sergey Lavrov|Lavrov"),
    "Volodymyr Zelensky": ("person", "Ukraine", "Volodymyr Zelensky|Zelensky"),
    "Joe Biden": ("person", "United States", "Joe Biden|Biden"),
    "Antony Blinken": ("person", "United States", "Antony Blinken|Blinken"),
    "Boris Johnson": ("person", "United Kingdom", "Boris Johnson|Johnson"),
    "Emmanuel Macron": ("person", "France", "Emmanuel Macron|Macron"),
    "Olaf Scholz": ("person", "Germany", "Olaf Scholz|Scholz"),
    "Xi Jinping": ("person", "China", "Xi Jinping|Xi"),
}
SIDES = {
    "build-up": Sides(challenger=("Russia", "Belarus"), target=("Ukraine",), backers=("NATO", "United States", "European Union")),
    "strait": Sides(challenger=("China",), target=("Taiwan",), backers=("United States",)),
    "none": Sides(challenger=(), target=()),
}


def actors(*fields: tuple[str, str]) -> tuple[Actor, ...]:
    """The cast's actors named in the (field, text) pairs."""
    found: dict[str, list[Mention]] = {}
    for field, text in fields:
        for name, (_, _, words) in CAST.items():
            for m in re.finditer(rf"\b(?:{words})\b", text):
                found.setdefault(name, []).append(Mention(field, m.start(), m.end(), m.group()))
    return tuple(
        Actor(f"name:{name}", name, CAST[name][0], "", CAST[name][1], (), tuple(mentions)) for name, mentions in found.items()
    )


def entry(title: str, summary: str = "", text: str = "", published: str = "2022-01-20T12:00:00+00:00") -> Entry:
    from schemas import micros

    time = micros(published)
    return Entry("e", 1, "", time, time, time, False, "feed", "Outlet", "", title, summary, text, "en")
