"""What the lists say, turned around: from the words on the page to the actors they may mean."""

from __future__ import annotations

import functools
import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import spacy
from spacy.language import Language
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc
from spacy.util import compile_infix_regex

from schemas.watch import ActorSpec
from transforms.actors.plain import plain

SHOUTED = 4  # letters: a name at least so long is also found in capitals ("PUTIN"); shorter ones collide with acronyms


@dataclass(frozen=True)
class Sense:
    """One meaning of a surface: the actor at `index` of the list, named surely, by a seat or by a short name.

    `index` is -1 for a decoy: the words mean none of the actors.
    """

    index: int
    kind: str  # "sure", "seat", "short" or "decoy"


class Lexicon:
    """The surfaces of a list of actors.

    specs  the actors; where two share a sure name, the later one has it (a watch's own list comes last)
    """

    def __init__(self, specs: tuple[ActorSpec, ...]) -> None:
        self.specs = specs
        self.nlp = tokenizer()
        self.senses: dict[str, tuple[Sense, ...]] = {}
        anyhow: set[str] = set()
        for surface, sense in self._surfaces():
            key = plain(surface)
            if key == key.lower():
                anyhow.add(key)
            for form in {key, key.upper()} if len(key) >= SHOUTED else {key}:
                self._add(form, sense)
        self.exact = PhraseMatcher(self.nlp.vocab)
        self.lower = PhraseMatcher(self.nlp.vocab, attr="LOWER")
        self.exact.add("name", [self.nlp.make_doc(s) for s in self.senses if s not in anyhow])
        if anyhow:
            self.lower.add("name", [self.nlp.make_doc(s) for s in sorted(anyhow)])
        self._any_case = {self._key(self.nlp.make_doc(s)) for s in anyhow}
        self._by_tokens = {self._key(self.nlp.make_doc(s)): senses for s, senses in self.senses.items()}

    def find(self, doc: Doc) -> list[tuple[int, int, tuple[Sense, ...]]]:
        """Spans of tokens that name somebody, in order; of overlapping ones the longest, of those the first."""
        spans = {(start, end) for _, start, end in self.exact(doc)}
        spans |= {(start, end) for _, start, end in self.lower(doc)} if self._any_case else set()
        taken: set[int] = set()
        found = []
        for start, end in sorted(spans, key=lambda s: (s[0] - s[1], s[0])):
            if taken.isdisjoint(range(start, end)):
                taken.update(range(start, end))
                key = self._key(doc[start:end])
                found.append((start, end, self._by_tokens.get(key) or self._by_tokens[key.lower()]))
        return sorted(found, key=lambda f: f[0])

    def _surfaces(self) -> Iterator[tuple[str, Sense]]:
        for i, spec in enumerate(self.specs):
            short = set(spec.short_names)
            for surface in (spec.name, *spec.aliases, *spec.stands_for):
                if surface not in short:
                    yield surface, Sense(i, "sure")
            for kind, surfaces in (("seat", spec.seats), ("short", spec.short_names), ("decoy", spec.decoys)):
                for surface in surfaces:
                    yield surface, Sense(i if kind != "decoy" else -1, kind)

    def _add(self, surface: str, sense: Sense) -> None:
        rest = tuple(s for s in self.senses.get(surface, ()) if sense.kind == "short" and s.kind == "short")
        self.senses[surface] = (*rest, sense)

    @staticmethod
    def _key(tokens: object) -> str:
        return " ".join(t.text for t in tokens)  # type: ignore[attr-defined]


@functools.cache
def tokenizer() -> Language:
    """spaCy's English tokenizer, which also parts "U.S.-led" and "Biden/Putin"."""
    nlp = spacy.blank("en")
    infixes = [*nlp.Defaults.infixes, r"(?<=[A-Za-z.])-(?=[A-Za-z])", r"(?<=[A-Za-z])/(?=[A-Za-z])"]  # type: ignore[misc]
    nlp.tokenizer.infix_finditer = compile_infix_regex(infixes).finditer
    return nlp


def actor_id(spec: ActorSpec) -> str:
    """The id of the list, else one made from the name: "name:donbas-separatists"."""
    return spec.id or name_id(spec.name)


def name_id(name: str) -> str:
    """ "name:" and the name in lower case letters, digits and hyphens."""
    ascii_name = unicodedata.normalize("NFKD", plain(name)).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")
    return "name:" + (slug or hashlib.sha256(name.encode()).hexdigest()[:12])


def role(spec: ActorSpec, day: date) -> str:
    """The office held on the day, the one begun last if there are several, "" if none."""
    held = [o for o in spec.offices if (o.since is None or o.since <= day) and (o.until is None or day < o.until)]
    return max(held, key=lambda o: o.since or date.min).title if held else ""
