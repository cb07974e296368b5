"""The rules of a taxonomy, compiled: which patterns to try on a line, and what each hit means."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from schemas.taxonomy import Cue, PatternSpec, SignalType, Taxonomy
from transforms.signals.evidence import Quoting, quoted
from transforms.signals.lines import Grammar, Line, Phrase, Token
from transforms.signals.patterns import Pattern, PatternError, compile_pattern, words_of

_ROLES = {"source": "source", "target": "target", "recipient": "target", "both": "both", "actor": "actor"}


@dataclass(frozen=True)
class Rule:
    """One compiled pattern of one type."""

    kind: SignalType
    spec: PatternSpec
    find: Pattern
    needs: Pattern | None
    unless: Pattern | None


@dataclass(frozen=True)
class Hit:
    """Words [start, end) of a line that say something of a type; [left, right) are evidence. `slots`: role -> actor words.

    spec        the pattern that matched
    confidence  0..1, how sure it is: the pattern's own, until the meaning of the sentence is asked as well
    modality    as the meaning has it, "" where only cues are asked
    pairs       (source, target) as the meaning has them, None where only rules are asked
    """

    kind: SignalType
    spec: PatternSpec
    line: Line
    start: int
    end: int
    left: int
    right: int
    slots: dict[str, tuple[int, ...]]
    confidence: float
    modality: str = ""
    pairs: tuple[tuple[str | None, str | None], ...] | None = None


class Rules:
    """All rules of a taxonomy, indexed by the words that a line must have.

    Raises ValueError that names type and pattern if one cannot be read.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._lists = taxonomy.lists
        lists = {name: words_of(listed) for name, listed in taxonomy.lists.items()}
        nothing: frozenset[str] = frozenset()
        self.grammar = Grammar(
            **{name: lists.get(name, nothing) for name in ("titles", "links", "people", "openers", "as_goes_on")}
        )
        self.speech = lists.get("speech", nothing)
        self.adverbs = lists.get("adverbs", nothing)
        self.placing = lists.get("placing", nothing)
        self.topics = lists.get("topics", nothing)
        self.about = lists.get("about", nothing)
        self.units = lists.get("units", nothing)
        self.saying = lists.get("saying", nothing)
        self.sayers = lists.get("sayers", nothing)
        self.quoting = Quoting(
            self.speech, lists.get("trimmed", nothing), lists.get("joints", nothing), self.grammar.openers | {"as"}
        )
        self.cues: defaultdict[str, list[tuple[Cue, list[Pattern], list[Pattern]]]] = defaultdict(list)
        for cue in taxonomy.cues:
            find, unless = ([self._compile(f"cues, {cue.modality}", p) for p in given] for given in (cue.find, cue.unless))
            self.cues[cue.modality].append((cue, find, unless))
        self.times = [self._compile("times", find) for find in taxonomy.times]
        self._unless = {kind.type: [self._compile(kind.type, u) for u in kind.unless] for kind in taxonomy.types}
        self._by_word: dict[str, list[int]] = {}
        self._rules: list[Rule] = []
        for kind in taxonomy.types:
            for spec in kind.patterns:
                self._add(kind, spec)

    def _add(self, kind: SignalType, spec: PatternSpec) -> None:
        find = self._compile(kind.type, spec.find)
        if not find.needs:
            raise ValueError(f"{kind.type}: pattern {spec.find!r} must require at least one word")
        needs, unless = (self._compile(kind.type, p) if p else None for p in (spec.needs, spec.unless))
        for word in find.needs[0]:
            self._by_word.setdefault(word, []).append(len(self._rules))
        self._rules.append(Rule(kind, spec, find, needs, unless))

    def _compile(self, where: str, source: str) -> Pattern:
        try:
            return compile_pattern(source, self._lists)
        except PatternError as e:
            raise ValueError(f"{where}: pattern {source!r}: {e}") from None

    def knows(self, words: set[str]) -> bool:
        """Whether one of the words is looked for by some pattern."""
        return not words.isdisjoint(self._by_word)

    def bars(self, kind: str, line: Line) -> bool:
        """Whether a line has words beside which nothing of a type is said (its `unless`)."""
        return any(matches(u, line) for u in self._unless[kind])

    def hits(self, line: Line) -> Iterator[Hit]:
        """What the rules find in a line, in the order of the file."""
        barred: dict[str, bool] = {}
        for i in sorted({i for word in line.words for i in self._by_word.get(word, ())}):
            rule = self._rules[i]
            kind = rule.kind.type
            if kind not in barred:
                barred[kind] = self.bars(kind, line)
            if barred[kind]:
                continue
            for m in rule.find.find(line.text, line.words):
                if (rule.needs and not matches(rule.needs, line)) or (rule.unless and matches(rule.unless, line)):
                    break
                hit = self._hit(rule, line, m)
                if _sound(hit, m):
                    yield hit

    def _hit(self, rule: Rule, line: Line, m: re.Match[str]) -> Hit:
        slots: dict[str, tuple[int, ...]] = {}
        for name, value in m.groupdict().items():
            role = name.rpartition("_")[0]
            if value is not None and role in _ROLES:
                slots[_ROLES[role]] = (*slots.get(_ROLES[role], ()), int(value))
        start, end = line.span(m.start(), m.end())
        left, right = line.span(m.start("evidence"), m.end("evidence")) if m.groupdict().get("evidence") else (start, end)
        left, right = quoted(line, left, right, self.quoting)
        return Hit(rule.kind, rule.spec, line, start, end, left, right, slots, rule.spec.confidence)


def _sound(hit: Hit, m: re.Match[str]) -> bool:
    """Whether the actors in the slots can play their roles: both of <both> named, no doer a place, no <recipient> a demonym."""
    tokens = hit.line.tokens
    named = [name for i in hit.slots.get("both", ()) for name in (tokens[i].phrase or Phrase(())).names]
    if "both" in hit.slots and len(set(named)) < 2:
        return False
    sides = [
        {n for i in hit.slots.get(role, ()) for n in (tokens[i].phrase or Phrase(())).names} for role in ("source", "target")
    ]
    if sides[0] & sides[1]:
        return False
    for name, value in m.groupdict().items():
        if value is not None and name.startswith("recipient_") and _possessive(tokens, int(value)):
            return False
    for i in hit.slots.get("source", ()):
        place = i > 0 and tokens[i - 1].text in {"in", "at", "near", "outside"} and not (tokens[i].phrase or Phrase(())).adjective
        if place and i == hit.start and tokens[i + 1].text != "'s":
            return False
    return True


def _possessive(tokens: list[Token], i: int) -> bool:
    """Whether the actor at word i is a demonym or has a possessive 's."""
    return (tokens[i].phrase or Phrase(())).adjective or (i + 1 < len(tokens) and tokens[i + 1].text == "'s")


@lru_cache(maxsize=8)
def _rules(taxonomy: str) -> Rules:
    return Rules(Taxonomy.model_validate_json(taxonomy))


def rules_of(taxonomy: Taxonomy) -> Rules:
    """The rules of a taxonomy, made once per process however many watches share it."""
    return _rules(taxonomy.model_dump_json())


def matches(pattern: Pattern, line: Line) -> bool:
    """Whether a pattern matches anywhere in a line."""
    return next(iter(pattern.find(line.text, line.words)), None) is not None
