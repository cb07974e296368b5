"""What the lists say, turned around: from the words on the page to the actors they may mean."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import spacy
from spacy.language import Language
from spacy.matcher import PhraseMatcher
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc
from spacy.util import compile_infix_regex

from schemas.watch import ActorSpec, Office
from transforms.actors.english import words_of
from transforms.actors.plain import plain

SURE, SEAT, DECOY, SHORT = "sure", "seat", "decoy", "short"
RANK = {SURE: 0, SEAT: 1, DECOY: 2, SHORT: 3}
SHOUTED = 4  # letters: a name at least so long is also found in capitals ("MACRON"); shorter ones collide with acronyms


@dataclass(frozen=True)
class Sense:
    """One meaning of a surface: the actor at `index` of the list, named surely, by a seat or by a short name.

    `index` is -1 for a decoy: the words mean none of the actors.
    """

    index: int
    kind: str  # SURE, SEAT, SHORT or DECOY


@dataclass(frozen=True)
class Name:
    """Tokens `start` to `end` of a field's `doc` (the field as plain text) and whom they may name.

    nested  it stands inside a longer name
    """

    field: str
    doc: Doc
    start: int
    end: int
    senses: tuple[Sense, ...]
    nested: bool = False

    @property
    def text(self) -> str:
        return self.doc[self.start : self.end].text

    def before(self, steps: int = 1) -> str:
        """The token so many steps before the name, "" at the start of the field."""
        return words_of(self.doc)[self.start - steps] if self.start >= steps else ""

    def after(self, steps: int = 1) -> str:
        """The token so many steps after the name, "" at the end of the field."""
        words = words_of(self.doc)
        return words[self.end + steps - 1] if self.end + steps <= len(words) else ""


class Lexicon:
    """The surfaces of a list of actors.

    specs  the actors; where two share a sure name, the later one has it (a watch's own list comes last)
    """

    def __init__(self, specs: tuple[ActorSpec, ...]) -> None:
        self.specs = specs
        self.index_of = {spec.name: i for i, spec in enumerate(specs)}
        served = {s.state for s in specs} | {o.of for s in specs for o in s.offices}
        self._served = {i for i, s in enumerate(specs) if s.kind == "state" or (s.kind == "organization" and s.name in served)}
        self.nlp = english_tokenizer()
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
        self._any_case = bool(anyhow)
        self._by_tokens = {" ".join(words_of(self.nlp.make_doc(s))): senses for s, senses in self.senses.items()}

    def find(self, field: str, doc: Doc) -> list[Name]:
        """The names in a field, in order; of overlapping ones the longest, of those the first.

        Whoever others act for is a name too inside a longer one: "Iranian Foreign Ministry" names Iran, "UN Security Council"
        the UN, "Tokyo-backed rebels" Japan. Not so in a decoy.
        """
        spans = {(start, end) for _, start, end in self.exact(doc)}
        if self._any_case:
            spans |= {(start, end) for _, start, end in self.lower(doc)}
        holder: dict[int, tuple[Sense, ...]] = {}
        found = []
        for start, end in sorted(spans, key=lambda s: (s[0] - s[1], s[0])):
            senses = self._senses_of(words_of(doc)[start:end])
            outer = next((holder[i] for i in range(start, end) if i in holder), None)
            if outer is None or (self._has_parts(outer) and self._is_part(senses, doc, start, end)):
                holder.update(dict.fromkeys(range(start, end), senses) if outer is None else {})
                found.append(Name(field, doc, start, end, senses, nested=outer is not None))
        return sorted(found, key=lambda n: (n.start, -n.end))

    def senses_of(self, text: str) -> tuple[Sense, ...]:
        """What a text may mean as a name, the first the likeliest; () if it is none."""
        return self._senses_of(words_of(self.nlp.make_doc(plain(text))))

    def _senses_of(self, words: list[str]) -> tuple[Sense, ...]:
        key = " ".join(words)
        return self._by_tokens.get(key) or self._by_tokens.get(key.lower(), ())

    def _has_parts(self, senses: tuple[Sense, ...]) -> bool:
        return senses[0].kind != DECOY and not (senses[0].kind == SURE and senses[0].index in self._served)

    def _is_part(self, senses: tuple[Sense, ...], doc: Doc, start: int, end: int) -> bool:
        words = words_of(doc)
        joined = "-" in (words[start - 1] if start else "", words[end] if end < len(words) else "")
        return senses[0].index in self._served and (senses[0].kind == SURE or (senses[0].kind == SEAT and joined))

    def _surfaces(self) -> Iterator[tuple[str, Sense]]:
        for i, spec in enumerate(self.specs):
            short = set(spec.short_names)
            for surface in (spec.name, *spec.aliases, *spec.stands_for):
                if surface not in short:
                    yield surface, Sense(i, SURE)
            for kind, surfaces in ((SEAT, spec.seats), (SHORT, spec.short_names), (DECOY, spec.decoys)):
                for surface in surfaces:
                    yield surface, Sense(i if kind != DECOY else -1, kind)

    def _add(self, surface: str, sense: Sense) -> None:
        """Sure names win over seats, these over decoys, these over short names, which may share a surface."""
        held = self.senses.get(surface, ())
        if not held or RANK[sense.kind] <= RANK[held[0].kind]:
            self.senses[surface] = (*held, sense) if held and sense.kind == held[0].kind == SHORT else (sense,)


def english_tokenizer() -> Language:
    """spaCy's English tokenizer, which also parts "U.S.-led" and "Xi/Modi"."""
    nlp = spacy.blank("en")
    infixes = [*nlp.Defaults.infixes, r"(?<=[A-Za-z.])-(?=[A-Za-z])", r"(?<=[A-Za-z])/(?=[A-Za-z])"]  # type: ignore[misc]
    tokenizer = nlp.tokenizer
    assert isinstance(tokenizer, Tokenizer)
    tokenizer.infix_finditer = compile_infix_regex(infixes).finditer
    return nlp


def actor_id(spec: ActorSpec) -> str:
    """The id of the list, else one made from the name: "name:northern-rebels"."""
    return spec.id or name_id(spec.name)


def name_id(name: str) -> str:
    """ "name:" and the name in lower case letters, digits and hyphens."""
    ascii_name = unicodedata.normalize("NFKD", plain(name)).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")
    return "name:" + (slug or hashlib.sha256(name.encode()).hexdigest()[:12])


def office_of(spec: ActorSpec, day: date) -> Office | None:
    """The office held on the day, the one begun last if there are several, None if none is."""
    held = [o for o in spec.offices if (o.since is None or o.since <= day) and (o.until is None or day < o.until)]
    return max(held, key=lambda o: o.since or date.min) if held else None
