"""The wide lexical gate: may an entry be about the watch at all? Only then is it read more closely."""

from __future__ import annotations

import functools
import re

from schemas import Report
from schemas.watch import Watch


class EntryGate:
    """Passes a report whose entry names one of the gate's actors, one who acts for such an actor, a term or a place.

    A term is matched as whole words with any capitals; one that ends in `*` is matched with any ending.
    """

    def __init__(self, watch: Watch) -> None:
        self._actors = frozenset(watch.gate.actors)
        self._terms = pattern(watch.gate.terms + watch.gate.places)

    def passes(self, report: Report) -> bool:
        """Whether the entry names an actor of the gate, one who acts for it, or a term. The report's actors must be tagged."""
        if any(actor.name in self._actors or actor.state in self._actors for actor in report.actors):
            return True
        return names_any(self._terms, report)


def names_any(terms: re.Pattern[str] | None, report: Report) -> bool:
    """Whether a text field of the report's entry has one of the terms."""
    entry = report.entry
    return terms is not None and any(map(terms.search, (entry.title, entry.summary, entry.text)))


@functools.lru_cache(maxsize=8)
def gate_for(watch: Watch) -> EntryGate:
    """The watch's gate, made once per process."""
    return EntryGate(watch)


def pattern(terms: tuple[str, ...]) -> re.Pattern[str] | None:
    """What finds the terms in a text, None if there are none."""
    if not terms:
        return None
    # Longest first, so that a term is not cut short by one that it begins with.
    words = sorted(terms, key=lambda term: (-len(term), term))
    return re.compile(r"(?<!\w)(?:" + "|".join(map(_one, words)) + ")", re.IGNORECASE)


def _one(term: str) -> str:
    stem, any_ending = (term[:-1], True) if term.endswith("*") else (term, False)
    flexible = r"\s+".join(re.escape(word).replace("'", "['’]") for word in stem.split())
    return flexible if any_ending else flexible + r"(?!\w)"
