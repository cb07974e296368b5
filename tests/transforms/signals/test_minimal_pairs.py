"""Two texts that differ in a word or two, and what each of them says: type, modality, source and target, no more and no less.

Each file of tests/data/minimal_pairs turns on one idea. Under a text stands "nothing", or one or several of
"TYPE modality source > target". A pair that is not yet read rightly says so under `known_failure`, with the reason; the test
fails when such a pair is read rightly after all, so that the note is taken out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from signal_cast import ROOT, entry  # type: ignore[import-not-found]

from schemas.config import read_yaml
from schemas.taxonomy import Modality, Taxonomy
from schemas.watch import load_watch
from transforms.actors import ActorTagger
from transforms.actors import tagger_for as actor_tagger_for
from transforms.signals import SignalTagger, tagger_for

FILES = sorted((Path(__file__).parents[2] / "data" / "minimal_pairs").glob("*.yaml"))
FEBRUARY = "2022-02-20T12:00:00+00:00"  # the build-up is at its height: shots in Donbas are incidents, an invasion is an attack

Said = set[tuple[str, str, str | None, str | None]]
Read = Callable[[str, str], Said]


def cases() -> list[Any]:
    """(watch, {text: what it says}) of every pair, named by its file and place."""
    out = []
    for path in FILES:
        group = yaml.safe_load(path.read_text(encoding="utf-8"))
        for n, pair in enumerate(group["pairs"], 1):
            reason = pair.pop("known_failure", None)
            marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
            out.append(pytest.param(group["watch"], pair, id=f"{path.stem}-{n:02}", marks=marks))
    return out


def said(written: str | list[str]) -> Said:
    """What "TYPE modality source > target" stands for; nobody is None."""
    if written == "nothing":
        return set()
    out: Said = set()
    for line in [written] if isinstance(written, str) else written:
        kind, modality, roles = line.split(" ", 2)
        source, target = (None if name == "nobody" else name for name in roles.split(" > "))
        out.add((kind, modality, source, target))
    return out


@pytest.fixture(scope="module")
def read() -> Read:
    """read(watch, text) -> what the watch's own taggers find in the text."""

    @cache
    def taggers(watch: str) -> tuple[ActorTagger, SignalTagger]:
        configured = load_watch(ROOT / "watches" / watch)
        return actor_tagger_for(configured), tagger_for(configured)

    def tagged(watch: str, text: str) -> Said:
        actors, signals = taggers(watch)
        e = entry(text, published=FEBRUARY)
        return {(s.type, s.modality, s.source, s.target) for s in signals.tag(e, actors.tag(e))}

    return tagged


@pytest.mark.parametrize(("watch", "pair"), cases())
def test_each_text_of_a_pair_says_what_its_words_say(watch: str, pair: dict[str, Any], read: Read) -> None:
    assert {text: read(watch, text) for text in pair} == {text: said(written) for text, written in pair.items()}


def test_the_pairs_are_well_formed() -> None:
    """Two texts that do not say the same, in words that the taxonomy knows; at least 150 pairs."""
    types = {t.type for t in read_yaml(ROOT / "watches/shared/signals.yaml", Taxonomy).types}
    pairs = [case.values[1] for case in cases()]
    for pair in pairs:
        one, other = (said(written) for written in pair.values())
        assert one != other, pair
        assert {kind for kind, *_ in one | other} <= types, pair
        assert {modality for _, modality, *_ in one | other} <= set(get_args(Modality)), pair
    assert len(pairs) >= 150
