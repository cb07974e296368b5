"""Find the actors that an entry names."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from spacy.tokens import Doc

from schemas.entry import Entry
from schemas.report import Actor, Mention
from schemas.watch import ActorSpec, Watch
from transforms.actors.bodies import Bodies
from transforms.actors.codes import Codes
from transforms.actors.english import english
from transforms.actors.judge import Judge
from transforms.actors.lexicon import SHORT, Lexicon, Name, actor_id, name_id, office_of
from transforms.actors.nouns import Nouns
from transforms.actors.offices import Offices
from transforms.actors.plain import plain
from transforms.actors.scratch import Scratch
from transforms.actors.strangers import Stranger, Strangers

FIELDS = ("title", "summary", "text")


class ActorTagger:
    """Tags the actors of the lists, the ministries and forces of their states, and persons with a title.

    specs  the actors, a watch's own last
    """

    def __init__(self, specs: tuple[ActorSpec, ...]) -> None:
        self.specs = specs
        self.lexicon = Lexicon(specs)
        words = english()
        self.judge = Judge(self.lexicon, words)
        self.codes = Codes(specs, words)
        self.bodies = Bodies(self.lexicon, words)
        self.nouns = Nouns(self.lexicon)
        self.offices = Offices(self.lexicon, words)
        self.strangers = Strangers(self.lexicon, words)
        self._scratch = Scratch(self.lexicon.nlp)

    def tag(self, entry: Entry) -> tuple[Actor, ...]:
        """The entry's actors in order of their first mention; mentions in order of fields and offsets."""
        with self._scratch.loan():
            return self._tag(entry)

    def _tag(self, entry: Entry) -> tuple[Actor, ...]:
        page = _Page.of(entry, self.lexicon)
        names = {f: self.lexicon.find(f, doc) for f, doc in page.docs.items()}
        settled = self.judge.settle([n for ns in names.values() for n in ns], "\n".join(page.texts.values()), page.day)
        for f, doc in page.docs.items():
            for i, noun in self.nouns.find(f, doc, settled):
                settled[i].append(noun)
        states = [n for i, ns in settled.items() if self.specs[i].kind == "state" for n in ns]
        others = [n for i, ns in settled.items() if self.specs[i].kind != "state" for n in ns]
        for f, doc in page.docs.items():
            page.holders |= self.offices.holders(f, doc, [n for n in states if n.field == f], page.day)

        actors = [self._actor(self.specs[i], ns, page) for i, ns in settled.items()]
        actors += self._bodies(states, others, page)
        certain = {id(n) for ns in settled.values() for n in ns}
        known = {f: [n for n in ns if id(n) in certain or n.senses[0].kind != SHORT] for f, ns in names.items()}
        actors += self._strangers(known, page)
        return tuple(sorted(_merged(actors), key=lambda a: (_place(a.mentions[0]), a.name)))

    def _bodies(self, states: list[Name], others: list[Name], page: _Page) -> list[Actor]:
        taken = {(n.field, i) for n in others for i in range(n.start, n.end)}
        found = [hit for f, doc in page.docs.items() for hit in self.bodies.find(f, doc, [n for n in states if n.field == f])]
        return [
            self._actor(spec, [n], page) for spec, n in found if taken.isdisjoint((n.field, i) for i in range(n.start, n.end))
        ]

    def _strangers(self, names: dict[str, list[Name]], page: _Page) -> list[Actor]:
        people = [s for f, doc in page.docs.items() for s in self.strangers.find(f, doc, names[f])]
        if not people:
            return []
        actors = [self._stranger(s, s.name, page) for s in people]
        for f, doc in page.docs.items():
            actors += [self._stranger(s, name, page) for s, name in self.strangers.surnames(f, doc, names[f], people)]
        return actors

    def _stranger(self, person: Stranger, name: Name, page: _Page) -> Actor:
        state = self.specs[person.state] if person.state is not None and person.state >= 0 else None
        acts_for = "" if state is None else state.name if state.kind == "state" else state.state
        full = person.name.text
        code = self.codes.of_stranger(acts_for, person.role)
        return Actor(name_id(full), full, "person", person.role, acts_for, (), (page.mention(name),), code)

    def _actor(self, spec: ActorSpec, names: Iterable[Name], page: _Page) -> Actor:
        office = office_of(spec, page.day)
        held, code = office.title if office else "", self.codes.of(spec, office)
        mentions = tuple(map(page.mention, names))
        return Actor(actor_id(spec), spec.name, spec.kind, held, spec.state, spec.aliases, mentions, code)


@dataclass
class _Page:
    """An entry while it is read: its fields as plain text and in tokens, its day, and who holds the offices it names."""

    entry: Entry
    texts: dict[str, str]
    docs: dict[str, Doc]
    day: date
    holders: dict[tuple[str, int], str] = field(default_factory=dict)

    @classmethod
    def of(cls, entry: Entry, lexicon: Lexicon) -> _Page:
        texts = {f: plain(getattr(entry, f)) for f in FIELDS if getattr(entry, f)}
        docs = {f: lexicon.nlp.make_doc(text) for f, text in texts.items()}
        return cls(entry, texts, docs, datetime.fromtimestamp(entry.time / 1_000_000, UTC).date())

    def mention(self, name: Name) -> Mention:
        start = name.doc[name.start].idx
        end = name.doc[name.end - 1].idx + len(name.doc[name.end - 1])
        text = getattr(self.entry, name.field)[start:end]
        return Mention(name.field, start, end, text, self.holders.get((name.field, name.start), ""))


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
def tagger_for(watch: Watch) -> ActorTagger:
    """The tagger for a watch's lists, made once per process (a runner makes its DoFns anew for each bundle)."""
    return ActorTagger(watch.actors)
