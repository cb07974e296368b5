"""A fold written down: lines of JSON, exact to the last bit, without pickles.

    {"format": ..., "log_time": ..., ...}     what there is once, and how many lines of each kind follow
    {"story": ..., "said": ...}               a thread
    [1, "entry", "story", ...]                a member
    ["entry", ["hash"], "story", ...]         an entry seen

Threads and members are held as these lines while they are not in use, so that writing and reading a large state is little
more than copying it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas import Story, from_dict, to_dict
from transforms.stories.member import pack_vector, unpack_vector
from transforms.stories.revision import Thread
from transforms.stories.seen import Seen
from transforms.stories.shelf import Shelf

FORMAT = 3
OPEN_THREADS = 1024


@dataclass(frozen=True)
class State:
    """What a fold cannot compute anew. All lists are in the order in which the fold holds them.

    members, cells  what `Members.restore` takes
    """

    log_time: int
    theme: NDArray[np.float64]
    threads: Shelf[str, Thread]
    members: Iterable[bytes]
    cells: list[dict[str, Any]]
    seen: list[tuple[str, Seen]]
    claims: list[tuple[str, int]]


def threads(lines: Iterable[bytes] = ()) -> Shelf[str, Thread]:
    """Threads by the id of their story; `lines` are those that another such shelf packed."""
    shelf: Shelf[str, Thread] = Shelf(_pack_thread, _unpack_thread, OPEN_THREADS)
    shelf.fill((_read(line)["story"]["id"], line) for line in lines)
    return shelf


def dump(state: State) -> bytes:
    """The state as UTF-8 JSON lines."""
    members = list(state.members)
    head = {
        "format": FORMAT,
        "log_time": state.log_time,
        "theme": pack_vector(state.theme),
        "claims": state.claims,
        "cells": state.cells,
        "lines": [len(state.threads), len(members), len(state.seen)],
    }
    seen = (_line([entry_id, list(s.hashes), s.story_id, s.duplicate_of, s.at]) for entry_id, s in state.seen)
    return b"\n".join([_line(head), *state.threads.packed(), *members, *seen])


def load(data: bytes) -> State:
    """The state that `dump` wrote. Raises ValueError, KeyError or TypeError if it is none."""
    lines = iter(data.split(b"\n"))
    head = _read(next(lines))
    if head["format"] != FORMAT:
        raise ValueError(f"a snapshot of format {head['format']}, this release reads {FORMAT}")
    threads_, members, seen = (_take(lines, count) for count in head["lines"])
    if next(lines, None) is not None:
        raise ValueError("a snapshot with lines left over")
    return State(
        log_time=head["log_time"],
        theme=unpack_vector(head["theme"]),
        threads=threads(threads_),
        members=members,
        cells=head["cells"],
        seen=[_seen(line) for line in seen],
        claims=[(key, at) for key, at in head["claims"]],
    )


def _take(lines: Iterator[bytes], count: int) -> list[bytes]:
    taken = list(islice(lines, count))
    if len(taken) < count:
        raise ValueError(f"a snapshot that lacks {count - len(taken)} lines")
    return taken


def _seen(line: bytes) -> tuple[str, Seen]:
    entry_id, hashes, story, copy, at = _read(line)
    return entry_id, Seen(tuple(hashes), story, copy, at)


def _pack_thread(thread: Thread) -> bytes:
    rest = {f.name: getattr(thread, f.name) for f in fields(Thread) if f.name != "story"}
    return _line({"story": to_dict(thread.story), **rest})


def _unpack_thread(line: bytes) -> Thread:
    record = _read(line)
    return Thread(**{**record, "story": from_dict(Story, record["story"])})


def _line(record: Any) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _read(line: bytes) -> Any:
    return json.loads(line.decode("utf-8", "surrogatepass"))
