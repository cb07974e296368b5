"""What became of the entries that were folded: enough to tell a replay from an update."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MAX_TEXTS = 20  # remembered of one entry


@dataclass(frozen=True)
class Seen:
    """hashes: of the entry's texts, the last one last. story_id, duplicate_of: as in Report. at: log time of the last text."""

    hashes: tuple[str, ...]
    story_id: str
    duplicate_of: str | None
    at: int


class SeenEntries:
    """Entries by id, for as long as `keep` (microseconds of log time)."""

    def __init__(self, keep: int, seen: Iterable[tuple[str, Seen]] = ()) -> None:
        self._keep = keep
        self._seen = dict(seen)  # in order of log time: who was seen last stands last

    def get(self, entry_id: str) -> Seen | None:
        return self._seen.get(entry_id)

    def items(self) -> list[tuple[str, Seen]]:
        return list(self._seen.items())

    def note(self, entry_id: str, content_hash: str, story_id: str, duplicate_of: str | None, now: int) -> None:
        """Remember a text of an entry, and forget the entries that are too old. `now` never runs backwards."""
        before = self._seen.pop(entry_id, None)
        hashes = (*(before.hashes if before else ()), content_hash)[-MAX_TEXTS:]
        self._seen[entry_id] = Seen(hashes, story_id, duplicate_of, now)
        for outdated in list(self._outdated(now)):
            del self._seen[outdated]

    def _outdated(self, now: int) -> Iterator[str]:
        for entry_id, seen in self._seen.items():
            if now - seen.at <= self._keep:
                return
            yield entry_id
