"""How serious a claim is: a product of factors, each with the words that explain it.

    score = weight x modality x confidence x magnitude x imminence x corroboration x novelty x convergence     (0..10)

The form and the numbers are those of research on escalation indicators: the type's weight comes from the taxonomy;
modality, magnitude and imminence follow the proposal in the project's notes on event coding; convergence follows Grabo,
"Anticipating Surprise": no single indicator decides, several of different kinds from independent sources do.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from schemas.alert import SEVERITIES
from schemas.report import SURE, Signal
from schemas.story import Claim, Factor
from schemas.taxonomy import SignalType

THRESHOLDS = (0.0, 1.5, 3.0, 5.0, 7.5)
"""Least score of INFO, LOW, MEDIUM, HIGH, CRITICAL."""

MODALITY = {
    "asserted": 1.0,
    "planned": 0.8,
    "alleged": 0.7,
    "threatened": 0.7,
    "possible": 0.6,
    "conditional": 0.5,
    "denied": 0.3,
    "historical": 0.05,
    "negated": 0.1,
}
"""What a statement of each modality weighs against a fact told as such."""

NOT_NOW = frozenset({"historical", "negated", "denied"})
INDICATOR = 4.0
"""Least weight of a type that counts towards convergence."""

LEAST_SURE = 0.5
"""What the least sure signal counts: a person may still want to see it, but not be called for it alone."""

WARNING_IS_NEWS = 0.9
"""A warning, a threat or a demand is the event itself where the type says `speech_act`: it weighs at least so much."""
TROOPS = re.compile(r"troop|soldier|personnel|servicem|fighter|reservist|men\b|forces", re.I)
IMMINENCE = (
    (
        re.compile(
            r"imminent|any (?:time|day|moment|minute)|hours|tomorrow|tonight|within days|(?:coming|next) days|this week", re.I
        ),
        1.2,
    ),
    (re.compile(r"next week|weeks|next month|this month|within a month|coming month|early (?:next|in)", re.I), 1.1),
    (re.compile(r"years|decade", re.I), 0.8),
)


def rank_of(score: float) -> int:
    """0 (INFO) to 4 (CRITICAL)."""
    return max(i for i, least in enumerate(THRESHOLDS) if score >= least)


@dataclass(frozen=True)
class Scored:
    """A claim, its score 0..10 and the factors whose product it is."""

    claim: Claim
    score: float
    factors: tuple[Factor, ...]

    @property
    def rank(self) -> int:
        return rank_of(self.score)

    @property
    def severity(self) -> str:
        return SEVERITIES[self.rank]


def is_indicator(claim: Claim, kind: SignalType) -> bool:
    """Whether a claim counts towards convergence: it raises the risk, weighs something, is about the present and surely read.

    Words between governments (demands, refusals, talks) come with every report; they are no indicators of their own.
    """
    present = claim.signal.modality not in NOT_NOW
    return kind.direction == "escalatory" and kind.weight >= INDICATOR and present and claim.signal.sure


def score_claim(claim: Claim, kind: SignalType, origins: int, families: int) -> Scored:
    """Score a claim that `origins` outlets make in words of their own, in a story of `families` types of indicators."""
    signal = claim.signal
    factors = [Factor("weight", kind.weight, kind.label), _modality(signal, kind)]
    if not signal.sure:
        factors.append(Factor("confidence", max(LEAST_SURE, signal.confidence / SURE), f"read with {signal.confidence:.2f}"))
    if signal.quantity and signal.quantity >= 1000 and TROOPS.search(signal.unit):
        value = min(1.3, max(0.7, 1 + 0.15 * math.log10(signal.quantity / 10_000)))
        factors.append(Factor("magnitude", value, f"{signal.quantity:,} {signal.unit}"))
    for pattern, value in IMMINENCE:
        if signal.when and pattern.search(signal.when):
            factors.append(Factor("imminence", value, signal.when))
            break
    factors.append(_corroboration(origins))
    if claim.novelty < 1:
        factors.append(Factor("novelty", claim.novelty, "the watch has heard it before"))
    if families > 1:
        factors.append(Factor("convergence", min(1.2, 1 + 0.05 * (families - 1)), f"{families} kinds of indicators in the story"))
    score = round(min(10.0, math.prod(f.value for f in factors)), 3)
    return Scored(claim, score, tuple(Factor(f.name, round(f.value, 3), f.why) for f in factors))


def strongest(scored: Iterable[Scored]) -> Scored | None:
    """The claim that decides: the highest score, the earliest of several."""
    return max(scored, key=lambda s: s.score, default=None)


def _modality(signal: Signal, kind: SignalType) -> Factor:
    value = MODALITY.get(signal.modality, 0.6)
    if kind.speech_act and signal.modality not in NOT_NOW:
        value = max(value, WARNING_IS_NEWS)
    return Factor("modality", value, signal.modality)


def _corroboration(origins: int) -> Factor:
    value = 0.85 if origins <= 1 else 1.0 if origins < 4 else 1.1
    return Factor("corroboration", value, "one outlet" if origins <= 1 else f"{origins} outlets in words of their own")
