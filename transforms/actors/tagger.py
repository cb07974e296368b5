"""Find the actors that an entry names."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from datetime import date

from schemas.entry import Entry
from schemas.records import iso
from schemas.report import Actor, Mention
from schemas.watch import ActorSpec, Watch
from transforms.actors.lexicon import Lexicon, actor_id, role
from transforms.actors.plain import plain

FIELDS = ("title", "summary", "text")


class ActorTagger:
    """Tags the actors of the lists.

    specs  the actors, a watch's own last
    """

    def __init__(self, specs: tuple[ActorSpec, ...], model: str = "") -> None:
        self.specs = specs
        self.lexicon = Lexicon(specs)

    def tag(self, entry: Entry) -> tuple[Actor, ...]:
        """The entry's actors in order of their first mention; mentions in order of fields and offsets."""
        named: dict[int, list[Mention]] = {}
        open_: list[tuple[int, Mention]] = []
        for field in FIELDS:
            text = getattr(entry, field)
            doc = self.lexicon.nlp.make_doc(plain(text))
            for start, end, senses in self.lexicon.find(doc):
                a, b = doc[start].idx, doc[end - 1].idx + len(doc[end - 1])
                mention = Mention(field, a, b, text[a:b])
                for s in senses:
                    if s.kind in ("sure", "seat"):
                        named.setdefault(s.index, []).append(mention)
                    elif s.kind == "short":
                        open_.append((s.index, mention))
        for i, mention in open_:
            if i in named:
                named[i].append(mention)
        day = date.fromisoformat(iso(entry.time)[:10])
        return tuple(self._actor(i, ms, day) for i, ms in named.items())

    def _actor(self, i: int, mentions: Iterable[Mention], day: date) -> Actor:
        spec = self.specs[i]
        ordered = tuple(sorted(mentions, key=lambda m: (FIELDS.index(m.field), m.start)))
        return Actor(actor_id(spec), spec.name, spec.kind, role(spec, day), spec.state, spec.aliases, ordered)


@functools.lru_cache(maxsize=8)
def tagger_for(watch: Watch, model: str = "") -> ActorTagger:
    """The tagger for a watch's lists, made once per process (a runner makes its DoFns anew for each bundle)."""
    return ActorTagger(watch.actors, model)
