"""When two open stories turn out to be one.

Early reports of a development may found two stories: one outlet writes of the sirens, another of the decree. A later report
that belongs to both is the occasion to ask again, now with more to go by: the stories are one if their reports are as near to
one another, each to its nearest and all on average, as a report must be to its story. The older story goes on under its own
id and takes the other's reports; the other's id stays in what was published, and leads to it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from schemas.story import Claim, Judgement, Story
from transforms.stories.claims import MAX_CLAIMS
from transforms.stories.members import Member, Members
from transforms.stories.placing import standing_for
from transforms.stories.revision import MAX_ACTORS, MAX_ENTRIES, MAX_OUTLETS, Thread

FEWEST = 2  # reports, the new one among them, on each side
MAX_ABSORBED = 100  # ids kept of the stories that a story took in


def are_one(joined: Sequence[Member], other: Sequence[Member], members: Members, needed: float) -> bool:
    """Whether the stories of two lists of members are one. The members are the stories' all, the new report's with them."""
    ours, theirs = standing_for(joined), standing_for(other)
    if min(len(ours), len(theirs)) < FEWEST:
        return False
    features = [m.features for m in theirs]
    values = [[n.value for n in members.affinity(m.features).of(features)] for m in ours]
    nearest = (_mean([max(row) for row in values]) + _mean([max(column) for column in zip(*values, strict=True)])) / 2
    overall = _mean([value for row in values for value in row])
    return round((nearest + overall) / 2, 5) >= needed


def older(a: Story, b: Story) -> tuple[Story, Story]:
    """The two stories, the one that began first (or has the smaller id) first."""
    first, second = sorted((a, b), key=lambda story: (story.first_time, story.id))
    return first, second


def merged(kept: Thread, absorbed: Thread) -> Thread:
    """The older story with all that the other one said. What either had said is not new to it, and what either's quiet hours
    held back is still owed."""
    story, other = kept.story, absorbed.story
    named: Counter[str] = Counter()
    for part in (story, other):
        named.update({a.id: n for a, n in zip(part.actors, part.named, strict=True)})
    actors = {a.id: a for a in (*other.actors, *story.actors)}
    by_count = tuple(sorted(actors.values(), key=lambda a: (-named[a.id], a.id))[:MAX_ACTORS])
    alerted = [s.alerted_at for s in (story, other) if s.alerted_at is not None]
    record = replace(
        story,
        title=other.title if absorbed.said > kept.said else story.title,
        last_time=max(story.last_time, other.last_time),
        entries=tuple(sorted((*story.entries, *other.entries), key=lambda e: e.time)[-MAX_ENTRIES:]),
        entry_count=story.entry_count + other.entry_count,
        origin_count=story.origin_count + other.origin_count,
        outlets=tuple(dict.fromkeys((*story.outlets, *other.outlets)))[:MAX_OUTLETS],
        actors=by_count,
        named=tuple(named[a.id] for a in by_count),
        claims=_claims(story, other),
        alerted_rank=max(story.alerted_rank, other.alerted_rank),
        alerted_at=max(alerted, default=None),
        alerts=story.alerts + other.alerts,
        reached_rank=max(story.reached_rank, other.reached_rank),
        judgement=_holding(story.judgement, other.judgement),
        absorbed=(*story.absorbed, *other.absorbed, other.id)[-MAX_ABSORBED:],
    )
    return Thread(record, max(kept.said, absorbed.said))


def with_final_ids(stories: Mapping[str, Story]) -> dict[str, Story]:
    """Stories by id, each with the id it goes on under: its own, or that of the story which absorbed it in the end."""
    absorbed_by = {absorbed: story.id for story in stories.values() for absorbed in story.absorbed}

    def final(story_id: str) -> str:
        for _ in absorbed_by:  # a story that took in others may be taken in itself
            story_id = absorbed_by.get(story_id, story_id)
        return story_id

    return {story_id: replace(story, final_id=final(story_id)) for story_id, story in stories.items()}


def _claims(story: Story, other: Story) -> tuple[Claim, ...]:
    by_key = {claim.key: claim for claim in story.claims}
    for claim in other.claims:
        known = by_key.get(claim.key)
        if known is not None:
            outlets = tuple(dict.fromkeys((*known.outlets, *claim.outlets)))
            by_key[claim.key] = replace(known, outlets=outlets)
        elif len(by_key) < MAX_CLAIMS:
            by_key[claim.key] = replace(claim, revision=min(claim.revision, story.revision))
    return tuple(by_key.values())


def _holding(ours: Judgement | None, theirs: Judgement | None) -> Judgement | None:
    if ours is None or theirs is None:
        return ours or theirs
    return replace(ours, held=tuple(sorted({*ours.held, *theirs.held})))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
