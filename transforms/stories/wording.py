"""What an entry's words look like to the fold: which words, numbers, days and actors, which runs of words, which article."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from urllib.parse import urlsplit

from schemas import Actor, Entry
from transforms.embedding.lead import headline
from transforms.stories.days import days_named
from transforms.stories.numbers import numbers_named

SHINGLE = 4  # words in a run; long enough that two reporters rarely share one, short enough to survive an editor
MAX_SHINGLES = 400
MAX_WORDS = 80
LONG_BODY = 12  # shingles; a shorter body may be a formula ("Follow live updates")
SMALL_NUMBER = 12  # a number up to it may be written as a word, and counts many things

_WORD = re.compile(r"\w+(?:[.,]\d+)*")
_POSSESSIVE = re.compile(r"['’]s\b")
_ID = re.compile(r"(?<!\d)(?!(?:19|20)\d{6}(?!\d))\d{6,}")
_LITTLE_WORDS = """
a about after all also am amid an and any are as at be been before but by can could did do does for from had has have he
her here him his how i if in into is it its just may more most my new no not now of off on one or our out over said say
says she should so than that the their them then there these they this those to under until up us was we were what when
where which while who why will with would you your
"""
_FUNCTION_WORDS = frozenset(_LITTLE_WORDS.split())
_NEGATION = re.compile(r"\b(?:not|no|never|nobody|none|without|cannot|den(?:y|ies|ied)|false)\b|n['’]t\b")
_ENDINGS = ("ing", "ed", "es", "s")


@dataclass(frozen=True)
class Wording:
    """An entry's wording.

    words      stems of title and lead, without function words
    shingles   hashes of the runs of SHINGLE words of headline, summary and text
    body       the same of summary and text alone (a copy may have a headline of its own)
    numbers    those of title and summary (see numbers_named)
    stated     those that a copy has too: of the summary if it is long, else of the headline as well
    negations  words that turn a statement round, of the body if it is long, else of the headline as well
    days       that title and summary name (see days_named)
    actors     names of those in the entry
    article    what tells the page from others, "" if the address does not
    """

    words: frozenset[str]
    shingles: frozenset[int]
    body: frozenset[int]
    numbers: frozenset[str]
    stated: frozenset[str]
    negations: frozenset[str]
    days: frozenset[int]
    actors: frozenset[str]
    article: str

    @cached_property
    def quantities(self) -> frozenset[str]:
        """The numbers that tell a development from another: troops, sums, years; not "two calls"."""
        return frozenset(n for n in self.numbers if len(n) > 2 or int(n) > SMALL_NUMBER)


def wording_of(entry: Entry, title_and_lead: str, actors: Iterable[Actor] = ()) -> Wording:
    """The wording of an entry in which `actors` were found; `title_and_lead` is what its vector stands for."""
    told = f"{entry.title} {entry.summary}"
    body_text = f"{entry.summary} {entry.text}".strip()
    whole = f"{headline(entry.title)} {body_text}"
    body = _shingles(body_text)
    decisive = body_text if len(body) >= LONG_BODY else whole
    return Wording(
        words=frozenset(words_of(title_and_lead)),
        shingles=_shingles(whole),
        body=body,
        numbers=numbers_named(told),
        stated=numbers_named(entry.summary if len(_shingles(entry.summary)) >= LONG_BODY else told),
        negations=frozenset(word[:3] for word in _NEGATION.findall(decisive.lower())),  # "denies" is "denied"
        days=days_named(told, entry.time),
        actors=frozenset(actor.name for actor in actors),
        article=article_of(entry.url),
    )


def words_of(text: str) -> list[str]:
    """Stems of the words that carry meaning, in order, at most MAX_WORDS."""
    words = _WORD.findall(_POSSESSIVE.sub("", text.lower()))
    return [_stem(w) for w in words if w not in _FUNCTION_WORDS][:MAX_WORDS]


def article_of(url: str) -> str:
    """The page that a URL names, "" if it does not tell one from the outlet's others.

    A path with an id in it (six digits that are no date) names the article on all domains of an outlet. Another path of three
    hyphens or six digits names it on one site: two outlets call their live pages alike. The query does not count, for feeds
    add tracking parameters; a fragment does (a post of a live page) unless it is one.
    """
    try:
        parts = urlsplit(url.lower())
        host = parts.hostname or ""
    except ValueError:
        return ""
    path = re.sub(r"/(?:index\.\w+)?$", "", parts.path)
    post = f"#{parts.fragment}" if parts.fragment and "=" not in parts.fragment else ""
    if _ID.search(path):
        return path + post
    named = re.search(r"[a-z][^/]*$", path) and (sum(c.isdigit() for c in path) >= 6 or path.count("-") >= 3)
    return _site(host) + path + post if named else ""


def _site(host: str) -> str:
    """The domain that an outlet registers: of "edition.plain.example" the last two names, of "plain.co.uk" the last three."""
    names = host.removeprefix("www.").split(".")
    return ".".join(names[-3:] if len(names[-1]) == 2 and len(names[-2:][0]) <= 3 else names[-2:])


def resemblance(a: frozenset[int], b: frozenset[int]) -> float:
    """Jaccard resemblance of two sets of shingles (Broder 1997), 0 if one is empty."""
    if not a or not b:
        return 0.0
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _shingles(text: str) -> frozenset[int]:
    words = _WORD.findall(text.lower())[: MAX_SHINGLES + SHINGLE - 1]
    if not words:
        return frozenset()
    runs = (words[i : i + SHINGLE] for i in range(max(1, len(words) - SHINGLE + 1)))
    return frozenset(int.from_bytes(blake2b(" ".join(run).encode(), digest_size=6).digest()) for run in runs)
