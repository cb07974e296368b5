"""Who holds the office that a text names by its title alone: "UK PM", "the Irish defence minister".

The words name the state, and the mention stays one of the state: that somebody acts for it is all they say. Who it was on
the day is told with the mention.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date

from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc

from schemas.watch import ActorSpec
from transforms.actors.english import STOP, English
from transforms.actors.lexicon import Lexicon, Name, office_of
from transforms.actors.plain import plain

OTHERS = frozenset(
    {"former", "ex", "then", "next", "late", "future", "deputy", "first", "new", "incoming", "outgoing", "previous"}
)


class Offices:
    """The offices of the states of a lexicon."""

    def __init__(self, lexicon: Lexicon, words: English) -> None:
        self._lexicon, self._words = lexicon, words
        self._titles = PhraseMatcher(lexicon.nlp.vocab, attr="LOWER")
        self._titles.add("title", [lexicon.nlp.make_doc(t) for t in words.titles])
        own = {spec.name: _words_of(spec) for spec in lexicon.specs if spec.kind == "state"}
        self._holders: defaultdict[tuple[str, frozenset[str]], list[ActorSpec]] = defaultdict(list)
        for spec in lexicon.specs:
            for office in spec.offices if spec.state in own else ():
                title = frozenset(words.title_words(office.title) - own[spec.state])
                if spec not in self._holders[spec.state, title]:
                    self._holders[spec.state, title].append(spec)

    def holders(self, field: str, doc: Doc, states: list[Name], day: date) -> dict[tuple[str, int], str]:
        """(field, first token) of each state's name that a title alone follows -> canonical name of who held the office.

        states  the names of states in the field `doc`
        """
        by_end = {n.end: n for n in states}
        found: dict[tuple[str, int], str] = {}
        for _, start, end in sorted(self._titles(doc), key=lambda m: m[2]) if states else ():  # the longest title is the last
            state = by_end.get(start - 1 if start and doc[start - 1].text in ("'s", "'") else start)
            if state is not None and not self._names_somebody(doc, end) and state.before().lower() not in OTHERS:
                found[field, state.start] = self._holder(self._lexicon.specs[state.senses[0].index], doc[start:end].text, day)
        return {place: holder for place, holder in found.items() if holder}

    def _holder(self, state: ActorSpec, title: str, day: date) -> str:
        title_words = frozenset(self._words.title_words(title))
        held = [spec.name for spec in self._holders[state.name, title_words] if self._holds(spec, state, title_words, day)]
        return held[0] if len(held) == 1 else ""

    def _holds(self, spec: ActorSpec, state: ActorSpec, title: frozenset[str], day: date) -> bool:
        office = office_of(spec, day)
        return office is not None and self._words.title_words(office.title) - _words_of(state) == title

    @staticmethod
    def _names_somebody(doc: Doc, end: int) -> bool:
        return end < len(doc) and (doc[end].text[:1].isupper() or doc[end].text == "-")


def _words_of(state: ActorSpec) -> set[str]:
    """The words by which titles say whose office it is: "ireland", "irish"."""
    names = (state.name, *state.aliases, *state.stands_for, *state.short_names)
    return {word for name in names for word in re.findall(r"[a-z]+", plain(name).lower())} - STOP | {"us", "uk"}
