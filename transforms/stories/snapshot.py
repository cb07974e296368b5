"""A fold written down: JSON, exact to the last bit, without pickles."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas import Story, from_dict, to_dict
from transforms.stories.affinity import Features
from transforms.stories.members import Member
from transforms.stories.revision import Thread
from transforms.stories.seen import Seen
from transforms.stories.wording import Wording

FORMAT = 2


@dataclass(frozen=True)
class State:
    """What a fold cannot compute anew. All lists are in the order in which the fold holds them."""

    log_time: int
    theme: NDArray[np.float64]
    threads: list[Thread]
    members: list[Member]
    seen: list[tuple[str, Seen]]
    claims: list[tuple[str, int]]


def dump(state: State) -> bytes:
    """The state as UTF-8 JSON."""
    record = {
        "format": FORMAT,
        "log_time": state.log_time,
        "theme": _packed(state.theme),
        "threads": [{"story": to_dict(t.story), "said": t.said} for t in state.threads],
        "members": [_from_member(member) for member in state.members],
        "seen": [[entry_id, list(s.hashes), s.story_id, s.duplicate_of, s.at] for entry_id, s in state.seen],
        "claims": state.claims,
    }
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def load(data: bytes) -> State:
    """The state that `dump` wrote. Raises ValueError, KeyError or TypeError if it is none."""
    record = json.loads(data.decode("utf-8", "surrogatepass"))
    if record["format"] != FORMAT:
        raise ValueError(f"a snapshot of format {record['format']}, this release reads {FORMAT}")
    return State(
        log_time=record["log_time"],
        theme=_unpacked(record["theme"]),
        threads=[Thread(from_dict(Story, t["story"]), t["said"]) for t in record["threads"]],
        members=[_to_member(member) for member in record["members"]],
        seen=[(entry_id, Seen(tuple(hashes), story, copy, at)) for entry_id, hashes, story, copy, at in record["seen"]],
        claims=[(key, at) for key, at in record["claims"]],
    )


def _from_member(member: Member) -> dict[str, Any]:
    wording = member.features.wording
    return {
        "key": member.key,
        "entry": member.entry_id,
        "story": member.story_id,
        "time": member.time,
        "copy": member.duplicate_of,
        "vector": _packed(member.features.vector),
        "words": sorted(wording.words),
        "shingles": sorted(wording.shingles),
        "body": sorted(wording.body),
        "numbers": sorted(wording.numbers),
        "negations": sorted(wording.negations),
        "days": sorted(wording.days),
        "actors": sorted(wording.actors),
        "article": wording.article,
    }


def _to_member(record: dict[str, Any]) -> Member:
    wording = Wording(
        words=frozenset(record["words"]),
        shingles=frozenset(record["shingles"]),
        body=frozenset(record["body"]),
        numbers=frozenset(record["numbers"]),
        negations=frozenset(record["negations"]),
        days=frozenset(record["days"]),
        actors=frozenset(record["actors"]),
        article=record["article"],
    )
    features = Features(_unpacked(record["vector"]), wording)
    return Member(record["key"], record["entry"], record["story"], record["time"], record["copy"], features)


def _packed(vector: NDArray[np.float64]) -> str:
    return base64.b64encode(vector.astype("<i4").tobytes()).decode("ascii")


def _unpacked(text: str) -> NDArray[np.float64]:
    return np.frombuffer(base64.b64decode(text), "<i4").astype(np.float64)
