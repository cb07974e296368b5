"""Modality: is it told as a fact, claimed, planned, possible, denied, over?

By cues a type takes only the modalities it lists, in the order of precedence: usually denied, negated, historical, conditional,
planned, possible, alleged (the modalities are those of the eval codebook, section "signals"). That somebody warns of an
attack does not make the warning "alleged", for instance. What no cue touches has the type's own modality.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.taxonomy import Cue
from transforms.signals.lines import Line
from transforms.signals.patterns import Pattern
from transforms.signals.rules import Hit, Rules

PRESENT_CRISIS_YEARS = 1  # a year this close to the entry's may still be the present crisis
NEAR_YEAR = 5  # words within which a year dates what follows in any position
# Words before "to" that make what follows no plan: "has begun to leave", or "referring to France's attack" (an actor follows).
_UNDER_WAY = frozenset(["begin", "begins", "began", "begun", "start", "starts", "started", "continue", "continues", "continued"])
_STRONG = frozenset({"denied", "negated", "historical", "conditional"})


@dataclass(frozen=True)
class Found:
    """A cue that decides: words [start, end) of the hit's line, and the modality they set."""

    modality: str
    start: int
    end: int


def modality(hit: Hit, rules: Rules, year: int) -> str:
    """The modality of a hit in an entry of `year`."""
    found = cue(hit, rules, year)
    return found.modality if found else hit.spec.modality or hit.kind.modality


def cue(hit: Hit, rules: Rules, year: int) -> Found | None:
    """The cue that decides the modality of a hit in an entry of `year`, None if it is the pattern's or the type's own."""
    for name in hit.kind.modalities:
        if hit.spec.modality and name not in _STRONG:
            continue
        for each, pattern, unless in rules.cues(name, hit.line):
            if (words := _applies(each, pattern, unless, hit, year)) is not None:
                return Found(name, *words)
    return None


def _applies(cue: Cue, pattern: Pattern, unless: Iterable[Pattern], hit: Hit, year: int) -> tuple[int, int] | None:
    """Where the cue stands, as words [start, end) of the line, None if it does not bear on the hit."""
    line = hit.line
    for m in pattern.regex.finditer(line.text):
        past = [int(v) for name, v in m.groupdict().items() if name.startswith("past_") and v]
        if past and max(past) >= year - PRESENT_CRISIS_YEARS:
            continue
        if any(m.start() == other.start() for each in unless for other in each.find(line.text, line.words)):
            continue
        start, end = line.span(m.start(), m.end())
        if cue.where == "sentence" or _near(cue, line, start, end, hit):
            return start, end
    return None


def _near(cue: Cue, line: Line, start: int, end: int, hit: Hit) -> bool:
    """Whether a cue at words [start, end) is where it should be, in one clause with the hit."""
    first, last = hit.start, hit.end - 1
    # "since 1990, when ..." dates the clause that follows; "..., if it does" makes the one before it conditional
    back, ahead = cue.modality == "historical", cue.modality == "conditional"
    if line.clause[start] > line.clause[last] + ahead or line.clause[end - 1] < line.clause[first] - back:
        return False
    if start < hit.end and end > hit.start:
        if not cue.reach:
            return False
        return (cue.where == "around" and cue.modality != "alleged") or (cue.where == "before" and start < hit.end - 1)
    if end <= hit.start:
        far = hit.start - end > NEAR_YEAR or line.clause[end - 1] != line.clause[hit.start]
        if cue.modality == "historical" and far and not _dates_on(line, start, end):
            return False
        bare_to = not cue.reach and (line.tokens[hit.start].phrase is not None or line.tokens[start - 1].text in _UNDER_WAY)
        return cue.where in ("before", "around") and hit.start - end <= cue.reach and not bare_to
    return cue.where in ("after", "around") and start - hit.end <= cue.reach


def _dates_on(line: Line, start: int, end: int) -> bool:
    """Whether a date at words [start, end) dates what follows in its sentence: it begins a clause, or "when" goes on from it."""
    opens = start < 2 or line.clause[start - 2] != line.clause[start]
    return opens or "when" in {token.text for token in line.tokens[end : end + 2]}
