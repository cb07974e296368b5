"""Persons that no list knows: a title in front of a name, or a post after it, makes one a person in public affairs.

    Foreign Minister Jane Roe ...          title, name
    ... US special envoy to Iran John Roe  title, whereto, name
    John Roe, a former ambassador, ...     name, post

Later mentions by the surname alone are the same person.
"""

from __future__ import annotations

from dataclasses import dataclass

from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc

from transforms.actors.english import STOP, English, title_case, words_of
from transforms.actors.lexicon import Lexicon, Name

LONGEST_NAME = 4  # words
POST_REACH = 7  # tokens: "Jane Roe, a former deputy foreign minister"
REPORTERS = frozenset({"'s", "reporter", "correspondent", "editor", "by"})


@dataclass(frozen=True)
class Stranger:
    """A person found by form alone: where, what the text calls its office, and the state named before the title."""

    name: Name
    role: str
    state: int | None


class Strangers:
    """Finds persons by their titles and posts."""

    def __init__(self, lexicon: Lexicon, words: English) -> None:
        self.words = words
        self.titles = PhraseMatcher(lexicon.nlp.vocab, attr="LOWER")
        self.titles.add("title", [lexicon.nlp.make_doc(form) for t in words.titles for form in (t, t.title())])
        self._lone = {t for t in words.titles if " " not in t}

    def find(self, field: str, doc: Doc, known: list[Name]) -> list[Stranger]:
        """The strangers of a field in order. `known`: the names of actors of the lists in it; none of them is a stranger."""
        if field == "title" and title_case(doc):
            return []  # every word of such a headline looks like a name
        taken = {i: n for n in known for i in range(n.start, n.end)}
        found = self._after_titles(field, doc, taken)
        seen = {i for s in found for i in range(s.name.start, s.name.end)}
        return sorted(found + self._before_posts(field, doc, taken, seen), key=lambda s: s.name.start)

    def surnames(self, field: str, doc: Doc, known: list[Name], strangers: list[Stranger]) -> list[tuple[Stranger, Name]]:
        """Where the field names one of the strangers by the surname alone."""
        simple = [s for s in strangers if s.name.doc[s.name.end - 2].text != "-"]  # "hwan" alone is nobody
        by_surname = {s.name.doc[s.name.end - 1].text: s for s in reversed(simple)}
        taken = {i for n in [*known, *(s.name for s in strangers if s.name.field == field)] for i in range(n.start, n.end)}
        hits = [(by_surname[word], i) for i, word in enumerate(words_of(doc)) if word in by_surname and i not in taken]
        return [(s, Name(field, doc, i, i + 1, ())) for s, i in hits if not self._is_word(doc, i - 1)]

    def _after_titles(self, field: str, doc: Doc, taken: dict[int, Name]) -> list[Stranger]:
        found: dict[int, Stranger] = {}
        longest = {end: start for _, start, end in sorted(self.titles(doc), key=lambda m: -m[1])}
        for end, start in longest.items():
            begin = self._whereto(doc, end, taken)
            stop = self._name_end(doc, begin, taken)
            if stop - begin < 2:
                continue
            state = taken.get(start - 2 if start > 1 and words_of(doc)[start - 1] == "'s" else start - 1)
            role = doc[state.start if state else start : begin].text.rstrip(" ,")
            found.setdefault(begin, Stranger(Name(field, doc, begin, stop, ()), role, _index(state)))
        return list(found.values())

    def _before_posts(self, field: str, doc: Doc, taken: dict[int, Name], seen: set[int]) -> list[Stranger]:
        found = []
        words, next_name = words_of(doc), 0
        for i in range(len(words)):
            if i < next_name or not words[i][0].isupper():
                continue
            stop = next_name = self._name_end(doc, i, taken)
            if stop - i >= 2 and stop < len(words) and words[stop] == "," and i not in seen and not self._reporter(doc, i):
                post = self._post(doc, stop + 1, taken)
                if post:
                    found.append(Stranger(Name(field, doc, i, stop, ()), post, None))
        return found

    def _post(self, doc: Doc, start: int, taken: dict[int, Name]) -> str:
        """The words from `start` up to a post, "" if there is none before the next comma, verb or name."""
        for i in range(start, min(start + POST_REACH, len(doc))):
            word = words_of(doc)[i]
            if word.lower() in self.words.posts:
                named = i + 1 < len(doc) and (i + 1 in taken or words_of(doc)[i + 1][:1].isupper())
                return "" if named else doc[start : i + 1].text  # "..., President Xi" begins the next name
            if (
                not word[0].isalpha()
                or word in ("says", "said")
                or (word in STOP and word not in ("the", "a", "an", "former", "first", "last"))
            ):
                return ""
        return ""

    def _whereto(self, doc: Doc, end: int, taken: dict[int, Name]) -> int:
        """The token after "for Iran" or "to the United Nations" or a comma that may stand between title and name."""
        if end < len(doc) and words_of(doc)[end] == ",":
            return end + 1
        if end < len(doc) and words_of(doc)[end] in ("to", "for", "of"):
            i = end + 1 + (doc[end + 1 : end + 2].text == "the")
            if i in taken:
                return taken[i].end
        return end

    def _name_end(self, doc: Doc, start: int, taken: dict[int, Name]) -> int:
        """The end of the words from `start` that look like a person's name, `start` if none do."""
        end = i = start
        while i < len(doc) and i - start < LONGEST_NAME * 2 and i not in taken:
            word = words_of(doc)[i]
            if self._is_word(doc, i) and word not in self.words.not_names:
                end = i = i + 1
            elif i > start and word == "-" and not doc[i - 1].whitespace_ and not doc[i].whitespace_ and i + 1 < len(doc):
                end = i = i + 2  # "Chun Doo-hwan"
            elif i > start and (word.lower() in self.words.particles or (word == "." and len(words_of(doc)[i - 1]) == 1)):
                i += 1
            else:
                break
        return end if self._plausible(doc, start, end, taken) else start

    def _plausible(self, doc: Doc, start: int, end: int, taken: dict[int, Name]) -> bool:
        """Not the front of a longer name, and the first word is not merely the first of a sentence."""
        if end <= start:
            return False
        after = words_of(doc)[end] if end < len(doc) else ""
        return not (
            end in taken
            or after in self.words.not_names
            or words_of(doc)[start].lower() in STOP
            or words_of(doc)[start].lower() in self._lone
        )

    @staticmethod
    def _is_word(doc: Doc, i: int) -> bool:
        if i < 0:
            return False
        word = words_of(doc)[i]
        letters = word.replace("'", "").replace(".", "")
        return (
            word[:1].isupper()
            and letters.isalpha()
            and (len(word) > 1 or i + 1 < len(doc))
            and not (len(letters) > 3 and word.isupper())
        )

    @staticmethod
    def _reporter(doc: Doc, i: int) -> bool:
        return i > 0 and doc[i - 1].lower_ in REPORTERS


def _index(state: Name | None) -> int | None:
    return state.senses[0].index if state else None
