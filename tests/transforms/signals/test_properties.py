"""What holds for any text: evidence is verbatim, nothing is told twice, and time grows no faster than the text."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import pytest
from fastavro.validation import validate
from hypothesis import given, settings
from hypothesis import strategies as st
from signal_cast import ROOT, SIDES, actors, entry  # type: ignore[import-not-found]

from schemas import Signal
from schemas.taxonomy import Taxonomy
from transforms.signals.rules import Rules
from transforms.signals.tagger import SignalTagger

WORDS = [
    *["Russia", "Ukraine", "Putin", "Biden", "US", "Nato", "troops", "massed", "near", "the", "border", "of", "with", "100,000"],
    *["may", "invade", "attack", "denies", "says", "sanctions", "on", "against", "if", "will", "talks", "hold", "red", "lines"],
    *[
        "2014",
        "in",
        "and",
        "not",
        "to",
        "by",
        "missile",
        "strikes",
        ",",
        ".",
        ":",
        "–",
        "’",
        "“",
        "”",
        "-",
        "'s",
        "🙂",
        "é",
        "\n",
    ],
    *["90", "million", "thousand", "k", "dozen", "9" * 30, "9" * 400, "9" * 5000],
]


@given(
    st.lists(st.sampled_from(WORDS), max_size=60),
    st.sampled_from(["title", "summary", "text"]),
    st.sampled_from(sorted(SIDES)),
)
@settings(max_examples=150, deadline=None)
def test_evidence_is_verbatim_and_no_claim_is_told_twice(
    taggers: dict[str, SignalTagger], words: list[str], field: str, watch: str
) -> None:
    text = " ".join(words)
    e = entry(**{"title": "", field: text})
    signals = taggers[watch].tag(e, actors((field, text)))
    for s in signals:
        assert s.evidence
        assert getattr(e, s.field)[s.start : s.end] == s.evidence
        assert s.source is None or s.source != s.target
        assert 0 < s.confidence <= 1
        assert validate(s.quantity, ["null", "long"], raise_errors=False), "no alert can carry it"
    keys = [(s.type, s.source, s.target, s.quantity if s.field == "text" else None) for s in signals]
    assert len(keys) == len(set(keys))


@given(st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_text_can_be_read(taggers: dict[str, SignalTagger], text: str) -> None:
    e = entry("", text)
    for s in taggers["build-up"].tag(e, actors(("summary", text))):
        assert e.summary[s.start : s.end] == s.evidence


@pytest.mark.parametrize(
    "unit",
    [
        "troops ",
        "Russia troops near ",
        "a",
        "could to the of ",
        "Russia and ",
        "(",
        "talks, ",
        "not to be to ",
        "x.\n",
        "Russia’s ",
    ],
)
def test_a_hostile_text_takes_work_in_proportion_to_its_length(unit: str, taggers: dict[str, SignalTagger]) -> None:
    def calls(size: int) -> int:
        text = (unit * (size // len(unit) + 1))[:size]
        e, named = entry("", "", text), actors(("text", text))
        made = 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal made
            made += event in ("call", "c_call")

        sys.setprofile(count)
        try:
            taggers["build-up"].tag(e, named)
        finally:
            sys.setprofile(None)
        return made

    calls(100)  # patterns are compiled when first needed
    assert calls(20_000) < 8 * max(calls(5_000), 1_000)


def test_every_evidence_of_a_long_article_is_verbatim(tag: Callable[..., tuple[Signal, ...]]) -> None:
    text = (
        "Officials in Kyiv met. Russia has massed troops near Ukraine, the White House said.\n\nPutin will meet Biden on Monday. "
        * 40
    )
    signals = tag("", "", text)
    assert {s.type for s in signals} == {"TROOP_BUILDUP", "TALKS"}
    assert all(text[s.start : s.end] == s.evidence for s in signals)


def test_no_pattern_names_a_state_or_a_person(taxonomy: Taxonomy) -> None:
    text = (ROOT / "watches" / "shared" / "signals.yaml").read_text(encoding="utf-8").lower()
    for word in (
        "russia",
        "ukrain",
        "putin",
        "kyiv",
        "moscow",
        "kremlin",
        "taiwan",
        "china",
        "chinese",
        "belarus",
        "donbas",
        "crimea",
    ):
        assert word not in text
    assert not re.search(r"\b(nato|biden|zelensk\w+|iran\w*|israel\w*)\b", text)


def test_a_pattern_that_cannot_be_read_is_named_with_its_type(taxonomy: Taxonomy) -> None:
    kind = taxonomy.types[0]
    bad = kind.model_copy(update={"patterns": (kind.patterns[0].model_copy(update={"find": "{nowhere} x"}),)})
    with pytest.raises(ValueError, match=rf"{kind.type}: pattern '\{{nowhere\}} x'"):
        Rules(taxonomy.model_copy(update={"types": (bad,)}))


def test_the_modalities_that_types_take_have_cues(taxonomy: Taxonomy) -> None:
    with_cues = {cue.modality for cue in taxonomy.cues}
    assert {m for kind in taxonomy.types for m in kind.modalities} <= with_cues
