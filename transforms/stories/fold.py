"""The fold: reports in, stories out. Everything runs on log time, the largest entry time folded so far.

    same id, a text folded before     replay      passes silently
    same id, new text                 update      takes the place of the version before it in its story
    same article or same wording      duplicate   of the earliest such entry, joins that entry's story
    near enough to an open story      report      joins the story
    else                              new         founds a story

A story is open until it has had no report for the horizon of the watch; then it is closed and forgotten.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import replace

from schemas import Judgement, Report, Story
from schemas.watch import Watch
from transforms.embedding.lead import title_and_lead
from transforms.stories.affinity import Features, cosine, features_of
from transforms.stories.claims import ClaimMemory, with_claims_of
from transforms.stories.members import Member, Members
from transforms.stories.placing import HOUR, Place, place
from transforms.stories.revision import Thread, founded, revised, story_id
from transforms.stories.seen import SeenEntries
from transforms.stories.snapshot import State, dump, load, threads
from transforms.stories.theme import Theme, theme_of
from transforms.stories.wording import wording_of

SEEN_FOR = 14 * 24 * HOUR  # longer than a feed lists an entry that it still edits

Judge = Callable[[Story, int], Judgement]


class Fold:
    """The stories of one watch.

    watch  its folding and policy settings decide
    judge  is asked about each new revision: (story, log time) -> judgement
    theme  by default `theme_of(watch)`, for which the sentence model is loaded; zeros for none
    """

    def __init__(self, watch: Watch, judge: Judge, theme: Theme | None = None) -> None:
        self.log_time = 0
        self._theme = theme_of(watch) if theme is None else theme
        self._watch = watch
        self._judge = judge
        self._horizon = round(watch.folding.horizon_hours * HOUR)
        self._threads = threads()
        self._closing: list[tuple[int, str]] = []  # a heap of (last time, story id), with outdated pairs among them
        self._members = Members(self._theme)
        self._seen = SeenEntries(SEEN_FOR)
        self._claims = ClaimMemory(round(watch.folding.memory_hours * HOUR))

    @property
    def size(self) -> int:
        """Entries held: those within the horizon."""
        return len(self._members)

    def fold(self, report: Report) -> tuple[Report, Story | None]:
        """The report with relation, story_id, duplicate_of and similarity, and the revision of the story that it made.

        There is no story for a replay, and none for a report that is not relevant, which is returned as it is.
        Raises ValueError if a relevant report has no unit vector.
        """
        if not report.relevant:
            return report, None
        entry = report.entry
        seen = self._seen.get(entry.id)
        if seen is not None and entry.content_hash in seen.hashes:
            return _placed(report, Place("replay", seen.story_id, seen.duplicate_of, 1.0)), None
        features = features_of(report.vector, wording_of(entry, title_and_lead(entry)))
        self._advance(entry.time)
        before = self._version_before(entry.id)
        if seen is not None and seen.story_id in self._threads:
            similarity = cosine(features, before.features) if before else 0.0
            at = Place("update", seen.story_id, seen.duplicate_of, similarity)
        else:
            at = place(features, entry.time, self._members, self._watch.folding)
        if at.relation == "new":
            founder = story_id(self._watch.name, entry.id, entry.content_hash if seen else "")
            at = replace(at, story_id=founder)
        completed = _placed(report, at)
        thread = self._judged(self._next_revision(completed))
        self._keep(completed, thread, features, before)
        return completed, thread.story

    def snapshot(self) -> bytes:
        """Everything that `restore` needs."""
        return dump(
            State(
                self.log_time,
                self._theme,
                self._threads,
                self._members.all.packed(),
                self._members.cells(),
                self._seen.items(),
                self._claims.items(),
            )
        )

    @classmethod
    def restore(cls, watch: Watch, judge: Judge, data: bytes) -> Fold:
        """The fold that `snapshot` wrote down. Raises ValueError, KeyError or TypeError if it is none."""
        state = load(data)
        fold = cls(watch, judge, state.theme)
        fold.log_time = state.log_time
        fold._threads = state.threads
        fold._closing = sorted((thread.story.last_time, thread.story.id) for thread in state.threads.values())
        fold._seen = SeenEntries(SEEN_FOR, state.seen)
        fold._claims = ClaimMemory(round(watch.folding.memory_hours * HOUR), state.claims)
        fold._members.restore(state.members, state.cells)
        return fold

    def _advance(self, time: int) -> None:
        """Move log time on, close the stories that are past the horizon and forget the entries that are."""
        self.log_time = max(self.log_time, time)
        limit = self.log_time - self._horizon
        self._members.expire(limit)
        while self._closing and self._closing[0][0] < limit:
            last_time, closing = heapq.heappop(self._closing)
            thread = self._threads.get(closing)
            if thread is not None and thread.story.last_time == last_time:
                del self._threads[closing]

    def _version_before(self, entry_id: str) -> Member | None:
        """The entry's last version, if it is not past the horizon."""
        seen = self._seen.get(entry_id)
        if seen is None:
            return None
        return next((m for m in self._members.of_story(seen.story_id) if m.entry_id == entry_id), None)

    def _next_revision(self, report: Report) -> Thread:
        thread = self._threads.get(report.story_id or "")
        claims = with_claims_of(
            thread.story.claims if thread else (),
            report,
            revision=thread.story.revision + 1 if thread else 1,
            memory=self._claims,
            now=self.log_time,
            restated=self._watch.policy.restated,
        )
        return revised(thread, report, claims) if thread else founded(report, claims)

    def _judged(self, thread: Thread) -> Thread:
        judgement = self._judge(thread.story, self.log_time)
        story = replace(thread.story, judgement=judgement, reached_rank=max(thread.story.reached_rank, judgement.rank))
        if judgement.alert:
            time = next(e.time for e in story.entries if e.id == story.latest)
            story = replace(story, alerted_rank=judgement.rank, alerted_at=time, alerts=story.alerts + 1)
        return replace(thread, story=story)

    def _keep(self, report: Report, thread: Thread, features: Features, before: Member | None) -> None:
        """All changes of state, after everything that can fail."""
        entry, story = report.entry, thread.story
        if before is not None:
            self._members.remove(before)
        self._members.add(entry.id, story.id, entry.time, report.duplicate_of, features)
        self._threads[story.id] = thread
        heapq.heappush(self._closing, (story.last_time, story.id))
        self._seen.note(entry.id, entry.content_hash, story.id, report.duplicate_of, self.log_time)
        self._claims.hear(report.signals, self.log_time)


def _placed(report: Report, at: Place) -> Report:
    return replace(report, relation=at.relation, story_id=at.story_id, duplicate_of=at.duplicate_of, similarity=at.similarity)
