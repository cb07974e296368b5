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
from transforms.signals.passages import MOST
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


TEXTS = st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join)
PLACES = st.sampled_from(["title", "summary", "text"])
NAMES = st.sampled_from(sorted(SIDES))


def told(tagger: SignalTagger, field: str, text: str) -> tuple[Signal, ...]:
    """The signals of an entry that has this text, each with evidence and a number that an alert can carry, none told twice."""
    e = entry(**{"title": "", field: text})
    signals = tagger.tag(e, actors((field, text)))
    for s in signals:
        assert s.evidence
        assert getattr(e, s.field)[s.start : s.end] == s.evidence
        assert s.source is None or s.source != s.target
        assert 0 < s.confidence <= 1
        assert validate(s.quantity, ["null", "long"], raise_errors=False), "no alert can carry it"
    keys = [(s.type, s.source, s.target, s.quantity if s.field == "text" else None) for s in signals]
    assert len(keys) == len(set(keys))
    return signals


@given(TEXTS, PLACES, NAMES)
@settings(max_examples=150, deadline=None)
def test_evidence_is_verbatim_and_no_claim_is_told_twice(
    taggers: dict[str, SignalTagger], text: str, field: str, watch: str
) -> None:
    told(taggers[watch], field, text)


@given(TEXTS, PLACES, NAMES)
@settings(max_examples=40, deadline=None)
def test_what_is_read_by_meaning_is_verbatim_and_told_once(
    reading: dict[str, SignalTagger], text: str, field: str, watch: str
) -> None:
    told(reading[watch], field, text)


@given(st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_text_can_be_read(taggers: dict[str, SignalTagger], text: str) -> None:
    told(taggers["build-up"], "summary", text)


@given(st.text(max_size=300), st.sampled_from(["Russia masses troops near Ukraine. ", "Talks: ", ""]))
@settings(max_examples=40, deadline=None)
def test_any_text_can_be_read_for_its_meaning(reading: dict[str, SignalTagger], text: str, first: str) -> None:
    told(reading["build-up"], "summary", first + text)


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


def test_an_article_longer_than_the_reader_reads_is_verbatim_to_its_end(reading: dict[str, SignalTagger]) -> None:
    text = "Putin and Biden will meet on Tuesday in Geneva. " * (MOST + 6) + "Germany imposed sanctions on Belarus."
    signals = told(reading["build-up"], "text", text)
    assert "SANCTION_IMPOSED" in {s.type for s in signals}


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
