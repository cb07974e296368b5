"""Lines: the sentences of an entry as words and actors, in a form that patterns can be matched against.

A sentence becomes one `Line`: its words in lower case without quotation marks, `¦` where a clause ends hard (colon, dash,
full stop), and `@0`, `@1`, ... where actors stand, each with its titles ("US Secretary of State Antony Blinken" is one
actor phrase, "the US and Irish leaders" is one phrase of two actors). Each word remembers where it stands in the entry.
"""

from __future__ import annotations

import dataclasses
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from schemas.report import Actor

BREAK = "¦"
MAX_WORDS = 80  # a longer "sentence" is cut: a list or a transcript without punctuation, not a sentence

_WORD = re.compile(
    r"(?P<number>\d+(?:[.,]\d+)*)|(?P<poss>['’]s\b)|(?P<abbr>(?:[A-Za-z]\.){2,})|(?P<word>[^\W\d_]+(?:(?!['’]s\b)['’.&-][^\W_]+|\d+)*)"
    r"|(?P<dash>--+|[–—]|(?<=\s)-(?=\s))|(?P<mark>[,;:()|/-])"
)
_SENTENCE_END = re.compile(r"(?:[.?!…]+[\"'”’)]*\s+(?=[\"'“‘(]?[A-Z0-9•@])|\s*[\n\r•|]\s*|(?<=[^\s,;:])\s{2,}(?=[A-Z“\"]))")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Gen|Lt|Col|Sgt|Maj|Adm|Sen|Rep|Gov|St|Jr|Sr|No|vs|Jan|Feb|Mar|Apr|Aug|Sept|Sep|Oct|Nov|Dec)|\b[A-Z])\.\s+$"
)
_ATTACHED_BEFORE = re.compile(r"(?:pro|anti|non|ex|post|mid|inter|intra)[-‑]$", re.IGNORECASE)
_ATTACHED_AFTER = re.compile(
    r"[-‑](?:backed|led|controlled|held|based|made|occupied|annexed|sponsored|supplied|allied)\b", re.IGNORECASE
)
_DEMONYM = re.compile(r"(?:an|ese|ish|ch|ek|i|ic|ss)$")
_AFTER_LIST = frozenset({"on", "over", "in", "at", "amid", "about", "for"})
_OWN_STATE_KINDS = frozenset({"person", "government", "military", "organization"})


@dataclass(frozen=True, slots=True)
class Phrase:
    """An actor phrase: the actors it names, in order, as the names that sources and targets bear.

    names      canonical names; persons, governments and armed forces under the state they act for
    people     it names or ends in persons ("Jane Doe", "US officials")
    adjective  it is a demonym before a noun ("French" in "French troops"), no place
    """

    names: tuple[str, ...]
    people: bool = False
    adjective: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a line and its place in the entry's field. `phrase` is set where actors stand."""

    text: str
    start: int
    end: int
    phrase: Phrase | None = None


@dataclass(frozen=True)
class Grammar:
    """The words by which sentences are cut up (lists of signals.yaml).

    titles      stand between a state and its person ("foreign", "minister", "gen")
    links       join titles ("secretary of state"), never before an actor
    people      nouns that end an actor phrase ("officials", "leaders")
    openers     begin a clause ("while", "if")
    as_goes_on  beside "as" they make it part of a phrase ("as soon as")
    """

    titles: frozenset[str]
    links: frozenset[str]
    people: frozenset[str]
    openers: frozenset[str]
    as_goes_on: frozenset[str]


@dataclass(slots=True, eq=False)
class Line:
    """One sentence. `text` is " " + words joined by blanks + " "; `clause[i]` numbers the clause of word i."""

    field: str
    tokens: list[Token]
    clause: list[int]
    text: str = dataclasses.field(init=False)
    words: set[str] = dataclasses.field(init=False)
    _offsets: list[int] = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        parts, self._offsets, at = [], [], 1
        for k, token in enumerate(self.tokens):
            word = token.text if token.phrase is None else f"@{k}"
            parts.append(word)
            self._offsets.append(at)
            at += len(word) + 1
        self.text = " " + " ".join(parts) + " "
        self.words = {token.text for token in self.tokens}

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The half-open range of words that characters [start, end) of `text` cover."""
        return bisect_right(self._offsets, start) - 1 if start else 0, bisect_left(self._offsets, end)

    def actors(self, start: int, end: int) -> Iterable[int]:
        """Positions of the actor phrases among words [start, end)."""
        return (i for i in range(max(0, start), min(end, len(self.tokens))) if self.tokens[i].phrase is not None)


def acting(actor: Actor) -> str:
    """The name under which an actor is the source or target of a signal: persons and bodies act for their state."""
    return actor.state if actor.state and actor.kind in _OWN_STATE_KINDS else actor.name


def lines(name: str, text: str, actors: Iterable[Actor], grammar: Grammar) -> list[Line]:
    """The sentences of one field of an entry whose actors are `actors`."""
    mentions = sorted(
        ((m.start, m.end, actor) for actor in actors for m in actor.mentions if m.field == name), key=lambda x: (x[0], -x[1])
    )
    out, m = [], 0
    for start, end in _sentences(text):
        inside: list[tuple[int, int, Actor]] = []
        while m < len(mentions) and mentions[m][0] < end:
            if mentions[m][0] >= start and mentions[m][1] <= end and (not inside or mentions[m][0] >= inside[-1][1]):
                inside.append(mentions[m])
            m += 1
        tokens = _phrases(_tokens(text, start, end, inside), grammar, name)
        for i in range(0, len(tokens), MAX_WORDS):
            part = tokens[i : i + MAX_WORDS]
            out.append(Line(name, part, _clauses(part, grammar)))
    return out


def _sentences(text: str) -> Iterable[tuple[int, int]]:
    start = 0
    for end in _SENTENCE_END.finditer(text):
        if end.end() - start < 400 and _ABBREVIATION.search(text, max(start, end.end() - 12), end.end()):
            continue
        if text[start : end.start()].strip():
            yield start, end.end()
        start = end.end()
    if text[start:].strip():
        yield start, len(text)


def _tokens(text: str, start: int, end: int, mentions: list[tuple[int, int, Actor]]) -> list[Token]:
    out: list[Token] = []
    at = start
    for left, right, actor in mentions:
        if _ATTACHED_BEFORE.search(text, max(at, left - 8), left) or _ATTACHED_AFTER.match(text, right):
            continue
        out += _plain(text, at, left)
        out.append(Token("@", left, right, _phrase(actor, text[left:right])))
        at = right
    return out + _plain(text, at, end)


def _phrase(actor: Actor, mention: str) -> Phrase:
    return Phrase((acting(actor),), actor.kind == "person", mention != actor.name and bool(_DEMONYM.search(mention)))


def _plain(text: str, start: int, end: int) -> list[Token]:
    out = []
    for m in _WORD.finditer(text, start, end):
        kind, word = m.lastgroup, m.group().lower().replace("’", "'")
        if kind == "dash" or (kind == "mark" and word in ";:|"):
            word = BREAK
        elif kind == "mark" and word in "()/":
            word = ","
        out.append(Token(word, m.start(), m.end()))
    return out


def _phrases(tokens: list[Token], grammar: Grammar, name: str) -> list[Token]:
    """Join actors with their titles, possessives and the actors coordinated with them."""
    out: list[Token] = []
    i = 0
    while i < len(tokens):
        token = tokens[i]
        if token.phrase is None:
            out.append(token)
            i += 1
            continue
        while out and out[-1].text in grammar.titles:
            token = Token("@", out.pop().start, token.end, token.phrase)
        if out and out[-1].text in {"the", "his", "her", "its"}:
            token = Token("@", out.pop().start, token.end, token.phrase)
        token, i = _with_titles(tokens, i, token, grammar)
        if joined := _coordinated(out, tokens[i : i + 1], name == "title"):
            out[-joined:] = [_merge(out[-joined], token)]
        else:
            out.append(token)
    return out


def _with_titles(tokens: list[Token], i: int, token: Token, grammar: Grammar) -> tuple[Token, int]:
    """`token` with what follows tokens[i] and belongs to it ("'s foreign minister", "officials", its person), and the next."""
    assert token.phrase is not None
    names = token.phrase.names
    i += 1
    while True:
        j = _after_titles(tokens, i, grammar)
        following = tokens[j].phrase if j < len(tokens) else None
        if following is not None and following.names == names and (j > i or following.people):
            token, i = Token("@", token.start, tokens[j].end, following), j + 1
            continue
        while j > i and tokens[j - 1].text not in grammar.people:
            j -= 1
        if j > i:
            token, i = Token("@", token.start, tokens[j - 1].end, Phrase(names, people=True)), j
        return _with_allies(tokens, i, token)


def _after_titles(tokens: list[Token], i: int, grammar: Grammar) -> int:
    """Where the titles end that begin at i, a comma before a person included ("'s president , Jane Doe")."""
    j = i
    while j < min(len(tokens), i + 8) and tokens[j].phrase is None:
        word = tokens[j].text
        comma = word == "," and j > i and j + 1 < len(tokens) and tokens[j + 1].phrase is not None
        if not (comma or word == "'s" or word in grammar.titles or word in grammar.people or (j > i and word in grammar.links)):
            break
        j += 1
    return j


def _with_allies(tokens: list[Token], i: int, token: Token) -> tuple[Token, int]:
    """`token` with "and its Western allies" after it."""
    words = [t.text for t in tokens[i : i + 8]]
    if words[:1] == ["and"] and (words[1:2] == ["allies"] or words[1:2] in (["its"], ["their"])):
        for n, word in enumerate(words):
            if word in {"allies", "partners"}:
                return Token("@", token.start, tokens[i + n].end, token.phrase), i + n + 1
    return token, i


def _coordinated(out: list[Token], following: list[Token], headline: bool) -> int:
    """How many words at the end of `out` form "A and", "A, B and" or "A-" before an actor; 0 if none do.

    Headlines also say "A, B hold talks" and "talks with A, B on peace": `following` is the word after the actor.
    """
    if len(out) < 2 or out[-2].phrase is None:
        return 0
    link = out[-1].text
    if link == "and":
        while len(out) >= 4 and out[-3].text == "," and out[-4].phrase is not None:
            out[-4:-1] = [_merge(out[-4], out[-2])]
        return 2
    if link == "," and headline and (len(out) == 2 or not following or following[0].text in _AFTER_LIST):
        return 2
    return 2 if link in {"&", "-"} else 0


def _merge(first: Token, second: Token) -> Token:
    assert first.phrase is not None
    assert second.phrase is not None
    names = tuple(dict.fromkeys(first.phrase.names + second.phrase.names))
    return Token("@", first.start, second.end, Phrase(names, first.phrase.people or second.phrase.people))


def _clauses(tokens: list[Token], grammar: Grammar) -> list[int]:
    out, clause = [], 0
    for i, token in enumerate(tokens):
        if token.text == BREAK or token.text in grammar.openers or (token.text == "as" and _opens(tokens, i, grammar)):
            clause += 1
        out.append(clause)
    return out


def _opens(tokens: list[Token], i: int, grammar: Grammar) -> bool:
    """Whether "as" begins a clause ("as tensions rise") and is no part of "as many as" or "such as"."""
    around = {tokens[i - 1].text if i else "", tokens[i + 1].text if i + 1 < len(tokens) else ""}
    return around.isdisjoint(grammar.as_goes_on)
