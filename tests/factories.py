"""Records and a watch for tests: an invented quarrel between two islands. Every factory fills in what a test leaves out."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from schemas import Actor, Claim, Entry, Report, Signal, Story, StoryEntry, content_hash, micros
from schemas.records import FARTHEST_AHEAD, INT64_MAX, LONGEST_AGO
from schemas.taxonomy import SignalType, Taxonomy
from schemas.watch import Folding, Gate, Policy, Relevance, Sides, Watch

HOUR = 3_600_000_000
NOON = micros("2020-05-02T12:00Z")

TYPES = (
    SignalType(type="BUILDUP", direction="escalatory", weight=7, label="build-up"),
    SignalType(type="ATTACK", direction="escalatory", weight=10, label="attack"),
    SignalType(type="SANCTION", direction="escalatory", weight=4, label="sanction"),
    SignalType(type="TALKS", direction="deescalatory", weight=3, label="talks"),
    SignalType(type="WARNING", direction="escalatory", weight=7, label="warning", speech_act=True),
    SignalType(type="GESTURE", direction="deescalatory", weight=1, label="gesture"),
)


def a_watch(**policy: Any) -> Watch:
    """The watch on the two islands; arguments are those of its policy."""
    return Watch(
        name="islands",
        title="Two islands",
        sides=Sides(challenger=("Norland",), target=("Sudland",)),
        gate=Gate(terms=("norland", "sudland")),
        relevance=Relevance(description=("Norland gathers ships off Sudland",), decoys=("football in Sudland",)),
        folding=Folding(same_story=0.5),  # the vectors of these tests are equal or at right angles
        policy=Policy(**policy),
        directory=Path("nowhere"),
        actors=(),
        taxonomy=Taxonomy(types=TYPES),
    )


def an_entry(id: str = "entry-1", time: int = NOON, **fields: Any) -> Entry:
    """An entry; its content hash is that of its text."""
    defaults: dict[str, Any] = {
        "version": 1,
        "published": time,
        "seen_at": time,
        "backfill": False,
        "feed": "https://plain.example/feed",
        "outlet": "Plain News",
        "url": f"https://plain.example/{id}",
        "title": "Norland gathers ships",
        "summary": "The ships lie off Sudland.",
        "text": "",
    }
    values = {**defaults, **fields}
    values.setdefault("content_hash", content_hash(values["title"], values["summary"], values["text"]))
    return Entry(id=id, time=time, **values)


def a_signal(type: str = "BUILDUP", modality: str = "asserted", **fields: Any) -> Signal:
    defaults: dict[str, Any] = {
        "direction": next((t.direction for t in TYPES if t.type == type), "escalatory"),
        "source": "Norland",
        "target": "Sudland",
        "field": "title",
        "start": 0,
        "end": 21,
        "evidence": "Norland gathers ships",
    }
    return Signal(type=type, modality=modality, **{**defaults, **fields})


def a_claim(signal: Signal | None = None, revision: int = 1, outlets: tuple[str, ...] = ("Plain News",), **fields: Any) -> Claim:
    signal = signal or a_signal()
    key = f"{signal.type}|{signal.modality}|{signal.source}|{signal.target}"
    defaults: dict[str, Any] = {"key": key, "entry_id": "entry-1", "first_said": NOON, "novelty": 1.0}
    return Claim(signal=signal, revision=revision, outlets=outlets, **{**defaults, **fields})


def a_story_entry(id: str = "entry-1", time: int = NOON, **fields: Any) -> StoryEntry:
    defaults: dict[str, Any] = {
        "version": 1,
        "outlet": "Plain News",
        "url": f"https://plain.example/{id}",
        "title": "Norland gathers ships",
    }
    return StoryEntry(id=id, time=time, **{**defaults, **fields})


def a_story(*claims: Claim, entries: tuple[StoryEntry, ...] = (), **fields: Any) -> Story:
    """A story whose latest entry is the last of `entries`."""
    entries = entries or (a_story_entry(),)
    defaults: dict[str, Any] = {
        "id": "story-1",
        "watch": "islands",
        "revision": len(entries),
        "title": entries[0].title,
        "first_time": entries[0].time,
        "last_time": entries[-1].time,
        "entry_count": len(entries),
        "origin_count": len(entries),
        "outlets": tuple(dict.fromkeys(e.outlet for e in entries)),
        "actors": (),
        "latest": entries[-1].id,
        "relation": "new" if len(entries) == 1 else "report",
    }
    values = {**defaults, **fields}
    values.setdefault("final_id", values["id"])
    return Story(entries=entries, claims=claims, **values)


def a_report(
    entry: Entry | None = None, signals: tuple[Signal, ...] = (), actors: tuple[Actor, ...] = (), **fields: Any
) -> Report:
    """A relevant report with signals; its vector is that of its `subject`, a whole number: equal numbers, equal vectors."""
    subject = fields.pop("subject", 0)
    defaults: dict[str, Any] = {"gated": True, "vector": vector(subject), "relevance": 0.9, "outcome": "relevant"}
    return Report("islands", entry or an_entry(), actors=actors, signals=signals, **{**defaults, **fields})


def vector(subject: int, dimensions: int = 384) -> bytes:
    """A unit vector: those of different subjects are at right angles."""
    import numpy as np

    values = np.zeros(dimensions, "<f4")
    values[subject % dimensions] = 1.0
    return values.tobytes()


TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
INTEGER = st.integers(-INT64_MAX, INT64_MAX)
TIME = st.integers(LONGEST_AGO, FARTHEST_AHEAD)
NUMBER = st.floats(allow_nan=False, allow_infinity=False, width=64)


def records(cls: type) -> st.SearchStrategy[Any]:
    """Any record of a class, with every field of every record in it drawn."""
    return st.builds(cls, **{f.name: _values(str(f.type)) for f in dataclasses.fields(cls)})


def _values(kind: str) -> st.SearchStrategy[Any]:
    from schemas import alert, report, story

    if kind.endswith(" | None"):
        return st.none() | _values(kind.removesuffix(" | None"))
    if kind.startswith("tuple["):
        return st.lists(_values(kind.removeprefix("tuple[").split(",")[0]), max_size=2).map(tuple)
    plain = {"str": TEXT, "int": INTEGER, "float": NUMBER, "bool": st.booleans(), "bytes": st.binary(max_size=8), "Micros": TIME}
    if kind in plain:
        return plain[kind]
    if kind.startswith("Annotated[int"):
        return st.integers(1, INT64_MAX)
    found = next(getattr(module, kind) for module in (alert, report, story) if hasattr(module, kind))
    return records(found)
