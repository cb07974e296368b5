"""Lint of the patterns: each one, alone, reads its example and not its near miss.

watches/shared/triggers/TYPE.yaml has an entry for each pattern of watches/shared/signals.yaml, under the pattern's own words;
cues.yaml and times.yaml there have one for each pattern that sets a modality or tells a time:

    fires      a text that it must read
    near_miss  a text much like it that it must not read

Both are about Ruritania, Freedonia, Sylvania and the League, so that no real state is needed to understand a pattern.
A new or changed pattern fails here, with its file and line, until it has both; an entry whose pattern is gone fails as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from signal_cast import ROOT  # type: ignore[import-not-found]

from schemas import Actor, Mention
from schemas.config import read_yaml
from schemas.taxonomy import PatternSpec, SignalType, Taxonomy
from transforms.signals.lines import lines
from transforms.signals.patterns import compile_pattern
from transforms.signals.rules import Rules, matches

SIGNALS = ROOT / "watches" / "shared" / "signals.yaml"
TRIGGERS = ROOT / "watches" / "shared" / "triggers"
TAXONOMY = read_yaml(SIGNALS, Taxonomy)
CAST = {"Ruritania": "Ruritania(?:n|ns)?", "Freedonia": "Freedonia(?:n|ns)?", "Sylvania": "Sylvania(?:n|ns)?", "League": "League"}
BARE = TAXONOMY.model_copy(update={"cues": (), "times": (), "types": ()})
CUES = [find for cue in TAXONOMY.cues for find in cue.find]
PATTERNS = [(kind, spec) for kind in TAXONOMY.types for spec in kind.patterns]


@cache
def triggers(kind: str) -> dict[str, Any]:
    """pattern -> its texts, as the file of the type has them."""
    path = TRIGGERS / f"{kind}.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


@cache
def places() -> dict[str, int]:
    """pattern -> the line of signals.yaml on which it stands (the last, if several types have it)."""
    found: dict[str, int] = {}
    root = yaml.compose(SIGNALS.read_text(encoding="utf-8"))
    nodes: list[yaml.Node] = [root] if root else []
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.ScalarNode):
            found[node.value] = node.start_mark.line + 1
        else:
            nodes += [n for item in node.value for n in (item if isinstance(item, tuple) else (item,))]
    return found


def place(find: str) -> str:
    return f"{SIGNALS.relative_to(ROOT)}:{places().get(find, '?')}: {find}"


def actors(text: str) -> list[Actor]:
    """Those of the cast that the text names."""
    out = []
    for name, words in CAST.items():
        mentions = tuple(Mention("title", m.start(), m.end(), m.group()) for m in re.finditer(rf"\b{words}\b", text))
        if mentions:
            kind = "organization" if name == "League" else "state"
            out.append(Actor(f"name:{name}", name, kind, "", "", (), mentions))
    return out


def reads(kind: SignalType, spec: PatternSpec, text: str) -> bool:
    """Whether the pattern, with no other beside it, finds anything in the text."""
    rules = Rules(BARE.model_copy(update={"types": (kind.model_copy(update={"patterns": (spec,)}),)}))
    return any(next(rules.hits(line), None) for line in lines("title", text, actors(text), rules.grammar))


def matched(find: str, text: str) -> bool:
    """Whether a pattern that is no rule of a type matches anywhere in the text."""
    pattern = compile_pattern(find, TAXONOMY.lists)
    return any(matches(pattern, line) for line in lines("title", text, actors(text), Rules(BARE).grammar))


def hold(file: str, find: str, found: Callable[[str], bool]) -> None:
    """The pattern `find` has its two texts in `file`; `found` says yes to the example and no to the near miss."""
    texts = triggers(file).get(find)
    assert texts, f"{place(find)}\nhas no example and no near miss in {TRIGGERS.name}/{file}.yaml"
    assert found(texts["fires"]), f"{place(find)}\ndoes not read its example: {texts['fires']}"
    assert not found(texts["near_miss"]), f"{place(find)}\nreads its near miss: {texts['near_miss']}"


@pytest.mark.parametrize(("kind", "spec"), PATTERNS, ids=[f"{k.type}-{k.patterns.index(s) + 1}" for k, s in PATTERNS])
def test_a_pattern_reads_its_example_and_not_its_near_miss(kind: SignalType, spec: PatternSpec) -> None:
    hold(kind.type, spec.find, lambda text: reads(kind, spec, text))


@pytest.mark.parametrize(("file", "find"), [*(("cues", f) for f in CUES), *(("times", f) for f in TAXONOMY.times)])
def test_a_cue_is_found_in_its_example_and_not_in_its_near_miss(file: str, find: str) -> None:
    hold(file, find, lambda text: matched(find, text))


@pytest.mark.parametrize("path", sorted(TRIGGERS.glob("*.yaml")), ids=lambda path: path.stem)
def test_no_example_outlives_its_pattern(path: Path) -> None:
    known = {"cues": set(CUES), "times": set(TAXONOMY.times)}
    for kind, spec in PATTERNS:
        known.setdefault(kind.type, set()).add(spec.find)
    gone = [find for find in triggers(path.stem) if find not in known.get(path.stem, ())]
    assert not gone, f"{path.relative_to(ROOT)}: no such pattern in signals.yaml"
