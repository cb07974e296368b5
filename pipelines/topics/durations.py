"""Lengths of time as people write them, "90s", "10m", "12h", "7d", and as whole seconds."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def seconds(text: str) -> int:
    """The seconds of "7d". Raises ValueError for anything but a whole number with a unit."""
    found = re.fullmatch(r"(\d{1,9})([dhms])", text.strip()) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{text!r} is no length of time: write 90s, 10m, 12h or 7d")
    return int(found[1]) * UNITS[found[2]]


def words(length: int) -> str:
    """The shortest way to write so many seconds: "7d" for 604800."""
    unit = next(unit for unit, size in UNITS.items() if length % size == 0)
    return f"{length // UNITS[unit]}{unit}" if length else "0s"


def between(least: int, most: int) -> AfterValidator:
    """A check of a field of Seconds, with a sentence in the file's own words."""

    def check(value: int) -> int:
        if not least <= value <= most:
            raise ValueError(f"{words(value)} is not between {words(least)} and {words(most)}")
        return value

    return AfterValidator(check)


def _read(value: Any) -> int:
    return seconds(value)


Seconds = Annotated[int, BeforeValidator(_read)]
"""A field that is written as "7d" and held as seconds."""
