"""The numbers an entry gives, in figures or in words, each in one form: "90,000", "1.5 thousand", "two hundred thousand".

The same sentence with another number is news. Newspapers write small numbers in words and large ones half in words.
"""

from __future__ import annotations

import re
from decimal import Decimal
from math import prod

_UNITS = "two three four five six seven eight nine ten eleven twelve"
_TEENS = "thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORDS = {word: n for n, word in enumerate(f"{_UNITS} {_TEENS}".split(), 2)}
_WORDS |= {word: 10 * n for n, word in enumerate(_TENS.split(), 2)}
_ONCE = {"a": Decimal(1), "an": Decimal(1), "one": Decimal(1), "half a": Decimal("0.5")}  # alone, they count nothing
_SCALES = {"dozen": 12, "hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_SIGNS = {"k": 1_000, "m": 1_000_000, "mln": 1_000_000, "bn": 1_000_000_000}

_WORD, _SCALE, _SIGN = ("|".join(words) for words in (_WORDS, _SCALES, _SIGNS))
_NUMBER = re.compile(
    rf"(?:(\d(?:[\d.,]*\d)?)((?:{_SIGN})\b|(?:[\s-](?:{_SCALE})\b)*)"
    rf"|\b(?:({_WORD})(?:-({_WORD}|one))?)\b((?:[\s-](?:{_SCALE})\b)*)"
    rf"|\b({'|'.join(_ONCE)})((?:[\s-](?:{_SCALE})\b)+))",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(r"(?<!^0)[.,](?=\d{3}(?!\d))")  # before just three digits; before others a fraction begins


def numbers_named(text: str) -> frozenset[str]:
    """The numbers that a text gives, in figures without separators of thousands ("1500", "1.5").

    What no number is written like ("16.2.2022") is its figures alone.
    """
    return frozenset(map(_number, _NUMBER.finditer(text)))


def _number(found: re.Match[str]) -> str:
    figures, figures_scale, word, unit, words_scale, once, once_scale = found.groups(default="")
    if figures:
        figures = _THOUSANDS.sub("", figures).replace(",", ".")
        if figures.count(".") > 1:
            return figures.replace(".", "")
    value = Decimal(figures) if figures else Decimal(_WORDS[word.lower()] + _unit(unit)) if word else _ONCE[once.lower()]
    scales = re.findall(r"[a-z]+", (figures_scale or words_scale or once_scale).lower())
    return f"{(value * prod((_SCALES | _SIGNS)[scale] for scale in scales)).normalize():f}"


def _unit(word: str) -> int:
    return (_WORDS | {"one": 1, "": 0})[word.lower()]
