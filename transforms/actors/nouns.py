"""Nouns that mean an actor once the entry has named it: "Nato ... the alliance", "the EU ... the 27-nation bloc"."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from spacy.tokens import Doc

from transforms.actors.english import words_of
from transforms.actors.lexicon import Lexicon, Name

REACH = 4  # tokens between "the" and the noun ("the 30 - nation military alliance")
ARTICLES = frozenset({"the", "this"})
ANOTHER = frozenset({"of", "between", "with", "against"})  # after the noun: "the alliance between France and Spain"


class Nouns:
    """The nouns of the actors of a lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._actors: defaultdict[str, set[int]] = defaultdict(set)
        for i, spec in enumerate(lexicon.specs):
            for noun in spec.nouns:
                self._actors[noun].add(i)

    def find(self, field: str, doc: Doc, named: Iterable[int]) -> Iterator[tuple[int, Name]]:
        """(index of the actor, its noun with the article) in a field of an entry that names the actors `named`.

        A noun of two actors of the entry means neither.
        """
        meant = {noun: hit for noun, actors in self._actors.items() if len(hit := actors.intersection(named)) == 1}
        words = [word.lower() for word in words_of(doc)] if meant else []
        for end, word in enumerate(words):
            if word not in meant or "".join(words[end + 1 : end + 2]) in ANOTHER:
                continue
            start = next((i for i in range(end - 1, max(-1, end - 2 - REACH), -1) if words[i] in ARTICLES), None)
            if start is not None and _one_phrase(words_of(doc)[start + 1 : end]):
                (index,) = meant[word]
                yield index, Name(field, doc, start, end + 1, ())


def _one_phrase(words: list[str]) -> bool:
    """Whether words and hyphens alone stand between: "the 27-nation bloc", not "the minister, a bloc"."""
    return all(word == "-" or (word.isalnum() and not word[:1].isupper()) for word in words)
