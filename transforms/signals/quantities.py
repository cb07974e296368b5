"""Quantities: how many of what the words of a signal count.

    up to 175,000 troops              175000, at most       175 000 troops, 175k troops    175000
    between 90,000 and 100,000 men     90000, at least      two dozen tanks                24
    tens of thousands of soldiers      10000, at least      a hundred and twenty ships     120

Of a range the lower end is told, of an upper bound on a range the upper one. A plural without a number is one of it at least.
Days, sums of money, shares, ordinals, dates and years count nothing.
"""

from __future__ import annotations

import re
from calendar import month_abbr, month_name
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from transforms.signals.lines import BREAK, Line
from transforms.signals.patterns import words_of
from transforms.signals.rules import Hit

MOST = 10**10  # nobody counts more than there are people on Earth; an alert's quantity has 64 bits
FAR = 4  # words from a number to what it counts
BESIDE = 2  # the same of a small number in words, as likely to count something else

_FIGURES = re.compile(r"\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?")
_BELOW_TWENTY = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
_BELOW_HUNDRED = "twenty thirty forty fifty sixty seventy eighty ninety"
_ONES = {word: number for number, word in enumerate(_BELOW_TWENTY.split(), start=1)}
_TENS = {word: 10 * number for number, word in enumerate(_BELOW_HUNDRED.split(), start=2)}
_LARGE = {"thousand": 1_000, "million": 1_000_000}
_SCALES = {"dozen": 12, "hundred": 100, **_LARGE}
_AFTER_FIGURES = _SCALES | {"hundreds": 100, "thousands": 1_000, "k": 1_000, "m": 1_000_000}
_WORDS = frozenset({"a", "half", *_TENS, *_ONES})  # a number in words begins with one of these
_PLURALS = {"tens": 10, "dozens": 12, "hundreds": 100, "thousands": 1_000, "millions": 1_000_000}
_OF_WHAT = frozenset({"of", "more", "additional", "extra"})
_MONTHS = frozenset(name.lower() for name in (*month_name, *month_abbr, "Sept") if name)
_MEASURES = words_of(
    "percent|per|second~|minute~|hour~|day~|week~|month~|year~|decade~|mm|cm|km|kilometre~|kilometer~|metre~|meter~|mile~|dollar~|euro~"
)
_CURRENCIES = "$€£¥"
_KNOWN = frozenset({"the", "these", "those", "all", "other", "last", "past", "next"})  # "the two leaders": told before
_BOUNDS = {
    words: bound
    for bound, listed in {
        "most": "up to|as many as|no more than|not more than|not exceeding|at most|fewer than|less than|under|below|maximum of",
        "least": "more than|at least|over|above|no fewer than|not fewer than|no less than|not less than|upwards of|exceeding|"
        "in excess of|minimum of",
        "about": "nearly|almost|close to|about|around|some|roughly|approximately|an estimated|estimated at",
    }.items()
    for words in listed.split("|")
}
_REACHED = ("as many as", "up to", "reach", "reached", "total of")
_RANGES = frozenset({"-", "‐", "‑", "–", "—", "to", "or", "and"})


@dataclass(frozen=True)
class Quantity:
    """A number, what it counts, and how it bounds it: "most", "least", "about" or "" (see schemas.Signal)."""

    number: int | None = None
    unit: str = ""
    bound: str = ""


@dataclass(frozen=True)
class Number:
    """Words [start, end) of a line that say a number.

    scale  the last factor in its words, 1 if there is none: of "90 to 100 thousand" the first has it from the second
    small  it is a word below a hundred without a scale
    """

    value: Decimal
    start: int
    end: int
    scale: int = 1
    small: bool = False
    bound: str = ""


def quantity(hit: Hit, text: str, units: frozenset[str]) -> Quantity:
    """The number in or right beside a hit's evidence: ("up to 175,000 troops" -> 175000, "troops", "most").

    text   the field that the hit's line is from
    units  a number counts only before one of these (at most four words on) or after "as many as", "up to", "reach", and in
           a clause of the evidence
    """
    tokens, clause = hit.line.tokens, hit.line.clause
    low, high = max(0, hit.left - 6), min(len(tokens), hit.right + 12)
    near = [n for n in numbers(hit.line, text) if low <= n.start < high]
    for n in sorted(near, key=lambda n: n.end <= hit.left):  # those of the evidence first
        if clause[n.start] > clause[hit.right - 1] or clause[n.end - 1] < clause[hit.left]:
            continue
        if not 1 <= n.value <= MOST:
            continue
        value = int(n.value)
        if unit := _unit(hit.line, n, units):
            return Quantity(value, unit, n.bound)
        if value >= 1000 and any(_ends(hit.line, n.start, words) for words in _REACHED):
            return Quantity(value, next((t.text for t in tokens[low:high] if t.text in units), ""), n.bound)
    return Quantity()


def _unit(line: Line, n: Number, units: frozenset[str]) -> str:
    """What a number counts: the first of `units` after it in its clause, "" if there is none."""
    words = [token.text for token in line.tokens[n.end : n.end + FAR + 1]]
    for j in range(min(len(words), BESIDE if n.small else FAR)):
        if words[j] in (BREAK, ",") or words[j] in _MEASURES:
            return ""
        for unit in (" ".join(words[j : j + 2]), words[j]):
            if unit in units:
                return unit
    return ""


def numbers(line: Line, text: str) -> list[Number]:
    """The numbers of a line in order, ranges taken together, each with its bound. `text`: the field that the line is from."""
    found = [replace(n, bound=n.bound or _bound(line, n.start)) for n in _single(line, text)]
    out = found[:1]
    for first, second in pairwise(found):
        joined = _joined(line, text, first, second) if out[-1] is first else None
        out[len(out) - bool(joined) :] = [joined or second]
    return out


def _single(line: Line, text: str) -> Iterator[Number]:
    words = [token.text for token in line.tokens]
    i = 0
    while i < len(words):
        if words[i][0].isdigit():
            n = _figures(line, text, i)
        else:
            n = _plural(words, i) or (_in_words(words, i) if words[i].partition("-")[0] in _WORDS else None)
        i = n.end if n else i + 1
        if n and not _counts_nothing(line, text, n):
            yield n


def _figures(line: Line, text: str, i: int) -> Number | None:
    """ "90,000", "175 000", "1.5 million", "100k"."""
    tokens = line.tokens
    if not _FIGURES.fullmatch(tokens[i].text):
        return None
    digits, j = tokens[i].text.replace(",", ""), i + 1
    if len(tokens[i].text) <= 3:
        while j < len(tokens) and _is_group(text[tokens[j - 1].end : tokens[j].end]):
            digits, j = digits + tokens[j].text, j + 1
    scale = 1
    while j < len(tokens) and tokens[j].text in _AFTER_FIGURES:
        scale, j = scale * _AFTER_FIGURES[tokens[j].text], j + 1
    return Number(Decimal(digits) * scale, i, j, scale)


def _is_group(text: str) -> bool:
    """Whether it is a group of digits after a blank: the second half of "175 000"."""
    return len(text) == 4 and text[0].isspace() and text[1:].isdigit()


def _plural(words: Sequence[str], i: int) -> Number | None:
    """ "tens of thousands of", "hundreds of", "thousands more"."""
    value, j = _PLURALS.get(words[i], 0), i + 1
    if value and words[j : j + 1] == ["of"] and words[j + 1 : j + 2] in (["thousands"], ["millions"]):
        value, j = value * _PLURALS[words[j + 1]], j + 2
    return Number(Decimal(value), i, j, bound="least") if value and j < len(words) and words[j] in _OF_WHAT else None


def _in_words(words: Sequence[str], i: int) -> Number | None:
    """ "two dozen", "a hundred and twenty thousand", "half a million"."""
    if words[i : i + 2] == ["half", "a"] and words[i + 2 : i + 3] and words[i + 2] in _SCALES:
        return Number(Decimal(_SCALES[words[i + 2]]) / 2, i, i + 3)
    total, j, last = 0, i, 0
    while group := _group(words, j + (j > i and words[j : j + 1] == ["and"])):
        value, k, scale = group
        if last and scale >= last:
            break
        total, j, last = total + value, k, scale
        if scale < 1_000:
            break
    small = last == 1 and total < 100
    return Number(Decimal(total), i, j, last, small) if last and not (small and total == 1) else None


def _group(words: Sequence[str], i: int) -> tuple[int, int, int] | None:
    """A part of a number in words, to its thousand or million: the value, the place after it and its last scale."""
    value, j = (1, i + 1) if words[i : i + 1] == ["a"] else _below_hundred(words, i)
    if not value:
        return None
    scale = 1
    if words[j : j + 1] in (["hundred"], ["dozen"]):
        scale = _SCALES[words[j]]
        value, j = value * scale, j + 1
        more, k = _below_hundred(words, j + (words[j : j + 1] == ["and"])) if scale == 100 else (0, j)
        value, j = (value + more, k) if more else (value, j)
    if words[j : j + 1] and words[j] in _LARGE:
        scale = _LARGE[words[j]]
        value, j = value * scale, j + 1
    return None if words[i] == "a" and scale == 1 else (value, j, scale)


def _below_hundred(words: Sequence[str], i: int) -> tuple[int, int]:
    """The number below a hundred at word i and the place after it; (0, i) if none is there."""
    first, _, second = words[i].partition("-") if i < len(words) else ("", "", "")
    if first in _TENS and second in _ONES:
        return _TENS[first] + _ONES[second], i + 1
    value = _TENS.get(first) or _ONES.get(first, 0)
    if second or not value:
        return 0, i
    more = _ONES.get(words[i + 1], 0) if first in _TENS and i + 1 < len(words) else 0
    return (value + more, i + 2) if 0 < more < 10 else (value, i + 1)


def _counts_nothing(line: Line, text: str, n: Number) -> bool:
    """Whether it is a year, a day of a month, an ordinal, money or a share, or says which of those told before."""
    tokens = line.tokens
    first, last = tokens[n.start], tokens[n.end - 1]
    before, after = (tokens[i].text if 0 <= i < len(tokens) else "" for i in (n.start - 1, n.end))
    if n.small:
        return before in _KNOWN
    if not first.text[0].isdigit():
        return False
    alone = n.end == n.start + 1
    if alone and "," not in first.text and 1900 <= n.value <= 2100:
        return True
    if alone and n.value <= 31 and not _MONTHS.isdisjoint((before, after)):
        return True
    glued, beyond = text[max(0, first.start - 1) : first.start], text[last.end : last.end + 2].strip()
    ordinal = alone and text[last.end : last.end + 1].isalpha()
    return ordinal or (bool(glued) and glued in _CURRENCIES) or beyond.startswith("%")


def _bound(line: Line, i: int) -> str:
    """What the words before a number at word i make of it: the longest that is known."""
    words = [token.text for token in line.tokens[max(0, i - 3) : i]]
    phrases = (" ".join(words[k:]) for k in range(len(words)))
    return next((_BOUNDS[phrase] for phrase in phrases if phrase in _BOUNDS), "")


def _ends(line: Line, i: int, phrase: str) -> bool:
    """Whether the phrase stands right before word i."""
    words = phrase.split()
    return [token.text for token in line.tokens[max(0, i - len(words)) : i]] == words


def _joined(line: Line, text: str, first: Number, second: Number) -> Number | None:
    """What two numbers say together: the range that they span, or what a number rose or fell to; None if they do not."""
    tokens = line.tokens
    link = text[tokens[first.end - 1].end : tokens[second.start].start].strip().lower()
    before = tokens[first.start - 1].text if first.start else ""
    if link not in _RANGES or (link == "and" and before != "between"):
        return None
    if link == "to" and before == "from":
        return second
    value = first.value
    if first.scale == 1 and value * second.scale < second.value:
        value *= second.scale
    if value >= second.value:
        return None
    if first.bound == "most":
        return replace(second, start=first.start, bound="most")
    return Number(value, first.start, second.end, small=first.small and second.small, bound="least")
