"""Evidence is told whole, whoever chose it: no dateline, no half of a name, no verb without its object."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from signal_cast import actors  # type: ignore[import-not-found]

from schemas import Signal
from schemas.taxonomy import Taxonomy
from transforms.signals.evidence import whole
from transforms.signals.lines import lines
from transforms.signals.passages import words
from transforms.signals.rules import rules_of


@pytest.mark.parametrize(
    ("sentence", "chosen", "told"),
    [
        (
            "MOSCOW - Exercises by the United States began",
            "MOSCOW - Exercises by the United States",
            "Exercises by the United States",
        ),
        ("KYIV, Ukraine (Agency) — Russian troops mass", "Agency) — Russian troops mass", "Russian troops mass"),
        ("NATO - Russia talks fail", "NATO - Russia talks", "NATO - Russia talks"),
        ("Russian ships drill in the Black Sea on Monday", "drill in the Black", "drill in the Black Sea"),
        ("The Nord Stream pipeline may stop", "Stream pipeline may stop", "Nord Stream pipeline may stop"),
        ("Russian tanks reach Yelnya Monday", "tanks reach Yelnya", "tanks reach Yelnya"),
        (
            "Russian ships join this winter a naval drill of the Great Old Northern Guards Band",
            "naval drill of the Great",
            "naval drill",
        ),
        ("Ships Drill Off Black Sea Coast", "Ships Drill Off Black", "Ships Drill Off Black"),
        ("Lavrov backs a proposal to hold a summit in Geneva", "a proposal to hold", "a proposal to hold a summit"),
        ("Russia is ready to invade, officials say", "Russia is ready to invade", "Russia is ready to invade"),
        ("Putin accuses NATO of flying bombers nearby", "NATO of flying bombers", "accuses NATO of flying bombers"),
    ],
)
def test_evidence_is_told_whole(sentence: str, chosen: str, told: str, taxonomy: Taxonomy) -> None:
    rules = rules_of(taxonomy)
    (line,) = lines("summary", sentence, actors(("summary", sentence)), rules.grammar)
    start = sentence.index(chosen)
    found = words(line, start, start + len(chosen))
    assert found is not None
    left, right = whole(line, *found, sentence, rules.quoting)
    assert sentence[line.tokens[left].start : line.tokens[right - 1].end] == told


def test_a_dateline_is_no_evidence_of_a_signal(tag: Callable[..., tuple[Signal, ...]]) -> None:
    (signal,) = tag("", "OSLO - Russian troops are massing near Ukraine.")
    assert signal.evidence == "Russian troops are massing near Ukraine"
