"""Bodies that most states have, named after the state: "Poland's defence ministry", "the Ministry of Defence of Estonia"."""

from __future__ import annotations

from collections.abc import Iterable

from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc

from schemas.watch import ActorSpec
from transforms.actors.english import Body, English
from transforms.actors.lexicon import Lexicon, Name


class Bodies:
    """Finds the bodies of the states of a lexicon."""

    def __init__(self, lexicon: Lexicon, words: English) -> None:
        self.lexicon = lexicon
        self.any_case = PhraseMatcher(lexicon.nlp.vocab, attr="LOWER")
        self.exact = PhraseMatcher(lexicon.nlp.vocab)
        self._body: dict[str, Body] = {}
        for body in words.bodies:
            for phrase in body.words:
                (self.any_case if phrase == phrase.lower() else self.exact).add(phrase, [lexicon.nlp.make_doc(phrase)])
                self._body[phrase] = body

    def find(self, field: str, doc: Doc, states: Iterable[Name]) -> list[tuple[ActorSpec, Name]]:
        """The bodies in a field, each as the actor it is and where it is named.

        states  names of states in the field
        """
        hits = [(self._body[doc.vocab.strings[key]], a, b) for key, a, b in (*self.any_case(doc), *self.exact(doc))]
        if not hits:
            return []
        ends = {n.end: n for n in states}
        starts = {n.start: n for n in states}
        found = []
        for body, start, end in hits:
            genitive = start - 1 if doc[max(start - 1, 0)].text in ("'s", "'") else start
            if genitive in ends:
                state, start = ends[genitive], ends[genitive].start
            elif doc[end : end + 1].text == "of" and end + 1 in starts:
                state, end = starts[end + 1], starts[end + 1].end
            else:
                continue
            found.append((_spec(body, self.lexicon.specs[state.senses[0].index]), Name(field, doc, start, end, ())))
        return found


def _spec(body: Body, state: ActorSpec) -> ActorSpec:
    """The body of the state, called after its people ("Polish Ministry of Defence"), with the other ways to call it."""
    people = state.stands_for[0] if state.stands_for else state.name
    words = {body.name, *(w if w != w.lower() else _capitals(w) for w in body.words)}
    others = {f"{who} {word}" for who in (people, state.name) for word in words} | {f"{body.name} of {state.name}"}
    name = f"{people} {body.name}"
    return ActorSpec(name=name, kind=body.kind, state=state.name, aliases=tuple(sorted(others - {name})))


def _capitals(words: str) -> str:
    return " ".join(w if w in ("of", "the") else w.capitalize() for w in words.split())
