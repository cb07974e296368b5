"""How English news names actors: the words that the rules of this package look for (english.yaml)."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar, cast

from spacy.lang.en.stop_words import STOP_WORDS
from spacy.tokens import Doc

from schemas.config import Settings, read_yaml
from schemas.watch import Sector

T = TypeVar("T")
STOP = frozenset(STOP_WORDS)
OF_TITLES = frozenset({"under", "first"})  # stop words that tell one office from another


class Scene(Settings):
    """A subject in which states are teams or places, not actors: sport, accidents.

    patterns, signs  regular expressions and words of which one tells the subject
    unless           words that make it public affairs all the same
    """

    name: str
    patterns: tuple[str, ...] = ()
    signs: tuple[str, ...]
    unless: tuple[str, ...]

    @functools.cached_property
    def _told(self) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str] | None]:
        any_case = [
            re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", re.I) for words in (self.signs, self.unless)
        ]
        return any_case[0], any_case[1], re.compile("|".join(self.patterns)) if self.patterns else None

    @functools.cached_property
    def _first_words(self) -> frozenset[str]:
        return frozenset(re.findall(r"\w+", sign.lower())[0] for sign in self.signs)

    def fits(self, text: str, words: set[str]) -> bool:
        """Whether the text, whose words in lower case are `words`, is of the subject."""
        sign, unless, pattern = self._told
        told = not self._first_words.isdisjoint(words) and sign.search(text)  # spares most texts the search
        return bool((told or (pattern and pattern.search(text))) and not unless.search(text))


class Body(Settings):
    """A body that most states have: "Ministry of Defence", and the words for it after a state's name."""

    name: str
    kind: Literal["government", "military"]
    words: tuple[str, ...]


class SectorRule(Settings):
    """Words in the title of an office that tell its sector (regular expressions, any capitals)."""

    sector: Sector
    words: tuple[str, ...]


class English(Settings):
    """The words of english.yaml.

    other_names      after a state's name they make it another name ("Ethiopian Airlines")
    abbreviations    of words of titles
    honorifics       before a surname, they say nothing of the office
    titles           before a name they make it a person in public affairs
    posts            after a name and a comma they do the same ("Jane Roe, the former ambassador")
    particles        small words inside a name ("Mohammed bin Salman")
    not_names        capitalised words that are no part of a person's name
    forenames        before a surname they make it another person ("Michelle Obama")
    sectors          what the words of an office's title say of its sector; the first that applies, else it is GOV
    scenes, bodies   see there
    """

    other_names: frozenset[str]
    abbreviations: dict[str, str]
    honorifics: frozenset[str]
    titles: tuple[str, ...]
    posts: frozenset[str]
    particles: frozenset[str]
    not_names: frozenset[str]
    forenames: frozenset[str]
    sectors: tuple[SectorRule, ...]
    scenes: tuple[Scene, ...]
    bodies: tuple[Body, ...]

    def plain_title(self, title: str) -> str:
        """A title in small letters and in one spelling: "US Defense Sec." gives "us defence secretary"."""
        return " ".join(self.abbreviations.get(w, w) for w in re.findall(r"[a-z]+", title.lower()))

    @functools.cached_property
    def _plain_titles(self) -> tuple[str, ...]:
        return tuple(map(self.plain_title, self.titles))

    def title_in(self, office: str) -> str:
        """The longest of the titles that the office's own has in it: "US Secretary of Defense" gives "secretary of defence"."""
        words = f" {self.plain_title(office)} "
        return max((t for t in self._plain_titles if f" {t} " in words), key=len, default="")

    def title_words(self, title: str) -> set[str]:
        """The words of a title as they are compared: "Defense Sec." gives {"defence", "secretary"}."""
        words = re.findall(r"[a-z]+", title.lower())
        return set(" ".join(self.abbreviations.get(w, w) for w in words).split()) - (STOP - OF_TITLES)


def words_of(doc: Doc) -> list[str]:
    """The words of a text, noted on it: spaCy would make an object of each of them whenever it is looked at."""
    return _noted(doc, "words", lambda: [token.text for token in doc])


def title_case(doc: Doc) -> bool:
    """Whether the text is a headline Written Like This, in which capitals tell nothing of names."""
    return _noted(doc, "title case", lambda: _capitalised(words_of(doc)))


def letters_of(doc: Doc) -> tuple[int, bool]:
    """How many letters the text has, and whether one of them is small."""
    return _noted(doc, "letters", lambda: _letters("".join(words_of(doc))))


def _capitalised(words: list[str]) -> bool:
    telling = [w for w in words if w.isalpha() and len(w) > 3 and w.lower() not in STOP]
    return len(telling) > 3 and not any(w.islower() for w in telling)


def _letters(text: str) -> tuple[int, bool]:
    letters = [c for c in text if c.isalpha()]
    return len(letters), any(c.islower() for c in letters)


def _noted(doc: Doc, name: str, made: Callable[[], T]) -> T:
    if name not in doc.user_data:
        doc.user_data[name] = made()
    return cast(T, doc.user_data[name])


@functools.cache
def english() -> English:
    """The words of english.yaml, read once."""
    return read_yaml(Path(__file__).with_name("english.yaml"), English)
