"""Taxonomy: the types of signals, what they weigh, and the patterns that find them (watches/shared/signals.yaml)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.config import Settings


class SignalType(Settings):
    """One type of signal.

    type       its name, e.g. "TROOP_BUILDUP"
    direction  whether it raises or lowers the risk of war
    weight     0..10, how much (research/events.md, section 3.5)
    label      how an alert's headline calls it: "troop build-up"
    """

    type: str
    direction: Literal["escalatory", "deescalatory"]
    weight: float = Field(ge=0, le=10)
    label: str


class Taxonomy(Settings):
    """All types of signals."""

    types: tuple[SignalType, ...]
