"""A log of reports on four matters, told by several outlets in words of their own, from the twelfth on in copies."""

from __future__ import annotations

from typing import Any

from factories import HOUR, NOON, a_report, a_signal, a_watch, an_entry

from schemas import Report

WATCH = a_watch()
KINDS = ("BUILDUP", "GESTURE", "ATTACK", "SANCTION")


def report(n: int, **fields: Any) -> Report:
    """Report n of the log."""
    matter, words = n % 4, n if n < 12 else n - 4
    entry = an_entry(
        f"entry-{n:03}",
        NOON + n * HOUR // 2,
        title=f"Matter {matter}: {'abcdefghijklmnop'[words % 16] * 9} {words}",
        summary=f"{'qrstuvwxyz'[words % 10] * 7} says {words * 37} about it.",
        outlet=f"Outlet {n % 5}",
    )
    signal = a_signal(KINDS[matter], source=f"Actor {matter}", quantity=10 ** (n // 4 % 5))
    return a_report(entry, (signal,), subject=matter, **{"position": 1000 + n, **fields})


LOG = [report(n) for n in range(16)]
