"""What no pattern knows is told by meaning, what a sentence does not say is dropped; a model of two ideas stands in here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from signal_cast import actors, entry  # type: ignore[import-not-found]

from schemas import Signal
from schemas.watch import Watch
from transforms.embedding.model import DIMENSIONS, Vectors
from transforms.signals.head import Head, shipped
from transforms.signals.mood import Mood
from transforms.signals.tagger import SignalTagger


class TwoIdeas:
    """Embeds a text as the first axis if it speaks of boots, as the second if of a birthday; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        out = np.zeros((len(texts), DIMENSIONS), np.float32)
        for i, text in enumerate(texts):
            out[i, 0] = "boots" in text
            out[i, 1] = "birthday" in text
        return out


@pytest.fixture
def head() -> Head:
    """Boots are a build-up, a birthday is none; everything is asserted."""
    vectors = np.zeros((1, DIMENSIONS), np.float32)
    vectors[0, :2] = (3, -3)
    none = np.zeros((1, 0), np.float32)
    mood = Mood(("asserted",), {}, np.zeros((1, DIMENSIONS), np.float32), none, np.zeros(1, np.float32))
    return replace(
        shipped(),
        types=("TROOP_BUILDUP",),
        words={},
        vectors=vectors,
        word_weights=none,
        bias=np.array([-3], np.float32),
        calibration=(1.0, 4.0, 0.0),
        threshold=0.5,
        mood=mood,
    )


@pytest.fixture
def model() -> TwoIdeas:
    return TwoIdeas()


def said(text: str, watches: dict[str, Watch], model: TwoIdeas, head: Head) -> tuple[Signal, ...]:
    return SignalTagger(watches["build-up"], model, head).tag(entry(text), actors(("title", text)))


def test_meaning_tells_what_no_pattern_knows(watches: dict[str, Watch], model: TwoIdeas, head: Head) -> None:
    text = "Ever more Russian boots on the soil beside Ukraine, officials say"
    (signal,) = said(text, watches, model, head)
    assert (signal.type, signal.source, signal.target) == ("TROOP_BUILDUP", "Russia", "Ukraine")
    assert text[signal.start : signal.end] == signal.evidence
    assert "boots" in signal.evidence
    assert "officials" not in signal.evidence


def test_meaning_drops_what_a_pattern_took_at_its_word(watches: dict[str, Watch], model: TwoIdeas, head: Head) -> None:
    plain, party = "Russia masses troops near Ukraine", "Russia masses birthday troops near Ukraine"
    assert [s.type for s in said(plain, watches, model, head)] == ["TROOP_BUILDUP"]
    assert said(party, watches, model, head) == ()


def test_the_confidence_says_how_sure_both_are(watches: dict[str, Watch], model: TwoIdeas, head: Head) -> None:
    (by_pattern,) = said("Russia masses troops near Ukraine", watches, model, head)
    (by_both,) = said("Russia masses troops in boots near Ukraine", watches, model, head)
    assert by_pattern.confidence < by_both.confidence


def test_only_a_sentence_that_may_carry_a_signal_is_embedded(watches: dict[str, Watch], model: TwoIdeas, head: Head) -> None:
    said("Pumpkin soup recipes", watches, model, head)
    assert model.asked == []
