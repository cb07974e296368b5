"""Numbers in sentences."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """ "1 entry", "2 entries": the number with its noun. `many`: the plural, where it is not made with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
