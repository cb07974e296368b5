"""Checkpoints: what must outlive a process, under one key in a local directory or under `gs://`.

A checkpoint holds a state as opaque bytes, the position in the log up to which it speaks (microseconds of publish time)
and a hash of the configuration it was made under. A large state that changes little is not written anew each time: what
came since is appended in segments, files of their own, since an object store cannot append to one.

    NAME.checkpoint             {"format": ..., "key": ..., "position": ..., "config_hash": ..., "id": ...}, the state
    NAME.checkpoint.ID.000001   {"position": ..., "schema": ..., "id": ..., "after": ...}, the first segment since
    NAME.checkpoint.ID.000002   ...

Each file is a line of JSON and bytes, compressed (zlib), and is there whole or not at all. ID tells the segments of one
state from those of the state before. A segment names the one it follows: were two processes to append after one state, the
segments of one do not follow those of the other. A checkpoint that cannot be read counts as none, a segment that cannot be
read, or was written by a build that encodes segments in another way, and those after it likewise, and that is logged. Of a
checkpoint in another format only the position is read.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count, islice
from typing import Any

logger = logging.getLogger(__name__)
FORMAT = 3
REPLAY_MARGIN = timedelta(minutes=2)
"""Pub/Sub delivers out of order: a restart reads the log from so long before its checkpoint. What was folded is a replay."""


_PIECE = 1 << 22  # bytes compressed at a time: a second copy of a large state is never held


@dataclass(frozen=True)
class Mark:
    """How far a checkpoint has been written: the id of its state, how many segments came after it, and the id of the last."""

    id: str
    segments: int = 0
    last: str = ""

    def __str__(self) -> str:
        return f"{self.id} {self.segments} {self.last}"

    @classmethod
    def read(cls, text: str) -> Mark:
        """The mark that `str` gave. Raises ValueError if it is none."""
        id_, segments, last = text.split(" ")
        return cls(id_, int(segments), last)


@dataclass(frozen=True)
class Checkpoint:
    """segments: what was appended since the state was written, in order. The position is that of the last of them."""

    state: bytes
    position: int
    config_hash: str
    segments: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one kind ("stories", "feeds") under a directory; "" keeps none (the runner's state is the truth).

    schema  names the encoding of the segments
    """

    directory: str
    kind: str
    schema: str = ""

    def read(self, key: str) -> Checkpoint | None:
        """The last checkpoint written under the key with its segments, None if there is none that can be read."""
        found = self.find(key)
        return found[0] if found else None

    def find(self, key: str, upto: Mark | None = None) -> tuple[Checkpoint, Mark] | None:
        """The same with its mark, after which `append` goes on.

        upto  no more than there was at that mark, None if that is not there any more
        """
        if not self.directory:
            return None
        path = self._path(key)
        try:
            if not _files().exists(path):
                return None
            record, state = _read(path)
            if record["key"] != key:
                raise ValueError(f"it is of key {record['key']}")
            position = int(record["position"])
            if record["format"] != FORMAT:
                logger.warning("of checkpoint %s only the position is used: its format is %s", path, record["format"])
                return None if upto else (Checkpoint(b"", position, ""), Mark(""))
            config_hash, mark = str(record["config_hash"]), Mark(str(record["id"]))
        except (OSError, ValueError, KeyError, TypeError, zlib.error) as e:
            logger.warning("checkpoint %s cannot be used and is ignored: %s", path, e)
            return None
        segments = []
        for after, at, segment in islice(_segments(path, mark, self.schema), upto.segments if upto else None):
            mark, position = after, at
            segments.append(segment)
        if upto is not None and mark != upto:
            return None
        return Checkpoint(state, position, config_hash, tuple(segments)), mark

    def write(self, key: str, checkpoint: Checkpoint) -> Mark:
        """Replace the key's checkpoint; its segments are left out. Raises OSError if the directory cannot be written."""
        mark = Mark(_new_id())
        if not self.directory:
            return mark
        record = {
            "format": FORMAT,
            "key": key,
            "position": checkpoint.position,
            "config_hash": checkpoint.config_hash,
            "id": mark.id,
        }
        path = self._path(key)
        _write(path, record, checkpoint.state)
        _delete_segments(path, all_but=mark.id)
        return mark

    def append(self, key: str, mark: Mark, segment: bytes, position: int) -> Mark:
        """Append what came after a mark, up to a position of the log. Raises OSError."""
        after = Mark(mark.id, mark.segments + 1, _new_id())
        if self.directory:
            record = {"position": position, "schema": self.schema, "id": after.last, "after": mark.last}
            path = self._path(key)
            _delete_after(path, after)
            _write(_segment_path(path, after), record, segment)
        return after

    def _path(self, key: str) -> str:
        safe = re.sub(r"[^A-Za-z0-9._-]", "_", key)[:80]
        digest = hashlib.sha256(key.encode()).hexdigest()[:8]
        return _files().join(self.directory, f"{self.kind}-{safe}-{digest}.checkpoint")


def _files() -> Any:
    """Beam's file systems. They take a second to import: whoever keeps no checkpoints should not wait for them."""
    from apache_beam.io.filesystems import FileSystems

    return FileSystems


def _new_id() -> str:
    return uuid.uuid4().hex[:12]


def _segment_path(path: str, mark: Mark) -> str:
    return f"{path}.{mark.id}.{mark.segments:06}"


def _segments(path: str, mark: Mark, schema: str) -> Iterator[tuple[Mark, int, bytes]]:
    """Segments with their marks and positions, up to the first that is missing or does not follow the one before."""
    for number in count(mark.segments + 1):
        place = _segment_path(path, Mark(mark.id, number))
        try:
            if not _files().exists(place):
                return
            record, segment = _read(place)
            position, after = int(record["position"]), Mark(mark.id, number, str(record["id"]))
            if record["after"] != mark.last:
                raise ValueError("another process has written over the one that it follows")
            if record["schema"] != schema:
                raise ValueError("another build has written it")
        except (OSError, ValueError, KeyError, TypeError, zlib.error) as e:
            logger.warning("segment %s and those after it cannot be used: %s: %s", place, type(e).__name__, e)
            return
        mark = after
        yield mark, position, segment


def _delete_after(path: str, mark: Mark) -> None:
    """Segments that followed one that could not be read do not follow the one that takes its place."""
    for number in count(mark.segments + 1):
        place = _segment_path(path, Mark(mark.id, number))
        if not _files().exists(place):
            return
        _files().delete([_literally(place)])


def _delete_segments(path: str, all_but: str) -> None:
    """Those of states that were replaced, and drafts. One that stays is never read, for it bears another id."""
    try:
        (found,) = _files().match([f"{_literally(path)}.*"])
        outdated = [m.path for m in found.metadata_list if not m.path.startswith(f"{path}.{all_but}.")]
        if outdated:
            _files().delete([_literally(place) for place in outdated])
    except OSError as e:
        logger.warning("segments beside %s could not be deleted: %s", path, e)


def _literally(path: str) -> str:
    """The pattern that matches this path and no other, for Beam takes what it is to match or delete for a pattern."""
    return re.sub(r"[][*?]", lambda sign: f"[{sign[0]}]", path)


def _read(path: str) -> tuple[dict[str, Any], bytes]:
    with _files().open(path) as f:
        head, _, rest = zlib.decompress(f.read()).partition(b"\n")
    record = json.loads(head)
    if not isinstance(record, dict):
        raise ValueError("no record")
    return record, rest


def _write(path: str, record: dict[str, Any], rest: bytes) -> None:
    if "://" in path:  # an object store replaces an object in one step
        data = b"".join(_compressed(record, rest))  # all of it first: what fails inside `with` leaves half an object
        with _files().create(path) as f:
            f.write(data)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    draft = f"{path}.{_new_id()}.draft"  # of this process alone; one that a crash leaves goes with the outdated segments
    with open(draft, "wb") as f:
        for piece in _compressed(record, rest):
            f.write(piece)
        f.flush()
        os.fsync(f.fileno())
    os.replace(draft, path)


def _compressed(record: dict[str, Any], rest: bytes) -> Iterator[bytes]:
    packer = zlib.compressobj(level=1)
    yield packer.compress(json.dumps(record).encode("ascii") + b"\n")
    view = memoryview(rest)
    for start in range(0, len(rest), _PIECE):
        yield packer.compress(view[start : start + _PIECE])
    yield packer.flush()
