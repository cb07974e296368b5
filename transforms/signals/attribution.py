"""Attribution: who says what a signal says, in the words of its sentence.

Somebody says so who stands before a word of saying ("..., officials said"; "Japan warns that ..."), after "according to",
or is the origin of a warning or report ("warnings from the intelligence community that ..."). The words are a noun phrase,
whole, and nothing of what is said.
"""

from __future__ import annotations

from transforms.signals.details import FAR
from transforms.signals.evidence import CALENDAR
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
_WITHIN = frozenset({"of", "with", "at", "from", "in", "inside"})  # join a phrase to the name or noun before it
_FAMILIAR = frozenset({"familiar", "close", "briefed"})  # the same, of a source ("people familiar with the talks")
_OF_PERSONS = frozenset({"of", "'s"})  # what goes on after a person's name
_AUXILIARIES = frozenset({"might", "can", "should", "must", "do", "does", "did", "had", "be"})
_PRONOUNS = frozenset({"there", "it", "he", "she", "they", "we"})
LONGEST = 12  # words of an origin
_PREPOSITIONS = frozenset({"as", "in", "at", "by", "on", "to", "from", "over"})


def attribution(hit: Hit, text: str, rules: Rules) -> str:
    """Who says so, in the entry's words ("a senior administration official"); "" if nobody is named."""
    line, tokens = hit.line, hit.line.tokens
    found: list[tuple[bool, int, str]] = []
    for i, token in enumerate(tokens):
        if token.text in rules.saying and not hit.left < i < hit.right:
            start, end = _sayer(line, i, rules)
        elif token.text in {"to", "from", "by"} and i and tokens[i - 1].text in _ORIGINS[token.text]:
            start, end = i + 1, _phrase_end(line, i + 1, text, rules)
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
    while end and (tokens[end - 1].text in rules.adverbs or tokens[end - 1].text.endswith(("ly", "n't"))):
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
        if start < end and tokens[start].text in {"the", "a", "an"} and word not in {"of", "for", "with"}:
            break
        start -= 1
    named = any(tokens[i].text in rules.sayers or tokens[i].text in rules.grammar.titles for i in range(start, end))
    return start if named else end


def _phrase_end(line: Line, start: int, text: str, rules: Rules) -> int:
    """Where the noun phrase ends that begins at word `start`: with its name or noun, and what is joined to that."""
    tokens = line.tokens
    end, named = start, False
    while end < min(len(tokens), start + LONGEST) and line.clause[end] == line.clause[start]:
        if not (_goes_on(tokens, end, text, rules) if named else _leads_to_name(tokens, start, end, rules)):
            break
        named = _names(tokens[end], text, rules)
        end += 1
    while end > start and tokens[end - 1].phrase is None and tokens[end - 1].text in rules.quoting.trimmed:
        end -= 1
    return end


def _names(token: Token, text: str, rules: Rules) -> bool:
    """Whether a word can be the last of who says so: an actor, a name, a noun for those who know."""
    if token.phrase is not None:
        return not token.phrase.adjective
    known = token.text in rules.sayers | rules.grammar.people and token.text not in rules.grammar.titles
    return known or (text[token.start].isupper() and token.text not in rules.grammar.titles | _ARTICLES | CALENDAR)


def _leads_to_name(tokens: list[Token], start: int, i: int, rules: Rules) -> bool:
    """Whether word i belongs to a phrase that begins at `start` and whose name or noun is still to come."""
    token, before = tokens[i], tokens[i - 1]
    if token.phrase is not None:
        return token.phrase.people or not any(t.text == "'s" for t in tokens[start : i - 1])
    if token.text in _STOPS | _AUXILIARIES | _PRONOUNS:
        return False
    if i == start:
        return True
    if token.text in _ARTICLES:
        return before.text in rules.quoting.joints
    if token.text in rules.quoting.joints:
        return before.text in _FAMILIAR or (token.text in _WITHIN and before.text not in rules.quoting.joints)
    if before.text in _ARTICLES or before.text == "'s" or before.phrase is not None:  # "Norwegian | state television"
        return True
    verb = before.text.endswith("s") and token.text.endswith(("ed", "ing"))  # "satellites | showed"
    return not verb and (token.text in rules.sayers or token.text not in rules.speech)


def _goes_on(tokens: list[Token], i: int, text: str, rules: Rules) -> bool:
    """Whether a phrase goes on at word i, after a word that could be its last."""
    token, before = tokens[i], tokens[i - 1]
    if token.text in _STOPS | _AUXILIARIES | _PRONOUNS | CALENDAR:
        return False
    last = text[before.start : before.end].rpartition(" ")[2].lower()
    office = last in rules.grammar.titles | rules.grammar.people
    name = before.phrase is None and text[before.start].isupper()
    if token.phrase is not None:
        return name and before.text in rules.grammar.people
    if before.phrase is not None and before.phrase.people and not office:  # a person's own name
        return token.text in _OF_PERSONS
    if token.text in _WITHIN or (token.text == "for" and name):  # "the Institute for ..."
        return i + 1 < len(tokens) and tokens[i + 1].text not in CALENDAR and not tokens[i + 1].text[0].isdigit()
    if token.text == "'s" or text[token.start].isupper():
        return True
    if token.text in _FAMILIAR:
        return before.text in rules.sayers
    if token.text in rules.sayers | rules.grammar.titles:
        return before.phrase is not None or name or before.text in rules.sayers
    after = tokens[i + 1] if i + 1 < len(tokens) else None  # "Stanford | researcher Jane Doe"
    return name and after is not None and after.phrase is None and text[after.start].isupper() and after.text not in CALENDAR
