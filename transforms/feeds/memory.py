"""What a shard remembers between ticks, as bytes: for the runner's state and for the checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.entry import Entry
from schemas.records import from_json, to_json
from transforms.feeds.state import FeedState, read_line

FORMAT = 1
OUTBOX_ROUNDS = 2


@dataclass(frozen=True)
class Memory:
    """The states of a shard's feeds, and what it emitted last.

    finished  when the last round ended, microseconds since 1970 UTC, 0 before the first
    outbox    the entries of the last rounds that had any: they had left when the state was kept, but may not have been published
    saved     whether a checkpoint of it was written
    """

    finished: int = 0
    states: Mapping[str, FeedState] = field(default_factory=dict)
    outbox: tuple[tuple[Entry, ...], ...] = ()
    saved: bool = True


def pack(memory: Memory) -> bytes:
    """One line with the head, then a line for each feed (URL, tab, state) and each entry of the outbox."""
    head = {
        "format": FORMAT,
        "finished": memory.finished,
        "feeds": len(memory.states),
        "outbox": [len(entries) for entries in memory.outbox],
        "saved": memory.saved,
    }
    lines = [json.dumps(head).encode("ascii")]
    lines += [json.dumps(url).encode("ascii") + b"\t" + state.line for url, state in memory.states.items()]
    lines += [to_json(entry) for entries in memory.outbox for entry in entries]
    return b"\n".join(lines)


def unpack(data: bytes) -> Memory:
    """The memory that `pack` wrote. Raises ValueError if it is none."""
    try:
        lines = iter(data.split(b"\n"))
        head = json.loads(next(lines))
        if head["format"] != FORMAT:
            raise ValueError(f"the poller's state has format {head['format']}, not {FORMAT}")
        states = {}
        for _ in range(head["feeds"]):
            url, _, state = next(lines).partition(b"\t")
            states[json.loads(url)] = read_line(state)
        outbox = tuple(tuple(from_json(Entry, next(lines)) for _ in range(count)) for count in head["outbox"])
        return Memory(head["finished"], states, outbox, head["saved"])
    except (KeyError, TypeError, StopIteration) as e:
        raise ValueError(f"the poller's state cannot be read: {type(e).__name__}: {e}") from e
