"""Details of a signal that its sentence gives: when and where. Who says so is in attribution.py."""

from __future__ import annotations

from transforms.signals.evidence import CALENDAR
from transforms.signals.lines import Token
from transforms.signals.rules import Hit, Rules

_WHERE = frozenset({"in", "at", "near", "outside", "off", "around", "across", "over", "into", "inside"})
_QUARTERS = frozenset({"eastern", "western", "northern", "southern", "central", "the", "south", "north", "east", "west"})
NEXT = 4  # words between a signal and its place
FAR = 14  # words between a signal and its time
COMING = frozenset({"possible", "planned", "threatened", "conditional", "alleged"})


def when(hit: Hit, text: str, modality: str, rules: Rules) -> str:
    """The words for the time of a coming event, nearest to the evidence in its sentence; "" for what is not coming."""
    if modality not in COMING:
        return ""
    line = hit.line
    found: list[tuple[int, int, str]] = []
    for pattern in rules.times:
        for m in pattern.find(line.text, line.words):
            start, end = line.span(m.start(), m.end())
            distance = max(start - hit.right, hit.left - end, 0)
            found.append((distance, start - end, text[line.tokens[start].start : line.tokens[end - 1].end]))
    distance, _, words = min(found, default=(0, 0, ""))
    return words if distance <= FAR else ""


def place(hit: Hit, text: str) -> str:
    """The words for where it is or was, in or right after the evidence ("near Arlon"), without the preposition; "" if none."""
    tokens = hit.line.tokens
    for i in range(hit.start, min(len(tokens) - 1, hit.right + NEXT)):
        if tokens[i].text not in _WHERE or hit.line.clause[i] != hit.line.clause[hit.right - 1]:
            continue
        start = end = i + 1
        while end < len(tokens) and tokens[end].text in _QUARTERS:
            end += 1
        while end < len(tokens) and _names_place(tokens[end], text):
            end += 1
        if end > start and _names_place(tokens[end - 1], text):
            return text[tokens[start].start : tokens[end - 1].end]
    return ""


def _names_place(token: Token, text: str) -> bool:
    """Whether a word can be (part of) the name of a place: a state, or a capitalised word that is no time."""
    if token.phrase is not None:
        return not token.phrase.people and not token.phrase.adjective
    return text[token.start].isupper() and token.text not in CALENDAR
