"""Evidence by patterns: which words of a hit's sentence prove what it says. The reader is told, and chooses its own.

A pattern matches what decides the type, often less than a person would quote ("French armour gathering around | Sedan").
Evidence is the matched words, completed to the end of the phrase or short clause that they stand in. It never crosses
into another clause, a coordinated one or the words for who says so. Whoever chose it, it is told whole: no dateline, no
half of a name, no verb without its object.
"""

from __future__ import annotations

from calendar import day_name, month_name
from dataclasses import dataclass

from transforms.signals.lines import BREAK, Line

TAIL = 3  # so many words after the match are taken if the clause ends with them
PHRASE = 4  # longest phrase after the match that completes it
SHORT = 4  # evidence of fewer words takes in one phrase more, and its subject
HEAD = 2  # so many words before the match are taken if the clause begins with them
SHORT_CLAUSE = 10  # words of a clause that evidence of fewer than SHORT words takes in whole
WITH_CONDITION = 12  # longest evidence that ends with a condition
NAME = 3  # most words by which a name that is cut in two is completed
OBJECT = 6  # longest phrase that is taken in as the object of an infinitive
DATELINE = 10  # most words of a dateline, its dash included ("OSLO, Norway, Jan 4 (Agency) -")
SHOUTED = 4  # least letters of the place in capitals that begins one: states and bodies are abbreviated with fewer
HEADLINE = 0.5  # share of its longer words from which a line is a headline in capitals, where a capital tells no name
_DASHES = frozenset("-–—")
_EDGES = frozenset({",", BREAK, "and", "or", "but", "that", "which", "who", "by"})


CALENDAR = frozenset(name.lower() for name in (*month_name, *day_name) if name)


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


def whole(line: Line, left: int, right: int, text: str, words: Quoting) -> tuple[int, int]:
    """The evidence [left, right) as it is told: behind a dateline, names not cut in two, "accused" with "NATO of flying", and
    "to hold" with what is held. `text`: of the line's field."""
    behind = _after_dateline(line, text)
    if left < behind < right:
        left = behind
    if not _in_capitals(line, text):
        named = _whole_names(line, left, right, text, words.trimmed)
        left, right = named if named[1] >= right else _trimmed(line, *named, words)
    return _with_verb(line, left, words), _with_object(line, left, right, words)


def _after_dateline(line: Line, text: str) -> int:
    """Which word follows a dateline ("OSLO - ...", "OSLO, Norway (Agency) - ..."), 0 if the line has none."""
    first = line.tokens[0]
    place = text[first.start : first.end]
    if len(place) < SHOUTED or not place.isupper() or (first.phrase is not None and place in first.phrase.names):
        return 0
    dashes = (i for i, token in enumerate(line.tokens[:DATELINE]) if token.text == BREAK and text[token.start] in _DASHES)
    return next(dashes, -1) + 1


def _in_capitals(line: Line, text: str) -> bool:
    longer = [t for t in line.tokens if t.phrase is None and len(t.text) >= SHOUTED and t.text[0].isalpha()]
    return sum(text[t.start].isupper() for t in longer) > HEADLINE * len(longer)


def _whole_names(line: Line, left: int, right: int, text: str, small: frozenset[str]) -> tuple[int, int]:
    """A name that the evidence begins or ends in is taken in, or left out if it is longer than NAME words more."""

    def joined(i: int) -> bool:
        """Whether words i - 1 and i are parts of one name."""
        return 0 < i < len(line.tokens) and all(
            t.phrase is None and text[t.start].isupper() and t.text not in CALENDAR | small for t in line.tokens[i - 1 : i + 1]
        )

    start, end = left, right
    while joined(start):
        start -= 1
    while joined(end):
        end += 1
    if left - start > NAME:
        start = next((i for i in range(left + 1, right) if not joined(i)), left)
    if end - right > NAME:
        end = next((i for i in range(right - 1, left, -1) if not joined(i)), right)
    return start, end


def _with_verb(line: Line, left: int, words: Quoting) -> int:
    """One word further where evidence begins with whom something is said of ("accuses | NATO of flying bombers")."""
    ahead = [token.text for token in line.tokens[left + 1 : left + 3]]
    of_doing = line.tokens[left].phrase is not None and ahead[:1] == ["of"] and ahead[-1].endswith("ing")
    return left - 1 if of_doing and left and line.tokens[left - 1].text in words.speech else left


def _with_object(line: Line, left: int, right: int, words: Quoting) -> int:
    """The end of the phrase that follows where evidence ends on a bare infinitive ("a proposal to hold | a summit"), if it is
    short, else `right`."""
    if right - left < SHORT - 1 or right >= len(line.tokens) or line.tokens[right - 2].text != "to":
        return right
    if line.tokens[right - 1].phrase is not None or not _inside(line, right, right - 1, words):
        return right
    end = right
    while end < len(line.tokens) and _inside(line, end, right - 1, words) and line.tokens[end].text not in words.joints:
        end += 1
    return end if end - right <= OBJECT else right
