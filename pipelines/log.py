"""A log of recorded entries in memory: who is in it, and what of it came before an entry."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.recorded import UnreadableEntry, entry_of, read_object
from pipelines.usage import UsageError
from pipelines.wording import counted

Order = tuple[int, str, int]
"""Time (microseconds), id, version: the order in which a bounded input is folded (see FoldStories)."""


class Log:
    """The lines of a log that are entries, in the order in which they are folded.

    by_time  the lines are a bounded input; else they are folded as they stand, as a detector folds its log
    """

    def __init__(self, lines: Iterable[bytes], by_time: bool) -> None:
        self._entries: list[tuple[Order, str, bytes]] = []
        self._unreadable: list[tuple[int, str, str, str]] = []
        for number, line in enumerate(lines, 1):
            if line.strip():
                self._add(number, line)
        if by_time:
            self._entries.sort(key=lambda each: each[0])

    def __len__(self) -> int:
        return len(self._entries)

    def last(self, wanted: str) -> int:
        """Where the last entry stands, from 0, that has this id or url, or, if none has, this in its url.

        Raises UsageError if there is none, with the line that has it and is no entry, if that is why.
        """
        found = [n for n, (order, url, _) in enumerate(self._entries) if wanted in (order[1], url)]
        found = found or [n for n, (_, url, _) in enumerate(self._entries) if wanted in url]
        if found:
            return found[-1]
        for number, id_, url, why in self._unreadable:
            if wanted in (id_, url):
                raise UsageError(f"{wanted}: line {number} of the log is no entry: {why}")
        if self._unreadable and not self._entries:
            number, _, _, why = self._unreadable[0]
            lines = counted(len(self._unreadable), "line")
            raise UsageError(f"{wanted}: the log holds no entries, but {lines} that cannot be read: line {number}: {why}")
        raise UsageError(f"{wanted}: {none_of(len(self))}")

    def upto(self, last: int) -> list[bytes]:
        """The lines of the entries up to this one."""
        return [line for _, _, line in self._entries[: last + 1]]

    def _add(self, number: int, line: bytes) -> None:
        record: dict[str, object] = {}
        try:
            record = read_object(line)
            entry = entry_of(record)
        except UnreadableEntry as e:
            self._unreadable.append((number, str(record.get("id")), str(record.get("url")), str(e)))
            return
        self._entries.append(((entry.time, entry.id, entry.version), entry.url, line))


def none_of(entries: int) -> str:
    """That an entry was looked for in vain."""
    if entries < 2:
        return "it is not the one entry of the log" if entries else "the log holds no entries"
    return f"none of the {entries:,} entries of the log has this id or url"
