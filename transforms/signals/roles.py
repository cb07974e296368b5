"""Roles: who does it (source) and to whom (target), as names of actors.

Words come first: the actors that stand in a pattern's slots, then the nearest actor before the words (who does it) and
right after them (to whom). Where grammar is silent, the sides of the watch fill in, if the entry names them: of a build-up
the challenger is the source and the target is the target. What the text does not say stays None (eval codebook).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.taxonomy import Side
from schemas.watch import Sides
from transforms.signals.lines import BREAK, Line
from transforms.signals.rules import Hit, Rules

NEAR = 8  # words between an actor and what it is taken to do
_PLACED = frozenset(
    ["with", "over", "near", "on", "along", "against", "in", "at", "around", "about", "between", "amid", "into", "towards", "toward", "from", "across", "off", "to", "of", "by"]
)
_TOPIC = frozenset(["crisis", "tension", "tensions", "border", "conflict", "invasion", "war", "fears", "fear", "issue", "standoff", "stand-off"])
Pair = tuple[str | None, str | None]


@dataclass(frozen=True)
class Cast:
    """Who plays in an entry: names in order of their first mention, and the sides of the watch."""

    named: tuple[str, ...]
    sides: Sides

    def side(self, side: Side, among: Sequence[str]) -> str | None:
        """The first actor of a side that is `among` the names, None if none is."""
        members = getattr(self.sides, side) if side else ()
        return next((name for name in members if name in among), None)


def speaks(line: Line, i: int, rules: Rules) -> bool:
    """Whether the actor phrase at word i says something ("Japan says", ", said Japan", "according to Japan")."""
    words = [t.text for t in line.tokens[i + 1 : i + 4]]
    words = [w for w in words if w not in {"also", "has", "have", "had", "again", "repeatedly", "today", "officially"}]
    before = [t.text for t in line.tokens[max(0, i - 2) : i]]
    return bool(
        (words and words[0] in rules.speech) or (before and before[-1] in {"said", "says"}) or before == ["according", "to"]
    )


def roles(hit: Hit, rules: Rules, cast: Cast) -> tuple[list[Pair], bool]:
    """The (source, target) pairs of a hit, and whether the words themselves name both."""
    if hit.rule.kind.pair:
        return _pair(hit, cast)
    line, kind = hit.line, hit.rule.kind
    said = _names(line, [i for i in hit.slots.get("source", ()) if kind.speaker == "source" or not speaks(line, i, rules)])
    aimed = _names(line, hit.slots.get("target", ()))
    both = bool(said and aimed)
    in_line = _names(line, line.actors(0, len(line.tokens)))
    sources = said or _one(_doer(hit, rules, adjacent=True)) or _one(cast.side(kind.source_side, in_line))
    sources = sources or _names_of(line, _doer_at(hit, rules)) or _one(cast.side(kind.source_side, cast.named))
    targets = [t for t in aimed if t not in sources] or [t for t in _names_of(line, _aim(hit)) if t not in sources]
    targets = targets or [t for t in _one(cast.side(kind.target_side, cast.named)) if t not in sources]
    if kind.target_side and not targets and kind.target_side == "challenger":
        targets = []
    return [(s, t) for s in sources or [None] for t in targets or [None]], both


def _doer(hit: Hit, rules: Rules, adjacent: bool) -> str | None:
    i = _doer_at(hit, rules)
    if i is None or (adjacent and hit.start - i > 3):
        return None
    phrase = hit.line.tokens[i].phrase
    return phrase.names[0] if phrase and len(phrase.names) == 1 else None


def _doer_at(hit: Hit, rules: Rules) -> int | None:
    """The word of the nearest actor before the hit that can be its subject; the speaker only where saying is doing."""
    line, kind = hit.line, hit.rule.kind
    for i in reversed(list(line.actors(max(0, hit.start - 4 * NEAR), hit.end))):
        before = line.tokens[i - 1].text if i else ""
        after = line.tokens[i + 1].text if i + 1 < len(line.tokens) else ""
        if before in _PLACED or (after in _TOPIC and i >= hit.start) or i in hit.slots.get("target", ()):
            continue
        if kind.speaker != "source" and speaks(line, i, rules):
            continue
        if any(t.text == BREAK for t in line.tokens[i : hit.start]) and kind.speaker != "source":
            continue
        return i
    if kind.speaker == "source":
        return next((i for i in line.actors(hit.end, len(line.tokens)) if _signs(line, i, rules)), None)
    return None


def _signs(line: Line, i: int, rules: Rules) -> bool:
    """Whether the actor at word i is who the sentence is from: "..., Japan says", "... - Japan"."""
    last = i == len(line.tokens) - 1 and i > 0 and line.tokens[i - 1].text == BREAK
    return last or speaks(line, i, rules)


def _aim(hit: Hit) -> int | None:
    """The word of the actor that stands right after the hit, or inside it and is no other role."""
    line = hit.line
    taken = {i for group in hit.slots.values() for i in group}
    for i in line.actors(hit.start, min(len(line.tokens), hit.end + 5)):
        if i in taken or line.clause[i] != line.clause[hit.end - 1]:
            continue
        after = line.tokens[i + 1].text if i + 1 < len(line.tokens) else ""
        if i >= hit.end and any(t.text in {BREAK, ",", "and", "that"} for t in line.tokens[hit.end : i]):
            return None
        if after != "said":
            return i
    return None


def _pair(hit: Hit, cast: Cast) -> tuple[list[Pair], bool]:
    """Source and first target are the first two that talk; who else talks is a target, too."""
    line = hit.line
    found = _names(line, hit.slots.get("both", ()))
    if len(found) < 2:
        found = _unique(found + _names(line, hit.slots.get("source", ())) + _names(line, hit.slots.get("target", ())))
    sure = len(found) >= 2
    if len(found) < 2:
        ahead = [i for i in line.actors(0, hit.start) if not _background(line, i)]
        after = [i for i in line.actors(hit.start, len(line.tokens)) if not _background(line, i)]
        # Who stands before the words nearest to them starts the talking; then who comes after, then the rest of the sentence.
        rest = _names(line, reversed(ahead[-2:])) if len(ahead) > 2 else _names(line, ahead)
        found = _unique(found + rest + _names(line, after))[:2]
    if len(found) < 2:
        found = _unique([*found, *cast.named[:3]])[:2]
    source = found[0] if found else None
    targets: Sequence[str | None] = found[1:] or [None]
    return [(source, t) for t in targets], sure


def _background(line: Line, i: int) -> bool:
    """Whether the actor at word i is only what it is about ("over Japan", "the Japan crisis")."""
    before = line.tokens[i - 1].text if i else ""
    after = line.tokens[i + 1].text if i + 1 < len(line.tokens) else ""
    return before in {"over", "on", "about", "near", "in", "amid", "of"} or after in _TOPIC


def _names_of(line: Line, i: int | None) -> list[str]:
    return [] if i is None else _names(line, [i])


def _names(line: Line, at: Sequence[int] | object) -> list[str]:
    return _unique(name for i in at for name in (line.tokens[i].phrase.names if line.tokens[i].phrase else ()))  # type: ignore


def _unique(names: object) -> list[str]:
    return list(dict.fromkeys(names))  # type: ignore


def _one(name: str | None) -> list[str]:
    return [name] if name else []
