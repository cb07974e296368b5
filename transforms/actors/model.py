"""Names that a statistical spaCy model adds to those of the lists, where one is installed."""

from __future__ import annotations

from collections.abc import Iterator

import spacy

from schemas.entry import Entry
from schemas.report import Actor, Mention
from transforms.actors.lexicon import name_id

KINDS = {"PERSON": "person", "ORG": "organization", "GPE": "state"}
FIELDS = ("title", "summary", "text")


class ModelNames:
    """The persons, organisations and states that the model sees. OSError if the model is not installed."""

    def __init__(self, model: str) -> None:
        self.nlp = spacy.load(model, exclude=["tagger", "parser", "senter", "attribute_ruler", "lemmatizer"])

    def find(self, entry: Entry, known: list[Mention]) -> list[Actor]:
        """An actor for each name of the entry that overlaps none of the known mentions."""
        with self.nlp.memory_zone():
            return [actor for field in FIELDS for actor in self._in_field(entry, field, known)]

    def _in_field(self, entry: Entry, field: str, known: list[Mention]) -> Iterator[Actor]:
        spans = [(m.start, m.end) for m in known if m.field == field]
        for ent in self.nlp(getattr(entry, field)).ents:
            if ent.label_ in KINDS and not any(ent.start_char < b and a < ent.end_char for a, b in spans):
                mention = Mention(field, ent.start_char, ent.end_char, ent.text)
                yield Actor(name_id(ent.text), ent.text, KINDS[ent.label_], "", "", (), (mention,))
