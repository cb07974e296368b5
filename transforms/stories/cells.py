"""What the runner's state holds of a ledger: snapshots in chunks, the reports since, and a head that says how to read them.

With 3 chunks to a snapshot, of which a bundle may write 2, and a snapshot due after r2:

    report   head                     snapshots        reports since
    r1       0 is whole               0: a a           0: r1
    r2       0 is whole, 1 is begun   0: a a  1: b b   0: r1 r2
    r3       1 is whole               1: b b b         1: r3

A snapshot may be larger than what a runner takes in one value (Dataflow: 80 MB) or in one commit of a key (180 MB), so it
is written a piece at a time, while the fold goes on. Until all of it is there, the one before counts, with all reports
since. What is begun lives in the process that writes it: whoever takes over drops it, and begins again when it is due.
"""

from __future__ import annotations

import json
import struct
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from operator import itemgetter
from typing import Any, NamedTuple

from transforms.stories.ledger import Trace

CHUNK = 1 << 20
BUNDLE = 16 << 20
"""Bytes of snapshots that a bundle writes at most: the key whose turn is last may exceed it by one chunk."""
_NUMBER = struct.Struct(">I")


class DamagedState(RuntimeError):
    """The state cannot be read. The runner tries the bundle again; a job that goes on failing needs a fresh start."""


@dataclass(frozen=True)
class Head:
    """How to read the cells.

    generation  which reports the ledger has seen, see Generation
    whole       which snapshot counts, 0 or 1
    chunks      how many chunks it has; 0: there is none yet, all began with nothing or with `origin`
    origin      mark of the checkpoint that stands in for a snapshot until there is one, "" for none
    begun       id of the snapshot that is being written into the other, "" if none is: a process goes on only with its own
    """

    generation: str = ""
    whole: int = 0
    chunks: int = 0
    origin: str = ""
    begun: str = ""


class Cells(NamedTuple):
    """The runner's state cells of one key: one of text, and two each of chunks and of reports, by number of snapshot."""

    head: Any
    snapshots: tuple[Any, Any]
    reports: tuple[Any, Any]  # numbered, for a bag has no order

    def read_head(self) -> Head:
        text = self.head.read()
        return Head(**json.loads(text)) if text else Head()

    def write_head(self, head: Head) -> None:
        self.head.write(json.dumps(asdict(head), separators=(",", ":")))

    def snapshot(self, head: Head) -> bytes:
        """The snapshot that counts, b"" if there is none. Raises DamagedState if a chunk is missing."""
        numbered = sorted(self.snapshots[head.whole].read()) if head.chunks else []
        if [_NUMBER.unpack_from(chunk)[0] for chunk in numbered] != list(range(head.chunks)):
            raise DamagedState(f"{len(numbered)} chunks of a snapshot that has {head.chunks}")
        return b"".join(chunk[_NUMBER.size :] for chunk in numbered)

    def since(self, head: Head) -> Iterator[Trace]:
        """The reports since the snapshot that counts, in order."""
        numbered = [*self.reports[head.whole].read(), *(self.reports[1 - head.whole].read() if head.begun else ())]
        yield from (Trace(*trace) for _, trace in sorted(numbered, key=itemgetter(0)))

    def add(self, head: Head, number: int, trace: Trace) -> None:
        """One more report since."""
        self.reports[1 - head.whole if head.begun else head.whole].add((number, trace))

    def drop_begun(self, head: Head) -> Head:
        """Give up a snapshot that another process began: its reports are of those since the one that counts."""
        if not head.begun:
            return head
        other = 1 - head.whole
        self.snapshots[other].clear()
        for numbered in list(self.reports[other].read()):
            self.reports[head.whole].add(numbered)
        self.reports[other].clear()
        return replace(head, begun="")


@dataclass
class Writing:
    """A snapshot on its way into the cells. `id` is that of no other: see Head."""

    chunks: deque[bytes] = field(default_factory=deque)
    written: int = 0
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def of(cls, data: bytes) -> Writing:
        return cls(deque(data[start : start + CHUNK] for start in range(0, len(data), CHUNK)))

    def go_on(self, cells: Cells, head: Head, budget: int) -> tuple[Head, int]:
        """Write chunks of it; the head after that, and the bytes written (at most `budget`, or else one chunk)."""
        other, spent = 1 - head.whole, 0
        while self.chunks and (not spent or spent + len(self.chunks[0]) <= budget):
            chunk = self.chunks.popleft()
            cells.snapshots[other].add(_NUMBER.pack(self.written) + chunk)
            self.written += 1
            spent += len(chunk)
        if self.chunks:
            return head, spent
        cells.snapshots[head.whole].clear()
        cells.reports[head.whole].clear()
        return replace(head, whole=other, chunks=self.written, origin="", begun=""), spent
