"""The pattern language: what a pattern matches, and what is wrong with one that cannot be read."""

from __future__ import annotations

import pytest

from transforms.signals.patterns import PatternError, PatternIndex, compile_pattern, endings

LISTS = {"forces": "troop~|armed forces", "stops": "while", "speech": "says"}


def matches(pattern: str, text: str) -> bool:
    words = set(text.split())
    return any(compile_pattern(pattern, LISTS).find(f" {text} ", words))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("mass~ troops", "massed troops"),
        ("invad~", "they invade"),
        ("plan~ to", "planning to"),
        ("deny~", "denies"),
        ("{forces}", "the armed forces march"),
        ("{forces} .. border", "troops near the border"),
        ("send ... {forces}", "send more than a few hundred troops"),
        ("(a | b c) d", "b c d"),
        ("the? end", "end"),
        ("<source> attacks <target>", "@0 attacks @2"),
        ("<source's> troops", "@0 's troops"),
        ("<number> troops", "1,000 troops"),
    ],
)
def test_a_pattern_matches(pattern: str, text: str) -> None:
    assert matches(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("mass troops", "massive troops"),
        ("{forces} .. border", "troops far away from the border"),
        ("send ... {forces}", "send a letter while troops"),
        ("send ... {forces}", "send ¦ troops"),
        ("send .. {forces}", "send @1 troops"),
        ("send .. {forces}", "send he says troops"),
        ("<source's> troops", "@0 troops"),
        ("<number> troops", "many troops"),
    ],
)
def test_a_pattern_does_not_match(pattern: str, text: str) -> None:
    assert not matches(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{nothing}", "is no word list"),
        ("<nobody> attacks", "is none of"),
        ("(a | b", "is not closed"),
        ("a ) b", "closes nothing"),
        ("a? ..", "must require at least one word"),
        ("(a | b?)", "may match nothing"),
        ("()", "empty part"),
        ("a }", "cannot be read"),
    ],
)
def test_what_cannot_be_read_says_why(pattern: str, message: str) -> None:
    with pytest.raises(PatternError, match=message):
        compile_pattern(pattern, LISTS)


def test_endings_follow_english_spelling() -> None:
    assert {"deploy", "deploys", "deployed", "deploying"} <= endings("deploy")
    assert {"rallies", "rallied", "rallying"} <= endings("rally")
    assert {"invades", "invaded", "invading"} <= endings("invade")
    assert {"planned", "planning"} <= endings("plan")


def test_a_pattern_knows_the_words_without_which_it_cannot_match() -> None:
    pattern = compile_pattern("(x ..)? {forces} (near | at) border?", LISTS)
    assert frozenset({"near", "at"}) in pattern.needs
    assert not any("border" in need or "x" in need for need in pattern.needs)


@pytest.mark.parametrize(
    ("words", "possible"),
    [
        ("troops near the border", [0, 1, 3]),
        ("troops attack", [3]),
        ("the attack", [2, 3]),
        ("near the troops and the attack", [0, 2, 3]),
        ("", [3]),
    ],
)
def test_an_index_gives_the_patterns_that_have_all_the_words_they_need(words: str, possible: list[int]) -> None:
    patterns = ("{forces} (near | at)", "{forces} ... border", "the ... attack", "<source> <target>")
    index = PatternIndex([compile_pattern(each, LISTS) for each in patterns])
    assert [*index.possible({*words.split()})] == possible


def test_an_index_knows_the_first_words_that_its_patterns_need() -> None:
    index = PatternIndex([compile_pattern("mass~ troops", LISTS)])
    assert index.knows({"troops", "home"})
    assert not index.knows({"massed", "home"})
    assert not PatternIndex([]).knows({"troops"})
    assert [*PatternIndex([]).possible({"troops"})] == []
