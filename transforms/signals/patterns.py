"""The pattern language of signals.yaml: phrases over words, word lists and actors, compiled to regular expressions.

    troops          the word                          troop~      with any ending of a verb or noun ("invad~": invade)
    {forces}        a word or phrase of that list     <number>    a number in figures
    <past>          a year at least two before the entry's        <word>    any one word
    ...             up to 6 words of any kind         ..          up to 2 words: no actor, comma, `by`, `as` or word of `speech`
    (a | b c)       one of these                      x?          x or nothing
    <source> <target> <both> <actor>                  an actor phrase that takes this role (a possessive 's goes with it)
    <source's> ...                                    one that must be possessive
    <recipient>                                       a target named by a noun, not by a demonym
    [ x ]           only this part is evidence        |           alternatives, in brackets only

A gap never crosses a hard clause mark (colon, dash, full stop) or a word of the list `stops`. A compiled pattern knows
which words a line must have for it to match, so that most lines are never searched: see PatternIndex.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property, lru_cache

from transforms.signals.lines import BREAK

GAP, SHORT_GAP = 6, 2
_TOKEN = re.compile(
    r"\s*(?:\{(?P<list>\w+)\}|<(?P<slot>\w+(?:'s)?)>|(?P<gap>\.\.\.?)|(?P<mark>[()|?\[\]])|(?P<word>[^\s()|?\[\]{}<>]+))"
)
_SLOTS = {"source", "target", "recipient", "both", "actor", "number", "past", "word"}
_VOWELS = "aeiou"


class PatternError(ValueError):
    """A pattern that cannot be read; the message says why."""


@dataclass(frozen=True)
class Pattern:
    """A compiled pattern. `needs` holds sets of words: a line it matches has at least one word of each."""

    source: str
    expression: str
    needs: tuple[frozenset[str], ...]

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """Compiled when first needed: of hundreds of patterns a quiet day needs few."""
        return re.compile("(?<= )" + self.expression)

    def find(self, text: str, words: Set[str]) -> Iterator[re.Match[str]]:
        """The matches in a line's text, at most one from each place."""
        if all(not need.isdisjoint(words) for need in self.needs):
            yield from self.regex.finditer(text)


class PatternIndex:
    """Which of many patterns a line may match, by the words that it has: all that they need, in a few steps for each word.

    The k-th bit of a number stands for the k-th pattern. For the first set of words that a pattern needs, the second and so on,
    each word has the number of the patterns that it satisfies there.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._all = (1 << len(patterns)) - 1
        self._levels: list[tuple[int, dict[str, int]]] = []
        for level in range(max((len(p.needs) for p in patterns), default=0)):
            free, satisfied = 0, dict[str, int]()
            for k, pattern in enumerate(patterns):
                if level >= len(pattern.needs):
                    free |= 1 << k
                    continue
                for word in pattern.needs[level]:
                    satisfied[word] = satisfied.get(word, 0) | 1 << k
            self._levels.append((free, satisfied))

    def knows(self, words: Set[str]) -> bool:
        """Whether one of the words is among the first that some pattern needs."""
        return bool(self._levels) and not words.isdisjoint(self._levels[0][1])

    def possible(self, words: Set[str]) -> Iterator[int]:
        """The places of the patterns that have all they need in these words, in order."""
        left = self._all
        for free, satisfied in self._levels:
            here = free
            for word in satisfied.keys() & words:
                here |= satisfied[word]
            left &= here
            if not left:
                return
        while left:
            lowest = left & -left
            yield lowest.bit_length() - 1
            left ^= lowest


def compile_pattern(source: str, lists: Mapping[str, str]) -> Pattern:
    """The pattern `source` over word lists (name -> "word|two words|stem~"). Raises PatternError."""
    return _Parser(source, lists).parse()


def endings(word: str) -> frozenset[str]:
    """A word and what it may look like with the regular endings of an English verb or noun."""
    forms = {word, word + "s"}
    if word.endswith("e"):
        forms |= {word + "d", word[:-1] + "ing"}
    elif word.endswith("y") and word[-2:-1] not in _VOWELS:
        forms |= {word[:-1] + "ies", word[:-1] + "ied", word + "ing"}
    else:
        forms |= {word + "ed", word + "ing", word + "es", word + "e"}
        if len(word) > 2 and word[-1] not in "wxy" + _VOWELS and word[-2] in _VOWELS:
            forms |= {word + word[-1] + "ed", word + word[-1] + "ing"}
    return frozenset(forms)


@lru_cache(maxsize=1024)
def words_of(listed: str) -> frozenset[str]:
    """The words and phrases of a list: "word|two words|stem~"."""
    return frozenset().union(*(_forms(w.strip()) for w in listed.split("|") if w.strip()))


Needs = tuple[frozenset[str], ...]


class _Parser:
    def __init__(self, source: str, lists: Mapping[str, str]) -> None:
        self.source, self.lists = source, lists
        self.slots = 0
        self.tokens: list[tuple[str, str]] = []
        at = 0
        text = source.strip()
        while at < len(text):
            m = _TOKEN.match(text, at)
            if not m or not m.lastgroup:
                raise PatternError(f"{text[at:]!r} cannot be read")
            self.tokens.append((m.lastgroup, m.group(m.lastgroup)))
            at = m.end()
        self.i = 0
        stops = "|".join(sorted(re.escape(w) for w in words_of(lists.get("stops", "")))) or "(?!)"
        self.any_word = rf"(?:(?!(?:{stops}) )[^ {BREAK}]+ )"
        speech = "|".join(sorted(re.escape(w) for w in words_of(lists.get("speech", "")))) or "(?!)"
        self.plain_word = rf"(?:(?!(?:{stops}|{speech}|by|as) )[^ @,{BREAK}]+ )"

    def parse(self) -> Pattern:
        regex, needs = self._alternatives()
        if self.i < len(self.tokens):
            raise PatternError(f"{self.tokens[self.i][1]!r} closes nothing")
        if not needs and not self.slots:
            raise PatternError("must require at least one word")
        return Pattern(self.source, regex, tuple(sorted(needs, key=len)))

    def _alternatives(self) -> tuple[str, Needs]:
        branches = [self._sequence()]
        while self._peek() == ("mark", "|"):
            self.i += 1
            branches.append(self._sequence())
        if len(branches) == 1:
            return branches[0]
        if any(re.fullmatch(regex, "") for regex, _ in branches):
            raise PatternError("an alternative may match nothing")
        shared = [min(needs, key=len) if needs else None for _, needs in branches]
        union: Needs = (frozenset().union(*[s for s in shared if s]),) if all(shared) else ()
        return "(?:" + "|".join(regex for regex, _ in branches) + ")", union

    def _sequence(self) -> tuple[str, Needs]:
        parts: list[str] = []
        needs: Needs = ()
        while (token := self._peek()) is not None and token not in (("mark", "|"), ("mark", ")"), ("mark", "]")):
            part, required = self._element()
            if self._peek() == ("mark", "?"):
                self.i += 1
                part, required = f"(?:{part})?", ()
            parts.append(part)
            needs += required
        if not parts:
            raise PatternError("has an empty part")
        return "".join(parts), needs

    def _element(self) -> tuple[str, Needs]:
        kind, value = self.tokens[self.i]
        self.i += 1
        if kind == "word":
            words = _forms(value)
            return _any(words), (frozenset(words),)
        if kind == "list":
            if value not in self.lists:
                raise PatternError(f"{{{value}}} is no word list")
            words = words_of(self.lists[value])
            return _any(words), (frozenset(w.split(" ", 1)[0] for w in words),)
        if kind == "slot":
            return self._slot(value), ()
        if kind == "gap":
            word, most = (self.any_word, GAP) if value == "..." else (self.plain_word, SHORT_GAP)
            return f"{word}{{0,{most}}}?", ()
        if value in "([":
            regex, needs = self._alternatives()
            close = {"(": ")", "[": "]"}[value]
            if self._peek() != ("mark", close):
                raise PatternError(f"{value!r} is not closed")
            self.i += 1
            return (f"(?P<evidence>{regex})" if value == "[" else f"(?:{regex})"), needs
        raise PatternError(f"{value!r} stands where a word should")

    def _slot(self, name: str) -> str:
        name, possessive, _ = name.partition("'s")
        if name not in _SLOTS:
            raise PatternError(f"<{name}> is none of {', '.join(sorted(_SLOTS))}")
        if name == "word":
            return self.plain_word
        if name == "number":
            return r"(?:\d[\d.,]* )"
        self.slots += 1
        if name == "past":
            return rf"(?:(?P<past_{self.slots}>(?:1[5-9]|20)\d\d) )"
        return rf"(?:@(?P<{name}_{self.slots}>\d+) (?:'s ){'' if possessive else '?'})"

    def _peek(self) -> tuple[str, str] | None:
        return self.tokens[self.i] if self.i < len(self.tokens) else None


def _forms(word: str) -> frozenset[str]:
    if not word.endswith("~"):
        return frozenset({word})
    head, _, last = word[:-1].rpartition(" ")
    return frozenset((head + " " + form).strip() for form in endings(last))


@lru_cache(maxsize=4096)
def _any(words: frozenset[str]) -> str:
    """One of the words or phrases, the longest first, and the blank after it."""
    ordered = sorted(words, key=lambda w: (-len(w), w))
    return "(?:" + "|".join(map(re.escape, ordered)) + ") "
