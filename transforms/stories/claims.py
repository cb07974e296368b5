"""Claims: when two signals say the same thing, and whether the watch has heard it before."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from schemas import Claim, Report, Signal

MAX_CLAIMS = 200  # of one story

_MODALITY_CLASS = {
    "asserted": "real",
    "alleged": "real",
    "planned": "coming",
    "threatened": "coming",
    "conditional": "coming",
    "possible": "coming",
    "denied": "denied",
    "negated": "denied",
    "historical": "past",
}
_CLASSES_PER_DECADE = 5


def claim_key(signal: Signal) -> str:
    """What makes two signals the same claim: "type|modality class|source|target|size class".

    A size class spans a fifth of a decade: "nearly 100,000" and "more than 90,000" are one claim, 175,000 is another.
    """
    return f"{_unsized(signal)}|{_size_class(signal.quantity)}"


def _unsized(signal: Signal) -> str:
    modality = _MODALITY_CLASS.get(signal.modality, signal.modality)
    return "|".join((signal.type, modality, signal.source or "", signal.target or ""))


def _size_class(quantity: int | None) -> str:
    if quantity is None or quantity <= 0:
        return ""
    return str(round(_CLASSES_PER_DECADE * math.log10(quantity)))


class ClaimMemory:
    """What the watch has heard, and when it heard it last (log time, microseconds)."""

    def __init__(self, memory: int, heard: Iterable[tuple[str, int]] = ()) -> None:
        self._memory = memory
        self._heard = dict(heard)  # in order of log time: what was heard last stands last

    def knows(self, signal: Signal, now: int) -> bool:
        """Whether the claim was heard within the memory. Without a number it is known if it was heard with any number."""
        last = self._heard.get(claim_key(signal))
        return last is not None and now - last <= self._memory

    def hear(self, signals: Iterable[Signal], now: int) -> None:
        """Remember the claims of sure signals, and forget what is older than the memory. `now` never runs backwards."""
        for signal in (s for s in signals if s.sure):
            for key in (claim_key(signal), f"{_unsized(signal)}|"):
                self._heard.pop(key, None)
                self._heard[key] = now
        for key in list(self._outdated(now)):
            del self._heard[key]

    def items(self) -> list[tuple[str, int]]:
        """Everything that `ClaimMemory(memory, items)` needs."""
        return list(self._heard.items())

    def _outdated(self, now: int) -> Iterable[str]:
        for key, last in self._heard.items():
            if now - last <= self._memory:
                return
            yield key


def with_claims_of(
    claims: tuple[Claim, ...], report: Report, revision: int, memory: ClaimMemory, now: int, restated: float
) -> tuple[Claim, ...]:
    """A story's claims after a report.

    A claim that the story has already gains the outlet, unless the report is a copy of another entry. A claim that it
    has not is new to the story; its novelty is 1.0, or `restated` if the watch remembers it. What only a copy says was
    put there by that outlet's editor, so the outlet counts.
    """
    copy = report.duplicate_of is not None
    by_key = {claim.key: claim for claim in claims}
    entry = report.entry
    for signal in report.signals:
        key = claim_key(signal)
        known = by_key.get(key)
        if known is None:
            if len(by_key) < MAX_CLAIMS:
                novelty = restated if memory.knows(signal, now) else 1.0
                by_key[key] = Claim(key, signal, entry.id, entry.time, revision, (entry.outlet,), novelty)
        elif not copy and entry.outlet not in known.outlets:
            by_key[key] = replace(known, outlets=(*known.outlets, entry.outlet))
    return tuple(by_key.values())
