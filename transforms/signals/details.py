"""Details of a signal that its sentence gives: when, where, and who says so."""

from __future__ import annotations

from calendar import day_name, month_name

from transforms.signals.lines import BREAK, Line, Token
from transforms.signals.rules import Hit, Rules

_STOPS = frozenset({",", BREAK, "that", "and", "but"})
_ORIGINS = {
    "to": {"according"},
    "from": {"warning", "warnings", "assessment", "assessments", "report", "reports", "intelligence", "evidence"},
    "by": {"warning", "warnings", "assessment", "assessments", "report", "reports"},
}
_ARTICLES = frozenset(
    {"a", "an", "the", "some", "many", "dozen", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}
)
_WHERE = frozenset({"in", "at", "near", "outside", "off", "around", "across", "over", "into", "inside"})
_QUARTERS = frozenset({"eastern", "western", "northern", "southern", "central", "the", "south", "north", "east", "west"})
_CALENDAR = frozenset(name.lower() for name in (*month_name, *day_name) if name)
_PREPOSITIONS = frozenset({"as", "in", "at", "by", "on", "to", "from", "over"})
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
