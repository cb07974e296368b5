"""A passage holds a heading or a sentence as word pieces that know where they stand."""

from __future__ import annotations

import pytest
from signal_cast import actors  # type: ignore[import-not-found]
from tokenizers import Tokenizer

from schemas.taxonomy import Taxonomy
from transforms.embedding.encoder import tokenizer as tokenizer_of
from transforms.embedding.model import find_model
from transforms.signals.lines import lines
from transforms.signals.passages import MOST, Passage, passages, words
from transforms.signals.rules import rules_of

TEXTS = {
    "title": "Russia masses troops near Ukraine",
    "summary": "Nato is alarmed. Moscow says nothing.",
    "text": "The Kremlin was silent. Putin spoke of troops.",
}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return tokenizer_of(find_model())


@pytest.fixture
def read(taxonomy: Taxonomy, tokenizer: Tokenizer) -> list[Passage]:
    rules, named = rules_of(taxonomy), actors(*TEXTS.items())
    found = [
        (line, tuple(rules.hits(line))) for field, text in TEXTS.items() for line in lines(field, text, named, rules.grammar)
    ]
    return passages(TEXTS, found, named, tokenizer)


def said(passage: Passage, pieces: tuple[int, ...]) -> str:
    spots = [spot for i in pieces if (spot := passage.spots[i])]
    return TEXTS[spots[0].field][spots[0].start : spots[-1].end]


def test_title_and_summary_are_one_passage_and_each_sentence_of_a_text_is_one(read: list[Passage]) -> None:
    fields = [{spot.field for spot in passage.spots if spot} for passage in read]
    assert fields == [{"title", "summary"}, {"text"}, {"text"}]


def test_each_piece_stands_for_its_characters(read: list[Passage]) -> None:
    heading, first, second = read
    start = TEXTS["summary"].index("alarmed")
    assert said(heading, heading.pieces("summary", start, start + len("alarmed"))) == "alarmed"
    assert said(first, first.pieces("text", 0, len("The Kremlin"))) == "The Kremlin"
    assert said(second, second.pieces("text", 24, 29)) == "Putin"


def test_actors_are_named_as_they_act_with_all_their_mentions(read: list[Passage]) -> None:
    heading = read[0]
    assert set(heading.names) == {"Russia", "Ukraine", "NATO"}
    assert [said(heading, m) for m in heading.mentions[heading.index("Russia")]] == ["Russia", "Moscow"]


def test_what_patterns_found_is_a_place_among_the_pieces(read: list[Passage]) -> None:
    found = [f for f in read[0].found if f.type == "TROOP_BUILDUP"]
    assert found
    assert all("masses troops" in said(read[0], f.pieces) for f in found)


def test_a_long_text_is_read_up_to_a_bound(taxonomy: Taxonomy, tokenizer: Tokenizer) -> None:
    texts = {"title": "Troops", "summary": "", "text": "Troops march. " * (2 * MOST)}
    rules = rules_of(taxonomy)
    found = [(line, ()) for field, text in texts.items() for line in lines(field, text, (), rules.grammar)]
    assert len(passages(texts, found, (), tokenizer)) == MOST


def test_the_words_that_characters_cover(taxonomy: Taxonomy) -> None:
    (line,) = lines("title", TEXTS["title"], (), rules_of(taxonomy).grammar)
    assert words(line, 7, 20) == (1, 3)
    assert words(line, 900, 901) is None
