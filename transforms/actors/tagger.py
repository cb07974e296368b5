"""Find the actors that an entry names."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime

from spacy.tokens import Doc

from schemas.entry import Entry
from schemas.report import Actor, Mention
from schemas.watch import ActorSpec, Watch
from transforms.actors.bodies import Bodies
from transforms.actors.codes import Codes
from transforms.actors.english import english
from transforms.actors.judge import Judge
from transforms.actors.lexicon import Lexicon, Name, actor_id, name_id, office_of
from transforms.actors.model import ModelNames
from transforms.actors.plain import plain
from transforms.actors.scratch import Scratch
from transforms.actors.strangers import Stranger, Strangers

FIELDS = ("title", "summary", "text")


class ActorTagger:
    """Tags the actors of the lists, the ministries and forces of their states, and persons with a title.

    specs  the actors, a watch's own last
    model  name of an installed spaCy model whose persons, organisations and states are added, "" for none.
           OSError if it is not installed.
    """

    def __init__(self, specs: tuple[ActorSpec, ...], model: str = "") -> None:
        self.specs = specs
        self.lexicon = Lexicon(specs)
        words = english()
        self.judge = Judge(self.lexicon, words)
        self.codes = Codes(specs, words)
        self.bodies = Bodies(self.lexicon, words)
        self.strangers = Strangers(self.lexicon, words)
        self.model = ModelNames(model) if model else None
        self._scratch = Scratch(self.lexicon.nlp)

    def tag(self, entry: Entry) -> tuple[Actor, ...]:
        """The entry's actors in order of their first mention; mentions in order of fields and offsets."""
        with self._scratch.loan():
            return self._tag(entry)

    def _tag(self, entry: Entry) -> tuple[Actor, ...]:
        docs = {f: self.lexicon.nlp.make_doc(plain(getattr(entry, f))) for f in FIELDS if getattr(entry, f)}
        names = {f: self.lexicon.find(f, doc) for f, doc in docs.items()}
        settled = self.judge.settle([n for ns in names.values() for n in ns], "\n".join(d.text for d in docs.values()))
        day = datetime.fromtimestamp(entry.time / 1_000_000, UTC).date()

        actors = [self._actor(self.specs[i], day, ns, entry) for i, ns in settled.items()]
        states = [n for i, ns in settled.items() if self.specs[i].kind == "state" for n in ns]
        others = [n for i, ns in settled.items() if self.specs[i].kind != "state" for n in ns]
        actors += self._bodies(docs, states, others, day, entry)
        actors += self._strangers(docs, names, entry)
        if self.model:
            actors += self.model.find(entry, [m for a in actors for m in a.mentions])
        return tuple(sorted(_merged(actors), key=lambda a: (_place(a.mentions[0]), a.name)))

    def _bodies(self, docs: dict[str, Doc], states: list[Name], others: list[Name], day: date, entry: Entry) -> list[Actor]:
        taken = {(n.field, i) for n in others for i in range(n.start, n.end)}
        found = [hit for f, doc in docs.items() for hit in self.bodies.find(f, doc, [n for n in states if n.field == f])]
        return [
            self._actor(spec, day, [n], entry)
            for spec, n in found
            if taken.isdisjoint((n.field, i) for i in range(n.start, n.end))
        ]

    def _strangers(self, docs: dict[str, Doc], names: dict[str, list[Name]], entry: Entry) -> list[Actor]:
        people = [s for f, doc in docs.items() for s in self.strangers.find(f, doc, names[f])]
        if not people:
            return []
        actors = [self._stranger(s, s.name, entry) for s in people]
        for f, doc in docs.items():
            actors += [self._stranger(s, name, entry) for s, name in self.strangers.surnames(f, doc, names[f], people)]
        return actors

    def _stranger(self, person: Stranger, name: Name, entry: Entry) -> Actor:
        state = self.specs[person.state] if person.state is not None and person.state >= 0 else None
        acts_for = "" if state is None else state.name if state.kind == "state" else state.state
        full = person.name.text
        code = self.codes.of_stranger(acts_for, person.role)
        return Actor(name_id(full), full, "person", person.role, acts_for, (), (_mention(name, entry),), code)

    def _actor(self, spec: ActorSpec, day: date, names: Iterable[Name], entry: Entry) -> Actor:
        mentions = tuple(_mention(n, entry) for n in names)
        office = office_of(spec, day)
        held, code = office.title if office else "", self.codes.of(spec, office)
        return Actor(actor_id(spec), spec.name, spec.kind, held, spec.state, spec.aliases, mentions, code)


def _mention(name: Name, entry: Entry) -> Mention:
    start = name.doc[name.start].idx
    end = name.doc[name.end - 1].idx + len(name.doc[name.end - 1])
    return Mention(name.field, start, end, getattr(entry, name.field)[start:end])


def _merged(actors: list[Actor]) -> list[Actor]:
    """One actor per id, with all of its mentions; what the first says of it holds."""
    by_id: dict[str, list[Actor]] = {}
    for actor in actors:
        by_id.setdefault(actor.id, []).append(actor)
    merged = []
    for same in by_id.values():
        a = same[0]
        mentions = tuple(sorted({m for s in same for m in s.mentions}, key=_place))
        merged.append(replace(a, mentions=mentions))
    return merged


def _place(mention: Mention) -> tuple[int, int, int]:
    return FIELDS.index(mention.field), mention.start, mention.end


@functools.lru_cache(maxsize=8)
def tagger_for(watch: Watch, model: str = "") -> ActorTagger:
    """The tagger for a watch's lists, made once per process (a runner makes its DoFns anew for each bundle)."""
    return ActorTagger(watch.actors, model)
