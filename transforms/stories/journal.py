"""Journal: what a restart finds of a watch's ledger, in files.

    r1 ... r100   checkpoint: the ledger
    ... r200      segment: r101 ... r200
    ... r300      segment: r201 ... r300
    ...
    r4000         checkpoint: the ledger, without segments

A segment holds reports as they left the fold, with their vectors and the story each went to: what costs time is not done
again. So one can be written every few seconds, however much the ledger holds, and a restart reads no more of the log than
came since. The whole is written when the segments hold a twentieth of it, though not while the runner's state leans on the
last one (transform.py): then it costs little for each report, and a restart seldom has more than so many to retrace.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from schemas.watch import Watch
from transforms.checkpoints import Checkpoint, Checkpoints, Mark
from transforms.stories.fold import Judge
from transforms.stories.ledger import StoryLedger, Trace, trace_coder, trace_schema

if TYPE_CHECKING:
    from apache_beam import coders

logger = logging.getLogger(__name__)
KIND = "stories"
SEGMENTS_SHARE = 20


def story_checkpoints(directory: str) -> Checkpoints:
    """The checkpoints of ledgers in a state directory, "" for none."""
    return Checkpoints(directory, KIND, trace_schema())


@cache
def _segment_coder() -> coders.Coder:
    from apache_beam import coders

    return coders.IterableCoder(trace_coder())


@dataclass
class Journal:
    """Writes down one ledger.

    every  reports folded, or bundles of others passed, between two writings
    mark   how far the files tell what the ledger holds, None: not at all, so that the next writing is of the whole
    """

    checkpoints: Checkpoints
    key: str
    config_hash: str
    every: int
    mark: Mark | None = None
    _unsaved: list[Trace] = field(default_factory=list)
    _folded: int = 0
    _passed: int = 0

    def folded(self, trace: Trace) -> None:
        """The ledger has folded a report."""
        self._folded += 1
        if self.mark is not None:
            self._unsaved.append(trace)

    def passed(self) -> None:
        """The ledger has moved on in the log past entries that are not relevant."""
        self._passed += 1

    @property
    def due(self) -> bool:
        """Whether a restart would have enough to do again: reports to read, or bundles of others."""
        return bool(self.checkpoints.directory) and max(self._folded, self._passed) >= self.every

    def write(self, ledger: StoryLedger, in_segments: bool = False) -> bool:
        """Write down what is new, or the whole if that is due; whether there was something to go on from.

        Raises OSError. A segment that failed is part of the next, under the same number; after a whole comes the whole.
        in_segments  the last whole must stay: nothing is written where there is none that segments can go on from
        """
        self._folded, self._passed = 0, 0  # also if it fails: the next try comes when it is due again
        if not in_segments and (self.mark is None or self.outweighed(ledger, self.mark.segments + 1)):
            self.mark, self._unsaved = None, []
            whole = Checkpoint(ledger.state(), ledger.position, self.config_hash)
            self.mark = self.checkpoints.write(self.key, whole)
            return True
        if self.mark is None:
            return False
        segment = _segment_coder().encode(self._unsaved)
        self.mark = self.checkpoints.append(self.key, self.mark, segment, ledger.position)
        self._unsaved = []
        return True

    def outweighed(self, ledger: StoryLedger, by: int) -> bool:
        """Whether so many segments are more than their share of the ledger."""
        return by * self.every * SEGMENTS_SHARE > ledger.fold_.size


def read_ledger(
    watch: Watch, judge: Judge, checkpoints: Checkpoints, key: str, upto: Mark | None = None
) -> tuple[StoryLedger, Mark] | None:
    """The ledger that a journal wrote down and the mark of it; None if there is none of this configuration and release.

    upto  no more of it than there was at that mark; None if it is not there any more
    """
    found = checkpoints.find(key, upto)
    if found is None:
        return None
    checkpoint, mark = found
    if checkpoint.config_hash != watch.config_hash:
        return None
    try:
        ledger = StoryLedger.restore(watch, judge, checkpoint.state)
        for segment in checkpoint.segments:
            for trace in _segment_coder().decode(segment):
                ledger.retrace(Trace(*trace))
    except Exception as e:  # a boundary: what bytes of another build do to the decoders cannot be told beforehand
        logger.warning("the checkpoint of watch %s cannot be read and is not used: %s: %s", key, type(e).__name__, e)
        return None
    ledger.pass_on(checkpoint.position)
    return ledger, mark
