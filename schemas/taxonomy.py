"""Taxonomy: the types of signals, what they weigh, and the patterns that find them (watches/shared/signals.yaml).

Patterns and cues are written in the language that transforms/signals/patterns.py describes.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from schemas.config import Settings

Modality = Literal["asserted", "alleged", "planned", "threatened", "conditional", "possible", "denied", "historical", "negated"]
Side = Literal["", "challenger", "target", "backers", "opposite"]


class PatternSpec(Settings):
    """One pattern; written as a plain string where only `find` is needed.

    find        the pattern
    needs       a pattern that the sentence must match as well, "" for none
    unless      a pattern that the sentence must not match, "" for none
    modality    what the pattern means by itself ("possible" for "invasion fears"), "" for the type's own
    agentless   the words leave open who does it ("shots were fired"): no actor before them is taken for the source
    sideless    the words are about no side ("the brink of war"): the sides of the watch do not fill in
    confidence  0..1, how sure the words are
    """

    find: str
    needs: str = ""
    unless: str = ""
    modality: Modality | Literal[""] = ""
    agentless: bool = False
    sideless: bool = False
    confidence: float = Field(default=0.9, ge=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return {"find": value} if isinstance(value, str) else value


class Cue(Settings):
    """Words that set the modality of a signal near them.

    modality  which
    find      patterns
    unless    patterns: what begins as one of them does is no such cue ("not" in "not more than 90,000")
    where     "before" or "after" the signal's words, "around" them (both, or among them), each within the clause;
              "sentence": anywhere in the sentence
    reach     at most so many words away (not for "sentence")
    """

    modality: Modality
    find: tuple[str, ...]
    unless: tuple[str, ...] = ()
    where: Literal["before", "after", "around", "sentence"] = "around"
    reach: int = Field(default=8, ge=0)


class Codes(Settings):
    """What the two event ontologies call an act: PLOVER 2.0 type:mode and CAMEO 1.1b3 code, "" where they have none."""

    plover: str = Field(default="", pattern=r"^([A-Z]+(:[a-z-]+)?)?$")
    cameo: str = Field(default="", pattern=r"^(0[1-9]|1\d|20)?\d{0,2}$")


class SignalType(Settings):
    """One type of signal.

    type         its name, e.g. "TROOP_BUILDUP"
    direction    whether it raises or lowers the risk of war
    weight       0..10, how much (research/events.md, section 3.5)
    label        how an alert's headline calls it: "troop build-up"
    codes        of the act itself; the signal's modality says whether it was done. The nearest code, not the same idea: CAMEO
                 and PLOVER know no warning by a third party, for instance (research/events.md, section 3.5)
    coded_as     codes for single modalities, where the ontologies have one for the mere intent ("agree to meet")
    modality     what a statement of the type is if no cue says otherwise
    modalities   what cues may make of it, the first that applies; a cue for any other modality is passed over
    speech_act   the statement is the event: a threat weighs as a threat made, not as a deed that is only threatened
    speaker      whether who says it is the one who does it (a threat, a demand) or only reports it
    source_side  side of the watch that does it where grammar does not say, "" for none
    target_side  side it is directed at where grammar does not say, "" for none; "opposite": the side against the source's,
                 which then goes before grammar (a drill is held in one place and meant for another)
    pair         source and target are the first two named, in order (talks, agreements)
    yields_to    types whose signal in the same sentence makes a conditional one of this type a mere condition
    gives_way_to types whose signal in the same words excludes one of this type, unless it is historical
    void         modalities in which the words mean nothing of the type ("could attack" is no attack)
    unless       patterns: a sentence they match has no signal of the type
    patterns     what finds it
    """

    type: str
    direction: Literal["escalatory", "deescalatory"]
    weight: float = Field(ge=0, le=10)
    label: str
    codes: Codes = Codes()
    coded_as: dict[Modality, Codes] = Field(default_factory=dict)
    modality: Modality = "asserted"
    modalities: tuple[Modality, ...] = ("denied", "negated", "historical", "conditional", "planned", "possible", "alleged")
    speech_act: bool = False
    speaker: Literal["source", "reporter"] = "reporter"
    source_side: Side = ""
    target_side: Side = ""
    pair: bool = False
    yields_to: tuple[str, ...] = ()
    gives_way_to: tuple[str, ...] = ()
    void: tuple[Modality, ...] = ()
    unless: tuple[str, ...] = ()
    patterns: tuple[PatternSpec, ...] = ()

    def codes_of(self, modality: str) -> Codes:
        """The codes of a signal of this type and modality."""
        return next((codes for name, codes in self.coded_as.items() if name == modality), self.codes)


class Taxonomy(Settings):
    """All types of signals, and the words that read them.

    lists  word lists that patterns name in braces; the first ones of the file are also used by the code
    times  patterns for the time of a coming event ("as early as next month")
    cues   what sets the modality (the order of `SignalType.modalities` decides between them)
    """

    lists: dict[str, str] = Field(default_factory=dict)
    times: tuple[str, ...] = ()
    cues: tuple[Cue, ...] = ()
    types: tuple[SignalType, ...]
