"""A member: one entry of an open story, and how it is written down."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transforms.stories.affinity import Features
from transforms.stories.wording import Wording

_SMALL = np.iinfo(np.int16).max


@dataclass(frozen=True)
class Member:
    """One entry of an open story. `duplicate_of`: the entry it repeats, None if it is a report of its own."""

    key: int
    entry_id: str
    story_id: str
    time: int
    duplicate_of: str | None
    features: Features


def pack(member: Member) -> bytes:
    """The member as one line of JSON, exact to the last bit."""
    wording = {name: packed(getattr(member.features.wording, name)) for name, packed, _ in _FIELDS}
    vector = pack_vector(member.features.vector)
    record = [member.key, member.entry_id, member.story_id, member.time, member.duplicate_of, vector, wording]
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def unpack(line: bytes) -> Member:
    """The member that `pack` wrote. Raises ValueError, KeyError or TypeError if it is none."""
    key, entry_id, story_id, time, duplicate_of, vector, packed = json.loads(line.decode("utf-8", "surrogatepass"))
    wording = Wording(**{name: unpacked(packed[name]) for name, _, unpacked in _FIELDS})
    return Member(key, entry_id, story_id, time, duplicate_of, Features(unpack_vector(vector), wording))


def pack_vector(vector: NDArray[np.float64]) -> str:
    """Whole numbers as text: of two bytes each if they fit, as those of a vector of the model do, else of four."""
    kind = "<i2" if np.abs(vector).max(initial=0) <= _SMALL else "<i4"
    return f"{kind}{base64.b64encode(vector.astype(kind).tobytes()).decode('ascii')}"


def unpack_vector(text: str) -> NDArray[np.float64]:
    if text[:3] not in ("<i2", "<i4"):
        raise ValueError(f"a vector of kind {text[:3]!r}")
    return np.frombuffer(base64.b64decode(text[3:]), text[:3]).astype(np.float64)


def _pack_hashes(hashes: frozenset[int]) -> str:
    return base64.b64encode(np.array(sorted(hashes), "<i8").tobytes()).decode("ascii")


def _unpack_hashes(text: str) -> frozenset[int]:
    return frozenset(np.frombuffer(base64.b64decode(text), "<i8").tolist())


def _same(text: str) -> str:
    return text


_FORMS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "frozenset[int]": (_pack_hashes, _unpack_hashes),
    "frozenset[str]": (sorted, frozenset),
    "str": (_same, _same),
}
_FIELDS = [(f.name, *_FORMS[str(f.type)]) for f in fields(Wording)]
