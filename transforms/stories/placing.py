"""Where a report belongs: which entry it repeats, or which open story it reports on.

A report belongs to the open story it has the highest affinity to, half of it to the nearest of the story's reports and
half to all of them on average; less if the story has been silent for hours. The nearest alone would chain a whole crisis
into one story, the average alone would lose a story that moves on. The more reports there are that it might have been near
to by chance, the nearer it must be.

The numbers were chosen in the middle of plateaus, on one month of titles about one subject (1,300 in 250 stories), two
months of headlines of a crisis and its recording in `watches/`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from schemas.records import MICROSECOND
from schemas.watch import Folding
from transforms.stories.affinity import Features, cosine
from transforms.stories.members import Member, Members
from transforms.stories.wording import resemblance

HOUR = timedelta(hours=1) // MICROSECOND
DAY = 24 * HOUR
NEIGHBOURS = 40  # members looked at more closely
SILENCE = 0.2  # affinity that a day of silence takes away ...
LONGEST_SILENCE = 0.5  # ... days; a development announced for next week is not less itself then
CROWD = 0.025  # affinity that a report needs more for each e-fold of open reports
STANDING = 20  # the latest reports of a story stand for it
SAME_PAGE = 0.3  # cosine: below it, the same address does not mean the same article
LONG_BODY = 12  # runs of words: a shorter body may be a formula ("Follow live updates")
SAME_BODY = 0.6  # resemblance of bodies under different headlines
SAME_WORDING = 0.5  # resemblance of title and body together


@dataclass(frozen=True)
class Place:
    """relation, story and original as in Report; `story_id` is "" for a new story."""

    relation: str
    story_id: str = ""
    duplicate_of: str | None = None
    similarity: float = 0.0


def place(features: Features, time: int, members: Members, folding: Folding) -> Place:
    """The place of an entry that the fold has not seen. Ties go to the earlier entry, then to the smaller id."""
    horizon = folding.horizon_hours * HOUR
    near = [m for m in members.near(features, NEIGHBOURS) if abs(time - m.time) <= horizon]
    pages = [m for m in members.of_article(features.wording.article) if abs(time - m.time) <= horizon]
    copied = _copied(features, near, pages, folding.same_text)
    if copied is not None:
        original = copied.duplicate_of or copied.entry_id
        return Place("duplicate", copied.story_id, original, cosine(features, copied.features))
    return _nearest_story(features, time, near, members, folding.same_story) or Place("new")


def _copied(features: Features, near: Iterable[Member], pages: Iterable[Member], same_text: float) -> Member | None:
    """The earliest entry that the wording repeats."""
    copied = [m for m in pages if cosine(features, m.features) >= SAME_PAGE]
    copied += [m for m in near if _repeats(features, m.features, same_text)]
    return min(copied, key=lambda m: (m.time, m.entry_id), default=None)


def _repeats(a: Features, b: Features, same_text: float) -> bool:
    ours, theirs = a.wording, b.wording
    if ours.numbers != theirs.numbers:  # the same words with another number are news
        return False
    similarity = cosine(a, b)
    long = min(len(ours.body), len(theirs.body)) >= LONG_BODY
    if long and resemblance(ours.body, theirs.body) >= SAME_BODY:
        return similarity >= SAME_PAGE
    return similarity >= same_text and resemblance(ours.shingles, theirs.shingles) >= SAME_WORDING


def _nearest_story(features: Features, time: int, near: Iterable[Member], members: Members, same_story: float) -> Place | None:
    affinity = members.affinity(features)
    best: tuple[float, str, Member] | None = None
    for story_id in sorted({m.story_id for m in near}):
        story = members.of_story(story_id)
        reports = _standing_for(story)
        nearness = affinity.of([m.features for m in reports])
        peak = max(nearness)
        silence = min(abs(time - m.time) for m in story) / DAY
        value = round((peak + sum(nearness) / len(nearness)) / 2 - SILENCE * min(silence, LONGEST_SILENCE), 5)
        if best is None or value > best[0]:
            best = value, story_id, reports[nearness.index(peak)]
    if best is None or best[0] < same_story + CROWD * math.log1p(members.reports):
        return None
    return Place("report", best[1], None, cosine(features, best[2].features))


def _standing_for(story: list[Member]) -> list[Member]:
    own = [m for m in story if m.duplicate_of is None]
    return (own or story)[-STANDING:]
