"""A story's next revision: what a report adds to it."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace

from schemas import Actor, Claim, Report, Story, StoryEntry

MAX_ENTRIES = 50
MAX_ACTORS = 50
MAX_OUTLETS = 100


@dataclass(frozen=True)
class Thread:
    """An open story with what its record does not tell.

    said   signals of the entry that gave the title
    """

    story: Story
    said: int


def story_id(watch: str, entry_id: str, text: str = "") -> str:
    """Id of the story that an entry founds. `text`: the content hash, where an entry whose story is closed founds another."""
    founder = f"{entry_id}\x1f{text}" if text else entry_id
    return hashlib.sha256(f"{watch}\x1f{founder}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def founded(report: Report, claims: tuple[Claim, ...]) -> Thread:
    """The first revision of a story. The report carries its story id."""
    entry, story = report.entry, report.story_id or ""
    actors = _actors((), report.actors, Counter())
    record = Story(
        id=story,
        final_id=story,
        watch=report.watch,
        revision=1,
        title=entry.title,
        first_time=entry.time,
        last_time=entry.time,
        entries=(_entry(report),),
        entry_count=1,
        origin_count=1,
        outlets=(entry.outlet,),
        actors=actors,
        claims=claims,
        latest=entry.id,
        relation=report.relation,
        named=(1,) * len(actors),
    )
    return Thread(record, len(report.signals))


def revised(thread: Thread, report: Report, claims: tuple[Claim, ...]) -> Thread:
    """The story after one more report: an update takes the place of its former version, the others are added."""
    story, entry, update = thread.story, report.entry, report.relation == "update"
    named = Counter({actor.id: n for actor, n in zip(story.actors, story.named, strict=True)})
    if not update:
        named.update({actor.id for actor in report.actors})
    # The title of the entry that says most: a headline that says no more does not replace one that people have seen.
    better = len(report.signals) > thread.said and report.duplicate_of is None
    others = tuple(e for e in story.entries if e.id != entry.id)
    was_copy = any(e.id == entry.id and e.duplicate_of is not None for e in story.entries)
    own = report.duplicate_of is None and (was_copy or not update)  # a copy whose edit repeats nobody is a report of its own
    if update and len(others) < len(story.entries):
        entries = tuple(_entry(report) if e.id == entry.id else e for e in story.entries)
    else:
        entries = (*others, _entry(report))[-MAX_ENTRIES:]
    actors = _actors(story.actors, report.actors, named)
    record = replace(
        story,
        revision=story.revision + 1,
        title=entry.title if better else story.title,
        first_time=min(story.first_time, entry.time),
        last_time=max(story.last_time, entry.time),
        entries=entries,
        entry_count=story.entry_count + (not update),
        origin_count=story.origin_count + own,
        outlets=_with(story.outlets, entry.outlet),
        actors=actors,
        claims=claims,
        latest=entry.id,
        relation=report.relation,
        judgement=None,
        held=story.judgement.held if story.judgement else (),
        named=tuple(named[actor.id] for actor in actors),
    )
    return Thread(record, len(report.signals) if better else thread.said)


def _entry(report: Report) -> StoryEntry:
    e = report.entry
    return StoryEntry(e.id, e.version, e.time, e.outlet, e.url, e.title, report.duplicate_of, e.backfill)


def _with(outlets: tuple[str, ...], outlet: str) -> tuple[str, ...]:
    return outlets if outlet in outlets or len(outlets) >= MAX_OUTLETS else (*outlets, outlet)


def _actors(known: tuple[Actor, ...], found: tuple[Actor, ...], named: Counter[str]) -> tuple[Actor, ...]:
    """Those that most entries name first. Mentions are offsets into one entry, they mean nothing here."""
    by_id = {actor.id: actor for actor in known}
    for actor in found:
        by_id.setdefault(actor.id, replace(actor, mentions=()))
    return tuple(sorted(by_id.values(), key=lambda actor: -named[actor.id])[:MAX_ACTORS])
