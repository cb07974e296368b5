"""The rules of a taxonomy, compiled: which patterns to try on a line, and what each hit means."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from schemas.taxonomy import Cue, PatternSpec, SignalType, Taxonomy
from transforms.signals.evidence import Quoting, quoted
from transforms.signals.lines import Grammar, Line, Phrase, Token
from transforms.signals.patterns import Pattern, PatternError, PatternIndex, compile_pattern, words_of

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
        self._cues: defaultdict[str, list[tuple[Cue, Pattern, list[Pattern]]]] = defaultdict(list)
        for cue in taxonomy.cues:
            find, unless = ([self._compile(f"cues, {cue.modality}", p) for p in given] for given in (cue.find, cue.unless))
            self._cues[cue.modality] += [(cue, pattern, unless) for pattern in find]
        self._possible_cues = {name: PatternIndex([pattern for _, pattern, _ in cues]) for name, cues in self._cues.items()}
        self.times = [self._compile("times", find) for find in taxonomy.times]
        self._unless = [(kind.type, self._compile(kind.type, u)) for kind in taxonomy.types for u in kind.unless]
        self._possible_unless = PatternIndex([pattern for _, pattern in self._unless])
        self._rules = [self._rule(kind, spec) for kind in taxonomy.types for spec in kind.patterns]
        self._possible = PatternIndex([rule.find for rule in self._rules])

    def _rule(self, kind: SignalType, spec: PatternSpec) -> Rule:
        find = self._compile(kind.type, spec.find)
        if not find.needs:
            raise ValueError(f"{kind.type}: pattern {spec.find!r} must require at least one word")
        needs, unless = (self._compile(kind.type, p) if p else None for p in (spec.needs, spec.unless))
        return Rule(kind, spec, find, needs, unless)

    def _compile(self, where: str, source: str) -> Pattern:
        try:
            return compile_pattern(source, self._lists)
        except PatternError as e:
            raise ValueError(f"{where}: pattern {source!r}: {e}") from None

    def knows(self, words: set[str]) -> bool:
        """Whether one of the words is looked for by some pattern."""
        return self._possible.knows(words)

    def cues(self, modality: str, line: Line) -> Iterator[tuple[Cue, Pattern, list[Pattern]]]:
        """The cues of a modality that a line may have: the cue, the pattern that may match, and the cue's `unless`."""
        if modality in self._cues:
            yield from (self._cues[modality][k] for k in self._possible_cues[modality].possible(line.words))

    def barred(self, line: Line) -> frozenset[str]:
        """The types of which nothing is said in a line, because it has words of their `unless`."""
        possible = (self._unless[k] for k in self._possible_unless.possible(line.words))
        return frozenset(kind for kind, pattern in possible if matches(pattern, line))

    def hits(self, line: Line) -> Iterator[Hit]:
        """What the rules find in a line, in the order of the file."""
        rules = [self._rules[k] for k in self._possible.possible(line.words)]
        barred = self.barred(line) if rules else frozenset[str]()
        for rule in rules:
            if rule.kind.type in barred:
                continue
            for m in rule.find.regex.finditer(line.text):
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


def best_of_each_place(hits: Sequence[Hit]) -> list[Hit]:
    """Of the hits of a line of one type whose words overlap, the one that names most roles, then the surest, then the longest."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda h: (-len(h.slots), -h.spec.confidence, h.start - h.end, h.start)):
        if not any(k.kind.type == hit.kind.type and overlap(k, hit) for k in kept):
            kept.append(hit)
    return kept


def overlap(a: Hit, b: Hit) -> bool:
    """Whether two hits share words."""
    return a.line is b.line and a.start < b.end and b.start < a.end
