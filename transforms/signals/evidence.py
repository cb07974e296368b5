"""Evidence by patterns: which words of a hit's sentence prove what it says. The reader is told, and chooses its own.

A pattern matches what decides the type, often less than a person would quote ("French armour gathering around | Sedan").
Evidence is the matched words, completed to the end of the phrase or short clause that they stand in. It never crosses
into another clause, a coordinated one or the words for who says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from transforms.signals.lines import BREAK, Line

TAIL = 3  # so many words after the match are taken if the clause ends with them
PHRASE = 4  # longest phrase after the match that completes it
SHORT = 4  # evidence of fewer words takes in one phrase more, and its subject
HEAD = 2  # so many words before the match are taken if the clause begins with them
SHORT_CLAUSE = 10  # words of a clause that evidence of fewer than SHORT words takes in whole
WITH_CONDITION = 12  # longest evidence that ends with a condition
_EDGES = frozenset({",", BREAK, "and", "or", "but", "that", "which", "who", "by"})


@dataclass(frozen=True)
class Quoting:
    """The words by which evidence is cut (lists of signals.yaml): never crossed, never at an end, and where phrases end."""

    speech: frozenset[str]
    trimmed: frozenset[str]
    joints: frozenset[str]
    openers: frozenset[str]


def quoted(line: Line, left: int, right: int, words: Quoting) -> tuple[int, int]:
    """The evidence for a hit whose own evidence is words [left, right): a range of words that holds it, ends trimmed."""
    left, right = _trimmed(line, left, right, words)
    right = _finished(line, right, words)
    right = _to_phrase_end(line, right, right - left, words)
    right = _with_condition(line, left, right, words)
    left = _to_subject(line, left, right, words)
    if right - left < SHORT:
        left, right = _clause(line, left, right, words)
    return _trimmed(line, left, right, words)


def _trimmed(line: Line, left: int, right: int, words: Quoting) -> tuple[int, int]:
    while right - 1 > left and line.tokens[right - 1].text in words.trimmed:
        right -= 1
    while left + 1 < right and line.tokens[left].text in words.trimmed and line.tokens[left + 1].text != "many":  # "as many as"
        left += 1
    return left, right


def _finished(line: Line, right: int, words: Quoting) -> int:
    """One word further where the match ends on a demonym before its noun ("seized French | cities")."""
    last = line.tokens[right - 1].phrase
    goes_on = right < len(line.tokens) and line.tokens[right].phrase is None and line.tokens[right].text[0].isalpha()
    demonym = last is not None and last.adjective
    return (
        right + 1
        if demonym and goes_on and line.tokens[right].text not in words.trimmed and _inside(line, right, right - 1, words)
        else right
    )


def _to_phrase_end(line: Line, right: int, length: int, words: Quoting) -> int:
    end = right
    while end < len(line.tokens) and _inside(line, end, right - 1, words):
        end += 1
    if end - right <= TAIL:
        return end
    if (joint := _joint(line, right, end, words)) - right < PHRASE:
        right = joint
    if length < SHORT and (joint := _joint(line, right + 1, end, words)) - right <= PHRASE:
        right = joint
    return right


def _with_condition(line: Line, left: int, right: int, words: Quoting) -> int:
    """The end of a short condition that follows at once ("serious consequences | if it attacks Spain"), else `right`."""
    end = right + 1
    if right >= len(line.tokens) or line.tokens[right].text != "if":
        return right
    while end < len(line.tokens) and _inside(line, end, right, words):
        end += 1
    return end if end - left <= WITH_CONDITION else right


def _clause(line: Line, left: int, right: int, words: Quoting) -> tuple[int, int]:
    """The whole clause around the words if it is short, else the words."""
    start, end = left, right
    while start > 0 and _inside(line, start - 1, left, words):
        start -= 1
    while end < len(line.tokens) and _inside(line, end, right - 1, words):
        end += 1
    return (start, end) if end - start <= SHORT_CLAUSE else (left, right)


def _joint(line: Line, start: int, end: int, words: Quoting) -> int:
    """Where the phrase at word `start` ends: at the next preposition or auxiliary."""
    while start < end and line.tokens[start].text not in words.joints:
        start += 1
    return min(start, end)


def _to_subject(line: Line, left: int, right: int, words: Quoting) -> int:
    start = left
    while start > 0 and _inside(line, start - 1, left, words):
        start -= 1
    if left - start <= HEAD:
        return start
    if right - left < SHORT:
        near = (i for i in range(left - 1, max(start, left - SHORT) - 1, -1) if line.tokens[i].phrase is not None)
        return next(near, left)
    return left


def _inside(line: Line, i: int, beside: int, words: Quoting) -> bool:
    """Whether word i is in the clause of word `beside`, and no edge of it."""
    text = line.tokens[i].text
    speech = text in words.speech and (i == 0 or line.tokens[i - 1].text != "'s")  # "Japan's demands" says nothing
    return line.clause[i] == line.clause[beside] and not (text in _EDGES or speech or text in words.openers)
