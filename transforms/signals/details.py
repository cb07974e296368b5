"""Details of a signal that its sentence gives: how many of what, when, where, and who says so."""

from __future__ import annotations

import re
from calendar import day_name, month_name
from dataclasses import dataclass
from decimal import Decimal

from transforms.signals.lines import BREAK, Line, Token
from transforms.signals.rules import Hit, Rules

_SCALE = {
    "hundred": 100,
    "hundreds": 100,
    "thousand": 1_000,
    "thousands": 1_000,
    "k": 1_000,
    "million": 1_000_000,
    "m": 1_000_000,
}
_SMALL = dict(zip(["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], range(2, 11), strict=True)) | {
    "a": 1,
    "dozen": 12,
}
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?")
_STOPS = frozenset({",", BREAK, "that", "and", "but"})
_ORIGINS = {
    "to": {"according"},
    "from": {"warning", "warnings", "assessment", "assessments", "report", "reports", "intelligence", "evidence"},
    "by": {"warning", "warnings", "assessment", "assessments", "report", "reports"},
}
_ARTICLES = frozenset({"a", "an", "the", "one", "some", "many", *_SMALL})
_BOUNDS = {
    "most": ("up to", "as many as", "no more than", "at most", "fewer than", "less than"),
    "least": ("more than", "at least", "over", "no fewer than", "upwards of", "exceeding"),
    "about": (
        "nearly",
        "almost",
        "close to",
        "about",
        "around",
        "some",
        "roughly",
        "approximately",
        "an estimated",
        "estimated at",
    ),
}
_WHERE = frozenset({"in", "at", "near", "outside", "off", "around", "across", "over", "into", "inside"})
_QUARTERS = frozenset({"eastern", "western", "northern", "southern", "central", "the", "south", "north", "east", "west"})
_CALENDAR = frozenset(name.lower() for name in (*month_name, *day_name) if name)
_PREPOSITIONS = frozenset({"as", "in", "at", "by", "on", "to", "from", "over"})
NEXT = 4  # words between a signal and its place
FAR = 14  # words between a signal and its time
MOST = 10**10  # nobody counts more than there are people on Earth; an alert's quantity has 64 bits
COMING = frozenset({"possible", "planned", "threatened", "conditional", "alleged"})


@dataclass(frozen=True)
class Quantity:
    """A number, what it counts, and how it bounds it: "most", "least", "about" or "" (see schemas.Signal)."""

    number: int | None = None
    unit: str = ""
    bound: str = ""


def quantity(hit: Hit, units: frozenset[str]) -> Quantity:
    """The number in or right beside a hit's evidence: ("up to 175,000 troops" -> 175000, "troops", "most").

    A number counts only before a word of `units` (at most four words on) or after "as many as", "up to", "reach", and in a
    clause of the evidence.
    """
    tokens, clause = hit.line.tokens, hit.line.clause
    low, high = max(0, hit.left - 6), min(len(tokens), hit.right + 12)
    for i in (*range(hit.left, high), *range(low, hit.left)):
        if not clause[hit.left] <= clause[i] <= clause[hit.right - 1]:
            continue
        value, after = _number(hit.line, i)
        if value is None or (1900 <= value <= 2100 and "," not in tokens[i].text):
            continue
        bound = _bound(hit.line, i)
        for j in range(after, min(len(tokens), after + 4)):
            if tokens[j].text == BREAK:
                break
            two = " ".join(t.text for t in tokens[j : j + 2])
            if two in units or tokens[j].text in units:
                return Quantity(value, two if two in units else tokens[j].text, bound)
        before = " ".join(t.text for t in tokens[max(0, i - 3) : i])
        if value >= 1000 and before.endswith(("as many as", "up to", "reach", "reached", "total of")):
            return Quantity(value, next((t.text for t in tokens[low:high] if t.text in units), ""), bound)
    return Quantity()


def _bound(line: Line, i: int) -> str:
    """What the words before a number at word i make of it."""
    before = " ".join(token.text for token in line.tokens[max(0, i - 3) : i])
    return next((bound for bound, words in _BOUNDS.items() if before.endswith(words)), "")


def _number(line: Line, i: int) -> tuple[int | None, int]:
    """The number that begins at word i and the place after it; (None, i) if none does, or one beyond MOST."""
    tokens = line.tokens
    word = tokens[i].text
    value: Decimal | None = None
    if _NUMBER.fullmatch(word):
        value = Decimal(word.replace(",", ""))
    elif word in _SMALL and i + 1 < len(tokens) and tokens[i + 1].text in _SCALE:
        value = Decimal(_SMALL[word])
    if value is None:
        return None, i
    j = i + 1
    while j < len(tokens) and tokens[j].text in _SCALE:
        value *= _SCALE[tokens[j].text]
        j += 1
    return (int(value), j) if value <= MOST else (None, i)


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
    return text[token.start].isupper() and token.text not in _CALENDAR


def attribution(hit: Hit, text: str, rules: Rules) -> str:
    """Who says so, in the entry's words ("a senior administration official"); "" if nobody is named.

    Somebody says so who stands before a word of saying ("..., officials said"; "Japan warns that ..."), after "according
    to", or is the origin of a warning or report ("warnings from the intelligence community that ...").
    """
    line, tokens = hit.line, hit.line.tokens
    found: list[tuple[bool, int, str]] = []
    for i, token in enumerate(tokens):
        if token.text in rules.saying and not hit.left < i < hit.right:
            start, end = _sayer(line, i, rules)
        elif token.text in {"to", "from", "by"} and i and tokens[i - 1].text in _ORIGINS[token.text]:
            start, end = i + 1, _phrase_end(line, i + 1, rules)
        else:
            continue
        if start < end and not (hit.left <= start < hit.right):
            # ", Jane Doe said, and ...": she said what stands before, so that a later speaker has the better claim to the rest
            closed = i < hit.left and start > 0 and tokens[start - 1].text == ","
            distance = min(abs(i - hit.left), abs(i - hit.right))
            found.append((closed, distance, text[tokens[start].start : tokens[end - 1].end]))
    _, distance, words = min(found, key=lambda x: x[:2], default=(False, 0, ""))
    return words if distance <= 2 * FAR else ""


def _sayer(line: Line, verb: int, rules: Rules) -> tuple[int, int]:
    """The name or office before a word of saying, (verb, verb) if there is none."""
    tokens = line.tokens
    if tokens[verb].text.endswith("ing") or (verb and tokens[verb - 1].text in {"to", "of", "by"}):
        return verb, verb
    end = verb
    while end and (tokens[end - 1].text in rules.adverbs or tokens[end - 1].text.endswith("ly")):
        end -= 1
    start = end - 1
    if start < 0 or tokens[start].text in rules.saying:
        return verb, verb
    if tokens[start].phrase is None:
        start = _office(line, end, rules)
    while start > 0 and (tokens[start - 1].text in rules.grammar.titles or tokens[start - 1].text in _ARTICLES):
        start -= 1
    if start < end and start >= 2 and tokens[start - 1].text in {"of", "for"}:
        start = _office(line, start - 1, rules) if tokens[start - 2].text in rules.sayers | rules.grammar.titles else start
    return (start, end) if start < end else (verb, verb)


def _office(line: Line, end: int, rules: Rules) -> int:
    """Where the words before `end` begin that name an office or a source ("two sources with direct knowledge"), else `end`."""
    tokens = line.tokens
    start = end
    while start > 0 and end - start < 6 and line.clause[start - 1] == line.clause[end - 1]:
        word = tokens[start - 1].text
        if (
            word in _STOPS
            or word in rules.grammar.openers
            or word in rules.speech
            or word in rules.adverbs
            or word in _PREPOSITIONS
        ):
            break
        start -= 1
    named = any(tokens[i].text in rules.sayers or tokens[i].text in rules.grammar.titles for i in range(start, end))
    return start if named else end


def _phrase_end(line: Line, start: int, rules: Rules) -> int:
    end = start
    while (
        end < min(len(line.tokens), start + 10)
        and line.tokens[end].text not in _STOPS
        and line.tokens[end].text not in rules.speech
    ):
        end += 1
    return end
