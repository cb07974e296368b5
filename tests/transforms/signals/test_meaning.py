"""What the reader says of a passage becomes hits: a reader that says what the test wants stands in here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from signal_cast import actors, entry  # type: ignore[import-not-found]
from tokenizers import Tokenizer

from schemas import Signal
from schemas.watch import Gate, Watch
from transforms.embedding.encoder import tokenizer as tokenizer_of
from transforms.embedding.model import find_model
from transforms.signals.meaning import in_two_minds, parties
from transforms.signals.passages import MOST, Passage, Stretch
from transforms.signals.reader import Roles, Seen
from transforms.signals.tagger import MAX_CHARACTERS, SignalTagger, Unread

BUILDUP, TALKS = 0, 1


@dataclass
class Scripted:
    """A reader that finds the types in the words it is given, and asks the rules for modality and parties.

    says  text of a piece -> how much it says (build-up, talks); sure: of each type; threshold: as of a reader
    """

    tokenizer: Tokenizer
    says: dict[str, tuple[float, float]]
    sure: tuple[float, float] = (0.9, 0.9)
    threshold: float = 0.5
    types: tuple[str, ...] = ("TROOP_BUILDUP", "TALKS")
    modalities: tuple[str, ...] = ("asserted", "alleged", "planned", "possible", "denied", "negated", "historical", "conditional")
    asked: list[Passage] = field(default_factory=list)

    def seen(self, passages: Sequence[Passage]) -> list[Seen]:
        self.asked += passages
        out = []
        for passage in passages:
            words = [self.tokenizer.id_to_token(i) for i in passage.ids]
            weights = np.array([self.says.get(word, (0.0, 0.0)) for word in words])
            said = weights.max(0) > 0
            out.append(Seen(np.where(said, self.sure, 0.0), weights, torch.zeros(len(words), 1)))
        return out

    def roles(self, passage: Passage, seen: Seen, stretches: Sequence[Stretch]) -> list[Roles]:
        def likely(places: frozenset[int]) -> np.ndarray:
            shares = np.full(1 + len(passage.names), 0.01)
            shares[[place + 1 for place in places]] = 0.9 / len(places)
            return shares

        return [Roles(np.eye(len(self.modalities))[s.modality], likely(s.sources), likely(s.targets)) for s in stretches]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return tokenizer_of(find_model())


def said(text: str, watches: dict[str, Watch], reader: Scripted, summary: str = "") -> tuple[Signal, ...]:
    tagger = SignalTagger(watches["build-up"], reader)  # type: ignore[arg-type]
    return tagger.tag(entry(text, summary), actors(("title", text), ("summary", summary)))


def test_meaning_tells_what_no_pattern_knows(watches: dict[str, Watch], tokenizer: Tokenizer) -> None:
    text = "Ever more Russian boots on the soil beside Ukraine, officials say"
    reader = Scripted(tokenizer, {"boots": (0.9, 0), "on": (0.5, 0), "soil": (0.5, 0)})
    (signal,) = said(text, watches, reader)
    assert (signal.type, signal.source, signal.target) == ("TROOP_BUILDUP", "Russia", "Ukraine")
    assert text[signal.start : signal.end] == signal.evidence == "boots on the soil"


def test_evidence_is_whole_words(watches: dict[str, Watch], tokenizer: Tokenizer) -> None:
    pieces = tokenizer.encode("encirclement").tokens[1:-1]
    assert len(pieces) > 1, "a word of one piece tests nothing"
    found = said("Russian encirclement troops near Ukraine", watches, Scripted(tokenizer, {pieces[1]: (0.9, 0)}))
    assert [s.evidence for s in found if s.type == "TROOP_BUILDUP"] == ["encirclement"]


def test_meaning_drops_what_a_pattern_took_at_its_word(watches: dict[str, Watch], tokenizer: Tokenizer) -> None:
    text = "Russia masses troops near Ukraine"
    assert [s.type for s in said(text, watches, Scripted(tokenizer, {"troops": (0.9, 0)}))] == ["TROOP_BUILDUP"]
    assert said(text, watches, Scripted(tokenizer, {})) == ()


def test_what_is_not_sure_enough_is_not_said(watches: dict[str, Watch], tokenizer: Tokenizer) -> None:
    text, says = "Ever more Russian boots, officials say", {"boots": (0.9, 0.0)}
    assert said(text, watches, Scripted(tokenizer, says, sure=(0.49, 0))) == ()
    (signal,) = said(text, watches, Scripted(tokenizer, says, sure=(0.61, 0)))
    assert signal.confidence == 0.61


def test_a_good_pattern_is_believed_with_less(watches: dict[str, Watch], tokenizer: Tokenizer) -> None:
    text, says = "Russia masses troops near Ukraine", {"troops": (0.9, 0.0)}
    (signal,) = said(text, watches, Scripted(tokenizer, says, sure=(0.31, 0)))
    assert signal.confidence == 0.31
    assert said(text, watches, Scripted(tokenizer, says, sure=(0.29, 0))) == ()


def test_evidence_does_not_end_on_a_word_that_leads_on(watches: dict[str, Watch], tokenizer: Tokenizer) -> None:
    says = dict.fromkeys(("russian", "boots", "on", "the"), (0.9, 0.0))
    (signal,) = said("Russian boots on the ground, officials say", watches, Scripted(tokenizer, says))
    assert signal.evidence == "Russian boots on the ground"


def test_a_town_names_the_target_that_the_words_do_not(watches: dict[str, Watch], tokenizer: Tokenizer) -> None:
    watch = watches["build-up"].model_copy(update={"gate": Gate(places=("Kharkiv",))})
    (signal,) = said("Russian boots near Kharkiv", {"build-up": watch}, Scripted(tokenizer, {"boots": (0.9, 0.0)}))
    assert (signal.source, signal.target) == ("Russia", "Ukraine")


def test_an_entry_without_a_word_that_matters_is_not_read(watches: dict[str, Watch], tokenizer: Tokenizer) -> None:
    reader = Scripted(tokenizer, {})
    said("Pumpkin soup recipes", watches, reader)
    assert reader.asked == []


def test_behind_the_last_passage_a_pattern_is_taken_at_its_word(watches: dict[str, Watch], tokenizer: Tokenizer) -> None:
    tagger = SignalTagger(watches["build-up"], Scripted(tokenizer, {"meet": (0, 0.9)}))  # type: ignore[arg-type]
    first, last = "Putin and Biden will meet on Tuesday in Geneva. ", "Russia masses troops near Ukraine. "
    for repeats, types, left in ((MOST, {"TALKS", "TROOP_BUILDUP"}, 1), (MOST - 1, {"TALKS"}, 0)):
        text = first * repeats + last
        e, named = entry("", "", text), actors(("text", text))
        assert {s.type for s in tagger.tag(e, named)} == types
        assert tagger.unread(e, named) == Unread({}, left)


def test_what_is_not_read_at_all_is_told(watches: dict[str, Watch]) -> None:
    e = entry("Russia masses troops", "", "x" * (MAX_CHARACTERS + 7))
    assert SignalTagger(watches["build-up"]).unread(e, ()) == Unread({"text": 7}, 0)


def test_the_same_type_is_said_twice_of_other_parties_only(watches: dict[str, Watch], tokenizer: Tokenizer) -> None:
    reader = Scripted(tokenizer, {"meet": (0, 0.9), "speak": (0, 0.8)})
    twice = said("Biden and Putin meet.", watches, reader, "Macron and Scholz speak about troops.")
    assert {frozenset((s.source, s.target)) for s in twice} == {
        frozenset(("United States", "Russia")),
        frozenset(("France", "Germany")),
    }
    assert len(said("Biden and Putin meet.", watches, reader, "Putin and Biden speak about troops.")) == 1


def test_parties_are_the_likeliest_and_nobody_is_his_own_target() -> None:
    names = ("Russia", "Ukraine", "NATO")
    assert parties(names, np.array([0.1, 0.8, 0.1, 0]), np.array([0.1, 0.6, 0.3, 0])) == [("Russia", "Ukraine")]
    assert parties(names, np.array([0.9, 0.1, 0, 0]), np.array([0.1, 0, 0.9, 0])) == [(None, "Ukraine")]


def test_a_second_party_that_is_nearly_as_likely_is_another_pair() -> None:
    names = ("Russia", "United States", "NATO")
    pairs = parties(names, np.array([0, 1.0, 0, 0]), np.array([0, 0, 0.5, 0.45]))
    assert pairs == [("Russia", "United States"), ("Russia", "NATO")]


def test_whom_the_rules_have_is_taken_where_the_reader_is_in_two_minds() -> None:
    chances = np.array([0.6, 0.3, 0.1])
    assert parties(["Norway", "Sweden"], in_two_minds(chances, {0}), np.array([1.0, 0.0, 0.0])) == [("Norway", None)]
    for by_rules in ({1}, {-1}, set[int]()):  # whom the reader hardly sees, nobody, and nothing by the rules
        assert parties(["Norway", "Sweden"], in_two_minds(chances, by_rules), np.array([1.0, 0.0, 0.0])) == [(None, None)]
