"""Two texts that differ in a word or two, and what each of them says: type, modality, source and target, no more and no less.

Each file of tests/data/minimal_pairs turns on one idea. Pairs that are not yet read rightly are noted, with what is read
instead, in known_failures.yaml there; the test fails when such a pair is read rightly after all, so that the note is taken out
(`python tests/transforms/signals/minimal_pairs.py --note` writes them anew).
"""

from __future__ import annotations

from typing import Any, get_args

import pytest
from minimal_pairs import Pair, Read, known_failures, pairs, reader  # type: ignore[import-not-found]
from signal_cast import ROOT  # type: ignore[import-not-found]

from schemas.config import read_yaml
from schemas.taxonomy import Modality, Taxonomy


def cases() -> list[Any]:
    """Every pair, named by its idea and place, the known failures marked: a mended one is an error."""
    known = known_failures()
    out = []
    for pair in pairs():
        marks = [pytest.mark.xfail(reason=known[pair.name], strict=True)] if pair.name in known else []
        out.append(pytest.param(pair, id=f"{pair.idea}-{pair.number:02}", marks=marks))
    return out


@pytest.fixture(scope="module")
def read() -> Read:
    return reader()


@pytest.mark.parametrize("pair", cases())
def test_each_text_of_a_pair_says_what_its_words_say(pair: Pair, read: Read) -> None:
    assert pair.misread(read) == ""


def test_the_pairs_are_well_formed() -> None:
    """Two texts that do not say the same, in words that the taxonomy knows; at least 150 pairs."""
    types = {t.type for t in read_yaml(ROOT / "watches/shared/signals.yaml", Taxonomy).types}
    for pair in pairs():
        (_, one), (_, other) = pair.says
        assert one != other, pair
        assert {kind for kind, *_ in one | other} <= types, pair
        assert {modality for _, modality, *_ in one | other} <= set(get_args(Modality)), pair
    assert len(pairs()) >= 150


def test_every_known_failure_is_a_pair() -> None:
    assert known_failures().keys() <= {pair.name for pair in pairs()}
