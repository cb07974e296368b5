"""The fold: reports in, stories out. Everything runs on log time, the largest entry time folded so far.

    same id, a text folded before     replay      passes silently
    same id, new text                 update      takes the place of the version before it in its story
    same article or same wording      duplicate   of the earliest such entry, joins that entry's story
    near enough to an open story      report      joins the story
    else                              new         founds a story

A report that is near to two stories may show that they are one: then the older takes the other in (see merging.py). Every
entry keeps the story id that it got when it came.

A story is open until it has had no report for the horizon of the watch; then it is closed and forgotten.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import replace

from schemas import Entry, Judgement, Report, Story
from schemas.watch import Watch
from transforms.embedding.lead import title_and_lead
from transforms.stories.affinity import Features, features_of
from transforms.stories.claims import ClaimMemory, with_claims_of
from transforms.stories.members import Member, Members
from transforms.stories.merging import are_one, merged, older
from transforms.stories.placing import HOUR, Place, least_affinity, place, updated
from transforms.stories.revision import Thread, founded, revised, story_id
from transforms.stories.seen import Seen, SeenEntries
from transforms.stories.snapshot import State, dump, load, threads
from transforms.stories.theme import Theme, theme_of
from transforms.stories.wording import wording_of

SEEN_FOR = 14 * 24 * HOUR  # longer than a feed lists an entry that it still edits

Judge = Callable[[Story, int], Judgement]


class Fold:
    """The stories of one watch.

    watch  its folding and policy settings decide
    judge  is asked about each new revision: (story, log time) -> judgement
    theme  by default `theme_of(watch, model)`, for which the sentence model is loaded; zeros for none
    model  directory of the sentence model, "" for the one installed
    """

    def __init__(self, watch: Watch, judge: Judge, theme: Theme | None = None, model: str = "") -> None:
        self.log_time = 0
        self._theme = theme_of(watch, model) if theme is None else theme
        self._watch = watch
        self._judge = judge
        self._horizon = round(watch.folding.horizon_hours * HOUR)
        self._threads = threads()
        self._closing: list[tuple[int, str]] = []  # a heap of (last time, story id), with outdated pairs among them
        self._absorbed: dict[str, str] = {}  # story id -> id of the open story that took it in
        self._members = Members(self._theme)
        self._seen = SeenEntries(SEEN_FOR)
        self._claims = ClaimMemory(round(watch.folding.memory_hours * HOUR))

    @property
    def size(self) -> int:
        """Entries held: those within the horizon."""
        return len(self._members)

    def fold(self, report: Report) -> tuple[Report, Story | None]:
        """The report with its place and the number of the revision that it made, and that revision of the story.

        There is no story for a replay, and none for a report that is not relevant, which is returned as it is.
        Raises ValueError if a relevant report has no unit vector.
        """
        if not report.relevant:
            return report, None
        entry = report.entry
        seen = self._seen.get(entry.id)
        if seen is not None and entry.content_hash in seen.hashes:
            return placed(report, Place("replay", seen.story_id, seen.duplicate_of, 1.0)), None
        features = features_of(report.vector, wording_of(entry, title_and_lead(entry), report.actors))
        self._advance(entry.time)
        before = self._version_before(seen, entry.id)
        at = self._place(report, features, seen, before)
        return self._take_in(report, at, self._to_absorb(at, entry, features), features, before)

    def retrace(self, report: Report, absorbed: Iterable[str]) -> Story:
        """Fold a report again in the place that `fold` gave it, without asking where it belongs: most of the work.

        report    as `fold` returned it, no replay
        absorbed  ids of the stories that its story had absorbed after it
        """
        entry = report.entry
        features = features_of(report.vector, wording_of(entry, title_and_lead(entry), report.actors))
        self._advance(entry.time)
        before = self._version_before(self._seen.get(entry.id), entry.id)
        at = Place(report.relation, report.story_id or "", report.duplicate_of, report.similarity, report.compared)
        open_yet = (self._threads[story] for story in absorbed if story in self._threads)
        _, story = self._take_in(report, at, next(open_yet, None), features, before)
        return story

    def _take_in(
        self, report: Report, at: Place, absorbed: Thread | None, features: Features, before: Member | None
    ) -> tuple[Report, Story]:
        open_thread = self._threads.get(at.story_id)
        if absorbed is not None and open_thread is not None:
            first, second = older(open_thread.story, absorbed.story)
            open_thread, absorbed = self._threads[first.id], self._threads[second.id]
            open_thread = merged(open_thread, absorbed)
            at = replace(at, story_id=first.id)
        completed = placed(report, at)
        thread = self._judged(self._next_revision(open_thread, completed))
        self._keep(completed, thread, features, before, absorbed)
        return replace(completed, revision=thread.story.revision), thread.story

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
        for thread in state.threads.values():
            fold._closing.append((thread.story.last_time, thread.story.id))
            fold._absorbed.update(dict.fromkeys(thread.story.absorbed, thread.story.id))
        heapq.heapify(fold._closing)
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
                for absorbed in thread.story.absorbed:
                    self._absorbed.pop(absorbed, None)

    def _current(self, story_id: str) -> str:
        """The id that a story goes on under: its own, or that of the story which absorbed it."""
        return self._absorbed.get(story_id, story_id)

    def _version_before(self, seen: Seen | None, entry_id: str) -> Member | None:
        """The entry's last version, if it is not past the horizon."""
        return self._member(seen.story_id, entry_id) if seen else None

    def _member(self, story_id: str, entry_id: str) -> Member | None:
        return next((m for m in self._members.of_story(self._current(story_id)) if m.entry_id == entry_id), None)

    def _place(self, report: Report, features: Features, seen: Seen | None, before: Member | None) -> Place:
        entry, folding = report.entry, self._watch.folding
        if seen is not None and self._current(seen.story_id) in self._threads:
            original = self._member(seen.story_id, seen.duplicate_of) if seen.duplicate_of else None
            stands = Place("", self._current(seen.story_id), seen.duplicate_of)
            return updated(features, entry.time, stands, before, original, self._members, folding)
        at = place(features, entry.time, self._members, folding)
        if at.relation != "new":
            return at
        return replace(at, story_id=story_id(self._watch.name, entry.id, entry.content_hash if seen else ""))

    def _to_absorb(self, at: Place, entry: Entry, features: Features) -> Thread | None:
        """The story that turns out to be the same as the one a report was placed in."""
        if not at.also or at.also not in self._threads:
            return None
        new = Member(0, entry.id, at.story_id, entry.time, None, features)
        joined = [*self._members.of_story(at.story_id), new]
        needed = least_affinity(self._members, self._watch.folding)
        one = are_one(joined, self._members.of_story(at.also), self._members, needed)
        return self._threads[at.also] if one else None

    def _next_revision(self, thread: Thread | None, report: Report) -> Thread:
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

    def _keep(self, report: Report, thread: Thread, features: Features, before: Member | None, absorbed: Thread | None) -> None:
        """All changes of state, after everything that can fail."""
        entry, story = report.entry, thread.story
        if absorbed is not None:
            del self._threads[absorbed.story.id]
            self._members.move(absorbed.story.id, story.id)
            self._absorbed.update(dict.fromkeys(story.absorbed, story.id))
        if before is not None:
            self._members.remove(before)
        self._members.add(entry.id, story.id, entry.time, report.duplicate_of, features)
        self._threads[story.id] = thread
        heapq.heappush(self._closing, (story.last_time, story.id))
        self._seen.note(entry.id, entry.content_hash, story.id, report.duplicate_of, self.log_time)
        self._claims.hear(report.signals, self.log_time)


def placed(report: Report, at: Place) -> Report:
    """The report with its place written into it."""
    return replace(
        report,
        relation=at.relation,
        story_id=at.story_id,
        duplicate_of=at.duplicate_of,
        similarity=at.similarity,
        compared=at.compared,
    )
