"""Whether an entry repeats the wording of another: the judgement "duplicate", apart from that on stories.

A copy is another version of one article (the same page, under any headline), or near-identical wording of one report (wire
copy). The same words with another number, of another day, or turned round by a "not", are news; so are a few
words that come again another day, for "Two soldiers wounded" is soon true of something else.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from schemas.records import MICROSECOND
from transforms.stories.affinity import Features, cosine
from transforms.stories.members import Member
from transforms.stories.wording import LONG_BODY, resemblance

SAME_PAGE = 0.45  # cosine: below it, what stands at one address is no version of one article (a live page, a daily column)
SAME_MATTER = 0.3  # cosine: below it, the same body under different headlines is a formula
SAME_BODY = 0.6  # resemblance of bodies under different headlines
SAME_WORDING = 0.5  # resemblance of title and body together
BRIEF = 9  # shingles of title and body together; fewer, of up to eleven words, may be written twice of two developments ...
SOON = timedelta(hours=18) // MICROSECOND  # ... unless in the same hours; what has one headline every day comes after about 24


def copied(features: Features, time: int, near: Iterable[Member], pages: Iterable[Member], same_text: float) -> Member | None:
    """The earliest entry whose wording another of that time repeats, None if there is none. Ties go to the smaller id.

    near   members whose vectors are near; pages: those at the same address
    """
    found = [m for m in pages if same_page(features, m.features)]
    found += [m for m in near if repeats(features, m.features, same_text, abs(time - m.time) <= SOON)]
    return min(found, key=lambda m: (m.time, m.entry_id), default=None)


def is_copy(features: Features, original: Features, same_text: float) -> bool:
    """Whether an entry that was a copy of a certain other one still repeats it, however late it is edited."""
    return same_page(features, original) or repeats(features, original, same_text)


def alike(a: Features, b: Features) -> float:
    """How much of the wording is the same, 0..1: of the bodies alone if they are long, else with the headlines."""
    ours, theirs = a.wording, b.wording
    long = min(len(ours.body), len(theirs.body)) >= LONG_BODY
    bodies = resemblance(ours.body, theirs.body) if long else 0.0
    return round(max(bodies, resemblance(ours.shingles, theirs.shingles)), 5)


def same_page(a: Features, b: Features) -> bool:
    """Whether both stand at one address, and could be one article."""
    return a.wording.article != "" and a.wording.article == b.wording.article and cosine(a, b) >= SAME_PAGE


def repeats(a: Features, b: Features, same_text: float, soon: bool = True) -> bool:
    """Whether the wording is near-identical. `soon`: the two came within SOON of each other, as copies of a few words do."""
    ours, theirs = a.wording, b.wording
    if ours.stated != theirs.stated or ours.negations != theirs.negations:
        return False
    if ours.days and theirs.days and ours.days.isdisjoint(theirs.days):
        return False
    if not soon and min(len(ours.shingles), len(theirs.shingles)) < BRIEF:
        return False
    similarity = cosine(a, b)
    long = min(len(ours.body), len(theirs.body)) >= LONG_BODY
    if long and resemblance(ours.body, theirs.body) >= SAME_BODY:
        return similarity >= SAME_MATTER
    return similarity >= same_text and resemblance(ours.shingles, theirs.shingles) >= SAME_WORDING
