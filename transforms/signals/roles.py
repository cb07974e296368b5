"""Roles: who does it (source) and to whom (target), as names of actors.

Words come first: the actors that stand in a pattern's slots, then the actor right before the words (who does it) and right
after them (to whom). Where grammar is silent, the sides of the watch fill in, if the entry names them: of a build-up the
challenger is the source and the target is the target. What the text does not say stays None (eval codebook).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.taxonomy import Side, SignalType
from schemas.watch import Sides
from transforms.signals.lines import BREAK, Line
from transforms.signals.rules import Hit, Rules

FAR = 32  # words between an actor and what it may still be the subject of
ADJACENT = 3
AIM = 5  # words between what is done and to whom

_MEANWHILE = frozenset({"in", "after", "during", "following", "before", "at"})
_TELLING = frozenset({"told", "tells"})
_PRONOUNS = frozenset({"it", "he", "she", "they", "we"})
_AUXILIARIES = frozenset(
    {"is", "are", "was", "were", "has", "have", "had", "will", "would", "could", "may", "might"}
) | frozenset({"should", "does", "do", "did", "be", "been", "not", "also", "now"})

Pair = tuple[str | None, str | None]


@dataclass(frozen=True)
class Cast:
    """Who plays in an entry: names in order of their first mention, and the sides of the watch."""

    named: tuple[str, ...]
    sides: Sides

    def members(self, side: Side) -> tuple[str, ...]:
        """The names on a side, the main one first."""
        return tuple(getattr(self.sides, side)) if side and side != "opposite" else ()

    def on(self, side: Side, source: str | None = None) -> list[str]:
        """The main actor of a side among those the entry names (of the backers the first named), [] if it names none.

        "opposite": of the side against `source`.
        """
        if side == "opposite":
            challenger, others = self.sides.challenger, (*self.sides.target, *self.sides.backers)
            side_names = others if source in challenger else challenger if source in others else ()
        else:
            side_names = self.members(side)
        if side == "backers":
            return [name for name in self.named if name in side_names][:1]
        return [name for name in side_names if name in self.named][:1]


def roles(hit: Hit, rules: Rules, cast: Cast) -> tuple[list[Pair], bool]:
    """The (source, target) pairs of a hit, and whether the words themselves name both."""
    if hit.spec.sideless and not hit.slots:
        return [(None, None)], False
    return _pair(hit, rules, cast) if hit.kind.pair else _directed(hit, rules, cast)


def speaks(line: Line, i: int, rules: Rules) -> bool:
    """Whether the actor phrase at word i says something ("Japan says", "said Japan", "according to Japan", "Jane Doe: ...")."""
    words = [t.text for t in line.tokens[i + 1 : i + 4] if t.text not in rules.adverbs]
    before = [t.text for t in line.tokens[max(0, i - 2) : i]]
    titled = i == 0 and line.tokens[0].phrase is not None and line.tokens[0].phrase.people and words[:1] == [BREAK]
    signed = i == len(line.tokens) - 1 and before[-1:] == [BREAK]
    return (
        titled
        or signed
        or (words[:1] != [] and words[0] in rules.speech)
        or before[-1:] == ["said"]
        or before == ["according", "to"]
    )


def _directed(hit: Hit, rules: Rules, cast: Cast) -> tuple[list[Pair], bool]:
    line, kind = hit.line, hit.kind
    said = _names(line, hit.slots.get("source", ()))
    aimed = [name for name in _names(line, hit.slots.get("target", ())) if name not in said]
    if kind.source_side == "challenger" and set(said) & set(cast.sides.challenger):  # "massed in" an ally is not "against" it
        aimed = [name for name in aimed if name not in cast.sides.challenger]
    if kind.target_side == "challenger" and not set(said) & set(cast.sides.challenger):  # nobody punishes the target
        aimed = [name for name in aimed if name not in cast.sides.target]
    if not said and not aimed and kind.speaker == "source" and (told := _telling(hit)):
        return [told], True
    sources = said or _source(hit, rules, cast, aimed)
    targets = aimed or [name for name in _target(hit, rules, cast, sources) if name not in sources]
    targets = [name for name in targets if name not in sources]
    return [(s, t) for s in _or_none(sources) for t in _or_none(targets)], bool(said and aimed)


def _telling(hit: Hit) -> Pair | None:
    """Who tells whom the hit's words ("..., Jane Doe told Japan"), None if the line has it no such way."""
    tokens = hit.line.tokens
    for i in range(len(tokens) - 2):
        first, second = tokens[i].phrase, tokens[i + 2].phrase
        apart = i >= hit.end or i + 2 < hit.start
        if apart and first and second and tokens[i + 1].text in _TELLING and first.names[:1] != second.names[:1]:
            return first.names[0], second.names[0]
    return None


def _or_none(names: Sequence[str]) -> Sequence[str | None]:
    return names or [None]


def _source(hit: Hit, rules: Rules, cast: Cast, aimed: Sequence[str]) -> list[str]:
    line, kind = hit.line, hit.kind
    agents = (i for i in line.actors(hit.start, hit.end + ADJACENT) if _beside(line, i)[0] == "by")
    if found := [n for n in _names(line, agents) if n not in aimed]:
        return found
    if hit.spec.agentless:
        return _usual(kind, cast, aimed)
    if found := [n for n in _antecedent(hit, rules) if n not in aimed]:
        return found
    barred = {*aimed, *cast.members(kind.target_side)}
    subjects = [i for i in _subjects(hit, rules) if not barred.issuperset(_names(line, [i]))]
    if kind.speaker == "source":
        speakers = [i for i in line.actors(0, len(line.tokens)) if speaks(line, i, rules)]
        subjects = [i for i in speakers if not barred.issuperset(_names(line, [i]))][:1] or subjects
        return [n for n in _names(line, subjects[:1]) if n not in barred] or cast.on(kind.source_side)
    # The nearest subject counts where it stands right before the words, or is on the side that usually does it.
    side = set(cast.members(kind.source_side))
    in_line = {*_names(line, line.actors(0, hit.start))}
    if side & in_line and {*_names(line, subjects[:1])} <= {*cast.sides.target}:
        subjects = [i for i in subjects if side & {*_names(line, [i])}] + subjects
    near = [
        i for i in subjects[:1] if (i >= hit.start - ADJACENT and not _parted(line, i, hit.start)) or side & {*_names(line, [i])}
    ]
    return _names(line, near) or cast.on(kind.source_side) or _names(line, subjects[:1])


def _usual(kind: SignalType, cast: Cast, aimed: Sequence[str]) -> list[str]:
    """The side that usually does it; where it is done to that very side, the other one."""
    usual = cast.on(kind.source_side)
    return cast.on(kind.target_side) if set(usual) & set(aimed) else usual


def _antecedent(hit: Hit, rules: Rules) -> list[str]:
    """Whom the pronoun stands for that is the subject of the hit ("Japan says | it will arm its allies"): the last speaker."""
    line = hit.line
    i = hit.start
    while i > 0 and line.tokens[i].text not in _PRONOUNS and (i == hit.start or line.tokens[i].text in _AUXILIARIES):
        i -= 1
    if line.tokens[i].text not in _PRONOUNS:
        return []
    speakers = [k for k in line.actors(0, i) if speaks(line, k, rules)]
    return _names(line, speakers[-1:])


def _subjects(hit: Hit, rules: Rules) -> list[int]:
    """Words of the actors before (or among) the hit's words that can be its subject, the nearest first."""
    line, kind = hit.line, hit.kind
    out = []
    for i in reversed(list(line.actors(max(0, hit.start - FAR), hit.end))):
        if i in hit.slots.get("target", ()) or i in hit.slots.get("actor", ()):
            continue
        before, after = _beside(line, i)
        if before in rules.placing or after in rules.topics:
            continue
        if kind.speaker == "reporter" and speaks(line, i, rules):
            continue
        phrase = line.tokens[i].phrase
        if phrase and phrase.adjective and not phrase.people and i + 1 < hit.start and after not in rules.units:
            continue  # "deter a French attack, ..." has no subject
        if any(t.text == BREAK for t in line.tokens[i : hit.start]):
            continue
        out.append(i)
    return sorted(out, key=lambda i: i >= hit.start)


def _target(hit: Hit, rules: Rules, cast: Cast, sources: Sequence[str]) -> list[str]:
    line, kind = hit.line, hit.kind
    default = cast.on(kind.target_side, sources[0] if sources else None)
    if kind.target_side == "opposite":
        default = [name for name in default if name in _names(line, line.actors(0, len(line.tokens)))]
        if default:
            return default
    barred = {*sources, *(cast.members(kind.source_side) if kind.source_side != kind.target_side else ())}
    found = [] if hit.spec.agentless else [n for n in _names(line, _aimed(hit, rules)) if n not in barred]
    if not found and kind.speaker == "source" and not default:
        partners = (i for i in line.actors(0, hit.start) if _beside(line, i)[0] == "with")
        found = [n for n in _names(line, partners) if n not in barred]
    # An actor that merely follows ("consequences if France invades Spain") tells less than the side that is usually meant.
    return default if default and not set(found) & set(cast.members(kind.target_side)) else found


def _aimed(hit: Hit, rules: Rules) -> list[int]:
    """The word of the actor that stands inside the hit in no other role, or right after it."""
    line = hit.line
    taken = {i for group in hit.slots.values() for i in group}
    for i in line.actors(hit.start, min(len(line.tokens), hit.end + AIM)):
        if i in taken or line.clause[i] != line.clause[hit.end - 1] or _beside(line, i)[0] == "by":
            continue
        if i >= hit.end and any(t.text in {BREAK, ",", "and", "that"} for t in line.tokens[hit.end : i]):
            return []
        if _beside(line, i)[1] != "said" and _beside(line, i)[1] not in rules.topics:
            return [i]
    return []


def _pair(hit: Hit, rules: Rules, cast: Cast) -> tuple[list[Pair], bool]:
    """Source and target are the first two that talk or agree; who else does is a target, too."""
    line = hit.line
    found = _names(line, hit.slots.get("both", ()))
    if len(found) < 2:
        before, after = hit.slots.get("source", ()), hit.slots.get("target", ())
        meanwhile = _meanwhile(hit, after)
        first, second = [] if meanwhile else _names(line, before), _names(line, after)
        if not first and second:
            subjects = _subjects(hit, rules)
            if meanwhile:  # "A warns B after talks with C": A talked
                subjects = [i for i in line.actors(0, after[0]) if _beside(line, i)[0] not in rules.placing]
            fore = [
                *subjects,
                *(i for i in line.actors(hit.end, len(line.tokens)) if not _background(line, i, rules)),
            ]
            first = [n for n in [*_names(line, fore), *cast.named] if n not in second][:1]
            later = _names(line, line.actors(hit.end, len(line.tokens)))
            if hit.start < ADJACENT and set(first) & set(later):  # "In a call with A, B says": in order of mention
                return [(second[0], first[0])], False
        found = first if len(first) > 1 else [*first, *(n for n in second if n not in first)]
    if len(found) >= 2:
        return [(found[0], t) for t in found[1:]], True
    fore = [i for i in line.actors(0, len(line.tokens)) if not _background(line, i, rules)]
    fore.sort(key=lambda i: line.clause[i] != line.clause[hit.start])
    found = _unique([*found, *_names(line, fore)])[:2]
    if len(found) < 2 and hit.slots.get("source"):
        return [(found[0], None)] if found else [(None, None)], False
    found = _unique([*found, *cast.named])[:2]
    return [(found[0], found[1]) if len(found) == 2 else (None, found[0] if found else None)], False


def _meanwhile(hit: Hit, partners: Sequence[int]) -> bool:
    """Whether the talks are only when something else happens ("after talks with Japan"), and the sentence's subject held them."""
    begins = max(0, hit.start - 1)
    return bool(partners) and any(t.text in _MEANWHILE for t in hit.line.tokens[begins : partners[0]])


def _background(line: Line, i: int, rules: Rules) -> bool:
    """Whether the actor at word i is only what it is about ("over Japan", "the Japan crisis")."""
    before, after = _beside(line, i)
    return before in rules.about or after in rules.topics


def _parted(line: Line, i: int, j: int) -> bool:
    return any(t.text in {",", "and"} for t in line.tokens[i:j])


def _beside(line: Line, i: int) -> tuple[str, str]:
    """The words before and after the actor at word i, a possessive 's left out."""
    after = [t.text for t in line.tokens[i + 1 : i + 3] if t.text != "'s"]
    return line.tokens[i - 1].text if i else "", after[0] if after else ""


def _names(line: Line, at: Iterable[int]) -> list[str]:
    phrases = (line.tokens[i].phrase for i in at)
    return _unique(name for phrase in phrases if phrase for name in phrase.names)


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
