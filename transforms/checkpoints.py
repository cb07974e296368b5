"""Checkpoints: what must outlive a process, one file per key in a local directory or under `gs://`.

A checkpoint holds a state as opaque bytes, the position in the log up to which it speaks (microseconds of publish time)
and a hash of the configuration it was made under. It is written whole: a reader sees the old one or the new one, never
half of one. A checkpoint that cannot be read counts as none, and is logged.

    zlib of   {"format": ..., "key": ..., "position": ..., "config_hash": ...}     a line of JSON
              the state
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import zlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

logger = logging.getLogger(__name__)
FORMAT = 2
REPLAY_MARGIN = timedelta(minutes=2)
"""Pub/Sub delivers out of order: a restart reads the log from so long before its checkpoint. What was folded is a replay."""


@dataclass(frozen=True)
class Checkpoint:
    state: bytes
    position: int
    config_hash: str


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one kind ("stories", "feeds") under a directory; "" keeps none (the runner's state is the truth)."""

    directory: str
    kind: str

    def read(self, key: str) -> Checkpoint | None:
        """The last checkpoint written under the key, None if there is none that can be read."""
        if not self.directory:
            return None
        path = self._path(key)
        try:
            files = _files()
            if not files.exists(path):
                return None
            with files.open(path) as f:
                head, _, state = zlib.decompress(f.read()).partition(b"\n")
            record = json.loads(head)
            if record["format"] != FORMAT or record["key"] != key:
                raise ValueError(f"format {record['format']} of key {record['key']}")
            return Checkpoint(state, int(record["position"]), str(record["config_hash"]))
        except (OSError, ValueError, KeyError, TypeError, zlib.error) as e:
            logger.warning("checkpoint %s cannot be used and is ignored: %s", path, e)
            return None

    def write(self, key: str, checkpoint: Checkpoint) -> None:
        """Replace the key's checkpoint. Raises OSError if the directory cannot be written."""
        if not self.directory:
            return
        record = {
            "format": FORMAT,
            "key": key,
            "position": checkpoint.position,
            "config_hash": checkpoint.config_hash,
        }
        data = zlib.compress(json.dumps(record).encode("ascii") + b"\n" + checkpoint.state, level=1)
        path = self._path(key)
        if "://" in path:  # an object store replaces an object in one step
            with _files().create(path) as f:
                f.write(data)
            return
        os.makedirs(os.path.dirname(path), exist_ok=True)
        draft = path + ".draft"
        with open(draft, "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        os.replace(draft, path)

    def _path(self, key: str) -> str:
        safe = re.sub(r"[^A-Za-z0-9._-]", "_", key)[:80]
        digest = hashlib.sha256(key.encode()).hexdigest()[:8]
        return str(_files().join(self.directory, f"{self.kind}-{safe}-{digest}.checkpoint"))


def _files() -> Any:
    """Beam's file systems. They take a second to import: whoever keeps no checkpoints should not wait for them."""
    from apache_beam.io.filesystems import FileSystems

    return FileSystems
