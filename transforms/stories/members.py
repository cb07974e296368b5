"""The entries of the open stories, found by story, by article and by nearness."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transforms.stories.affinity import Affinity, Common, Features
from transforms.stories.index import CellIndex
from transforms.stories.member import Member, pack, unpack
from transforms.stories.shelf import Shelf

__all__ = ["Member", "Members"]
OPEN = 4096  # members held as they are, most of them of the stories of the day; the others are bytes


class Members:
    """The members, in the order they came in. `theme` is that of `Common`."""

    def __init__(self, theme: NDArray[np.float64]) -> None:
        self.all: Shelf[int, Member] = Shelf(pack, unpack, OPEN)
        self._stories: dict[str, array[int]] = {}
        self._articles: dict[str, array[int]] = {}
        self._dimensions = len(theme)
        self._index = CellIndex(len(theme))
        self._common = Common(theme)
        self._ages: list[tuple[int, int]] = []  # a heap of (time, key), with those of removed members among them
        self._last_key = 0

    def __len__(self) -> int:
        return len(self.all)

    def add(self, entry_id: str, story_id: str, time: int, duplicate_of: str | None, features: Features) -> None:
        self._last_key += 1
        member = Member(self._last_key, entry_id, story_id, time, duplicate_of, features)
        self.all[member.key] = member
        self._list(member)
        self._index.add(member.key, features.vector)

    def restore(self, lines: Iterable[bytes], cells: Iterable[dict[str, Any]]) -> None:
        """Take in what `all.packed()` and `cells()` of other members gave. Raises ValueError, KeyError or TypeError."""
        self._index = CellIndex.restore(self._dimensions, cells, self._taken_in(lines))

    def remove(self, member: Member) -> None:
        del self.all[member.key]
        _drop(self._stories, member.story_id, member.key)
        if member.features.wording.article:
            _drop(self._articles, member.features.wording.article, member.key)
        self._index.remove(member.key)
        if member.duplicate_of is None:
            self._common.remove(member.features)

    def expire(self, before: int) -> None:
        """Remove the members older than a time: a story that goes on sheds its beginnings."""
        while self._ages and self._ages[0][0] < before:
            _, key = heapq.heappop(self._ages)
            if key in self.all:
                self.remove(self.all[key])

    def move(self, story_id: str, into: str) -> None:
        """Give all members of a story to another one."""
        keys = self._stories.pop(story_id, array("q"))
        for key in keys:
            self.all[key] = replace(self.all[key], story_id=into)
        self._stories[into] = array("q", sorted([*self._stories.get(into, ()), *keys]))

    def of_story(self, story_id: str) -> list[Member]:
        return self._get(self._stories.get(story_id, ()))

    def of_article(self, article: str) -> list[Member]:
        return self._get(self._articles.get(article, ())) if article else []

    def near(self, features: Features, k: int) -> list[Member]:
        """About `k` members nearest to the features, the oldest first."""
        return self._get(sorted(self._index.nearest(features.vector, k)))

    def cells(self) -> list[dict[str, Any]]:
        """Which members the index holds together: it is of the state, for it grew with the members' history."""
        return self._index.state()

    @property
    def reports(self) -> int:
        """Members that are no duplicates."""
        return self._common.count

    def affinity(self, features: Features) -> Affinity:
        return self._common.to(features)

    def _taken_in(self, lines: Iterable[bytes]) -> Iterator[tuple[int, NDArray[np.float64]]]:
        for line in lines:
            member = unpack(line)
            self.all.fill([(member.key, line)])
            self._list(member)
            self._last_key = max(self._last_key, member.key)
            yield member.key, member.features.vector

    def _list(self, member: Member) -> None:
        self._stories.setdefault(member.story_id, array("q")).append(member.key)
        if member.features.wording.article:
            self._articles.setdefault(member.features.wording.article, array("q")).append(member.key)
        heapq.heappush(self._ages, (member.time, member.key))
        if member.duplicate_of is None:  # copies say nothing about what reports have in common
            self._common.add(member.features)

    def _get(self, keys: Iterable[int]) -> list[Member]:
        return [self.all[key] for key in keys]


def _drop(lists: dict[str, array[int]], name: str, key: int) -> None:
    lists[name].remove(key)
    if not lists[name]:
        del lists[name]
