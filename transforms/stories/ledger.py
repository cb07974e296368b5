"""StoryLedger: a watch's fold together with what a restart needs: the position in the log and the latest alerts.

A report leaves the fold before its alert is published. Were only the fold kept, a crash between the two would lose the
alert: after the restart its entry is a replay and passes silently. So the ledger keeps the latest alerting revisions,
and hands them out again after a restore. They carry the same ids, and the sink drops those that the topic holds.

A restart reads a piece of the log again. The fold knows an entry for some time of the log's own; a log that was
written faster than its entries' time goes by, as a recording is, holds more than that in one piece. So the ledger also
remembers which messages of the log it has folded lately, by their position.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections import deque
from datetime import timedelta
from functools import cache
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from schemas.records import MICROSECOND, RECORDS, from_dict, to_dict
from schemas.report import Report
from schemas.story import Story
from schemas.watch import Watch
from transforms.alerts.policy import Judge
from transforms.checkpoints import REPLAY_MARGIN
from transforms.stories.fold import Fold, placed
from transforms.stories.placing import Place

if TYPE_CHECKING:
    from apache_beam import coders

OUTBOX = 200
OUTBOX_REACH = timedelta(days=6) // MICROSECOND
"""Of log positions: the alerts topic retains seven days, so what is older could not be recognised as sent."""
FOLDED_REACH = 2 * REPLAY_MARGIN // MICROSECOND
"""Of log positions: farther back than a restart reads again."""
MUTED = "it was folded silently: the watch's configuration has changed since"


class Folded(NamedTuple):
    """What became of an entry when it was folded, as in Report."""

    story_id: str | None
    duplicate_of: str | None


class Trace(NamedTuple):
    """A report as it was folded, and the ids of the stories that its story had absorbed after it."""

    report: Report
    absorbed: tuple[str, ...]


@cache
def trace_coder() -> coders.Coder:
    """Beam's coder of a trace. Beam is imported by those who ask for it, and the records' rows are known to it by then:
    were they not, this process would pickle reports, and none that knows the rows could read them."""
    from apache_beam import coders

    import schemas.rows  # noqa: F401

    return coders.TupleCoder([coders.registry.get_coder(Report), coders.IterableCoder(coders.StrUtf8Coder())])


@cache
def trace_schema() -> str:
    """A hash (hex) of how traces are encoded: the records they are made of, field by field, and Beam's coders of these."""
    from apache_beam import coders, version

    trace_coder()
    known = {kind.__name__: kind for kind in RECORDS}
    told: dict[str, list[tuple[str, str, str]]] = {}
    names = [Report.__name__]
    while names:
        kind = known.get(names.pop())
        if kind is None or kind.__name__ in told:
            continue
        of_fields = (type(coder).__name__ for coder in coders.registry.get_coder(kind).components)
        fields = [(f.name, str(f.type), coder) for f, coder in zip(dataclasses.fields(kind), of_fields, strict=True)]
        told[kind.__name__] = fields
        names += [name for _, type_, _ in fields for name in re.findall(r"\w+", type_)]
    return hashlib.sha256(f"{version.__version__} {sorted(told.items())}".encode()).hexdigest()[:16]


def trace_of(completed: Report, story: Story | None) -> Trace:
    """What `StoryLedger.retrace` needs of what `fold` returned."""
    return Trace(dataclasses.replace(completed, compared=()), story.absorbed if story else ())


class StoryLedger:
    """Folds reports, and can be written down at any time.

    mute_until  reports at or before this position of the log are history under another configuration: they are folded
                but raise nothing
    fold        by default an empty one
    """

    def __init__(self, watch: Watch, judge: Judge, mute_until: int = 0, fold: Fold | None = None) -> None:
        self.watch = watch
        self.judge = judge
        self.mute_until = mute_until
        self.position = 0
        self.fold_ = Fold(watch, judge) if fold is None else fold
        self.outbox: deque[tuple[int, Story]] = deque(maxlen=OUTBOX)
        self._folded: dict[tuple[int, str, str], Folded] = {}  # by position, entry id and content hash; the latest stands last

    def fold(self, report: Report) -> tuple[Report, Story | None]:
        """The report completed, and the revision of the story it made (None if it made none)."""
        known = self._known(report)
        if known is not None:
            again = Place("replay", known.story_id or "", known.duplicate_of, 1.0)
            return placed(report, again), None
        completed, story = self.fold_.fold(report)
        return completed, self._noted(completed, story)

    def retrace(self, trace: Trace) -> None:
        """Fold again what `fold` has folded in a ledger that was as this one is: at a small part of the cost."""
        report = trace.report
        if self._known(report) is None:
            story = None if report.relation == "replay" else self.fold_.retrace(report, trace.absorbed)
            self._noted(report, story)

    def _known(self, report: Report) -> Folded | None:
        """What became of the same line of the log, if it was folded lately."""
        self.position = max(self.position, report.position)
        return self._folded.get(_line(report))

    def _noted(self, completed: Report, story: Story | None) -> Story | None:
        """The story, silenced if it must be, after all that a restart needs was remembered."""
        position = completed.position
        if position:
            self._folded[_line(completed)] = Folded(completed.story_id, completed.duplicate_of)
            self._forget_folded()
        if story is not None and story.judgement is not None and story.judgement.alert:
            if 0 < position <= self.mute_until:
                silent = dataclasses.replace(story.judgement, alert=False, reason=MUTED)
                return dataclasses.replace(story, judgement=silent)
            self.outbox.append((position, story))
        return story

    def pass_on(self, position: int) -> None:
        """Move on in the log past entries that are not relevant."""
        self.position = max(self.position, position)

    def unconfirmed(self) -> list[Story]:
        """The latest alerting revisions, of which nobody can say whether they were published."""
        return [story for position, story in self.outbox if position >= self.position - OUTBOX_REACH]

    def state(self) -> bytes:
        """Everything that `restore` needs: a line of JSON, then the fold's own."""
        record = {
            "position": self.position,
            "mute_until": self.mute_until,
            "outbox": [[position, to_dict(story)] for position, story in self.outbox],
            "folded": [[*line, *folded] for line, folded in self._folded.items()],
        }
        return json.dumps(record).encode("utf-8") + b"\n" + self.fold_.snapshot()

    @classmethod
    def restore(cls, watch: Watch, judge: Judge, state: bytes) -> StoryLedger:
        """The ledger that `state` wrote down. Raises ValueError, KeyError or TypeError if it is none."""
        head, _, fold = state.partition(b"\n")
        record = json.loads(head)
        ledger = cls(watch, judge, record["mute_until"], Fold.restore(watch, judge, fold))
        ledger.position = record["position"]
        ledger.outbox.extend((position, from_dict(Story, story)) for position, story in record["outbox"])
        ledger._folded = {(at, entry_id, text): Folded(*rest) for at, entry_id, text, *rest in record["folded"]}
        return ledger

    def _forget_folded(self) -> None:
        for line in list(takewhile(lambda line: line[0] < self.position - FOLDED_REACH, self._folded)):
            del self._folded[line]


def _line(report: Report) -> tuple[int, str, str]:
    return report.position, report.entry.id, report.entry.content_hash
