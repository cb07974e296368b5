"""Where a report belongs: which entry it repeats (see copying.py), or which open story it reports on.

A report belongs to the open story it has the highest affinity to, half of it to the nearest of the story's reports and
half to all of them on average; less if the story has been silent for hours. The nearest alone would chain a whole crisis
into one story, the average alone would lose a story that moves on. The more reports there are that it might have been near
to by chance, the nearer it must be.

The numbers were chosen in the middle of plateaus, on one month of titles about one subject (1,300 in 250 stories), two
months of headlines of a crisis, its recording in `watches/` and the hard cases in `tests/data/stories`;
`benchmarks/stories_ablation.py` shows the plateaus.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import NamedTuple

from schemas.records import MICROSECOND
from schemas.report import Comparison
from schemas.watch import Folding
from transforms.stories.affinity import Affinity, Features, Nearness, cosine
from transforms.stories.copying import alike, copied, is_copy, same_page
from transforms.stories.members import Member, Members

HOUR = timedelta(hours=1) // MICROSECOND
DAY = 24 * HOUR
NEIGHBOURS = 40  # members looked at more closely
SILENCE = 0.15  # affinity that a day of silence takes away ...
LONGEST_SILENCE = 1.5  # ... days; a development announced for next week is not less itself then
CROWD = 0.025  # affinity that a report needs more for each e-fold of open reports
STANDING = 20  # the latest reports of a story stand for it

TOLD_STORIES = 4  # nearest stories that the record tells of
TOLD_WORDS = 6
FEW_ACTORS = 0.5  # share of actors that the record calls "against"


@dataclass(frozen=True)
class Place:
    """relation, story_id, duplicate_of, similarity and compared as in Report.

    story_id  "" for a new story
    also      another open story that the report belongs to as much as to its own, "" if there is none
    """

    relation: str
    story_id: str = ""
    duplicate_of: str | None = None
    similarity: float = 0.0
    compared: tuple[Comparison, ...] = ()
    also: str = ""


class Candidate(NamedTuple):
    """An open story and how near a report is to it. `nearest`: the story's report nearest to it, `parts` of that nearness."""

    story_id: str
    affinity: float
    nearest: Member
    parts: Nearness
    silence: float


def place(features: Features, time: int, members: Members, folding: Folding) -> Place:
    """The place of an entry that the fold has not seen. Ties go to the smaller id."""
    horizon = folding.horizon_hours * HOUR
    near = [m for m in members.near(features, NEIGHBOURS) if abs(time - m.time) <= horizon]
    pages = [m for m in members.of_article(features.wording.article) if abs(time - m.time) <= horizon]
    affinity = members.affinity(features)
    needed = least_affinity(members, folding)
    original = copied(features, time, near, pages, folding.same_text)
    if original is not None:
        (parts,) = affinity.of([original.features])
        candidate = Candidate(original.story_id, parts.value, original, parts, abs(time - original.time) / DAY)
        told = (_comparison(features, candidate, "duplicate", needed, affinity),)
        root = original.duplicate_of or original.entry_id
        return Place("duplicate", original.story_id, root, cosine(features, original.features), told)
    found = _candidates(time, near, members, affinity)
    joined = bool(found) and found[0].affinity >= needed
    compared = tuple(
        _comparison(features, candidate, "report" if joined and n == 0 else "apart", needed, affinity)
        for n, candidate in enumerate(found[:TOLD_STORIES])
    )
    if not joined:
        return Place("new", compared=compared)
    also = found[1].story_id if len(found) > 1 and found[1].affinity >= needed else ""
    best = found[0]
    return Place("report", best.story_id, None, cosine(features, best.nearest.features), compared, also)


def updated(
    features: Features, time: int, at: Place, before: Member | None, original: Member | None, members: Members, folding: Folding
) -> Place:
    """The place of a new version of an entry: it stays in its story, and is judged against the version it replaces.

    at        where the versions before stand: their story, and what they repeat
    before    the version it replaces, None if that is past the horizon
    original  the entry that the versions before repeated: an edit that does not repeat it any more is a report of its own
    """
    if original is not None and not is_copy(features, original.features, folding.same_text):
        at = replace(at, duplicate_of=None)
    if before is None:
        return replace(at, relation="update")
    affinity = members.affinity(features)
    (parts,) = affinity.of([before.features])
    candidate = Candidate(at.story_id, parts.value, before, parts, abs(time - before.time) / DAY)
    told = (_comparison(features, candidate, "version", least_affinity(members, folding), affinity),)
    return replace(at, relation="update", similarity=cosine(features, before.features), compared=told)


def least_affinity(members: Members, folding: Folding) -> float:
    """What a report needs to belong to a story."""
    return round(folding.same_story + CROWD * math.log1p(members.reports), 5)


def standing_for(story: Sequence[Member]) -> list[Member]:
    """The members that a story is judged by: the latest of its own reports, or of copies if it has no others left."""
    own = [m for m in story if m.duplicate_of is None]
    return list(own or story)[-STANDING:]


def _candidates(time: int, near: Iterable[Member], members: Members, affinity: Affinity) -> list[Candidate]:
    """The stories of the neighbours, the nearest first."""
    stories = {story_id: members.of_story(story_id) for story_id in sorted({m.story_id for m in near})}
    if not stories:
        return []
    standing = {story_id: standing_for(story) for story_id, story in stories.items()}
    every = iter(affinity.of([m.features for reports in standing.values() for m in reports]))
    found = []
    for story_id, reports in standing.items():
        nearness = list(islice(every, len(reports)))
        values = [n.value for n in nearness]
        peak = max(values)
        silence = min(abs(time - m.time) for m in stories[story_id]) / DAY
        value = (peak + math.fsum(values) / len(values)) / 2 - SILENCE * min(silence, LONGEST_SILENCE)
        at = values.index(peak)
        found.append(Candidate(story_id, round(value, 5), reports[at], nearness[at], silence))
    return sorted(found, key=lambda c: (-c.affinity, c.story_id))


def _comparison(features: Features, candidate: Candidate, verdict: str, needed: float, affinity: Affinity) -> Comparison:
    ours, theirs, parts = features.wording, candidate.nearest.features.wording, candidate.parts
    against = {
        "actors": parts.actors < FEW_ACTORS,
        "numbers": parts.quantities_differ,
        "days": parts.days_differ,
        "silence": candidate.silence > 1,
    }
    return Comparison(
        entry_id=candidate.nearest.entry_id,
        story_id=candidate.story_id,
        verdict=verdict,
        affinity=candidate.affinity,
        needed=needed,
        cosine=cosine(features, candidate.nearest.features),
        centred=parts.centred,
        resemblance=alike(features, candidate.nearest.features),
        same_page=same_page(features, candidate.nearest.features),
        words=parts.words,
        shared_words=tuple(affinity.rarest(ours.words & theirs.words)[:TOLD_WORDS]),
        actors=parts.actors,
        shared_actors=tuple(sorted(ours.actors & theirs.actors)),
        shared_numbers=tuple(sorted(ours.numbers & theirs.numbers)),
        against=tuple(name for name, speaks in against.items() if speaks),
        hours=round(candidate.silence * 24, 2),
    )
