"""The entries of the open stories, found by story, by article and by nearness."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from transforms.stories.affinity import UNITS, Affinity, Common, Features
from transforms.stories.index import BruteForceIndex, Index


@dataclass(frozen=True)
class Member:
    """One entry of an open story. `duplicate_of`: the entry it repeats, None if it is a report of its own."""

    key: int
    entry_id: str
    story_id: str
    time: int
    duplicate_of: str | None
    features: Features


class Members:
    """The members, in the order they came in. `index` proposes neighbours, `theme` is that of `Common`."""

    def __init__(self, theme: NDArray[np.float64], index: Index | None = None) -> None:
        self._members: dict[int, Member] = {}
        self._stories: dict[str, list[int]] = {}
        self._articles: dict[str, list[int]] = {}
        self._index = index or BruteForceIndex(len(theme))
        self._common = Common(theme)
        self._ages: list[tuple[int, int]] = []  # a heap of (time, key), with those of removed members among them
        self._last_key = 0

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members.values())

    def add(self, entry_id: str, story_id: str, time: int, duplicate_of: str | None, features: Features) -> None:
        self._last_key += 1
        self.admit(Member(self._last_key, entry_id, story_id, time, duplicate_of, features))

    def admit(self, member: Member) -> None:
        """Take in a member that has its key already."""
        self._last_key = max(self._last_key, member.key)
        self._members[member.key] = member
        self._stories.setdefault(member.story_id, []).append(member.key)
        if member.features.wording.article:
            self._articles.setdefault(member.features.wording.article, []).append(member.key)
        self._index.add(member.key, _searchable(member.features))
        heapq.heappush(self._ages, (member.time, member.key))
        if member.duplicate_of is None:  # copies say nothing about what reports have in common
            self._common.add(member.features)

    def remove(self, member: Member) -> None:
        del self._members[member.key]
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
            if key in self._members:
                self.remove(self._members[key])

    def move(self, story_id: str, into: str) -> None:
        """Give all members of a story to another one."""
        keys = self._stories.pop(story_id, [])
        for key in keys:
            self._members[key] = replace(self._members[key], story_id=into)
        self._stories[into] = sorted(self._stories.get(into, []) + keys)

    def of_story(self, story_id: str) -> list[Member]:
        return self._get(self._stories.get(story_id, ()))

    def of_article(self, article: str) -> list[Member]:
        return self._get(self._articles.get(article, ())) if article else []

    def near(self, features: Features, k: int) -> list[Member]:
        """About `k` members nearest to the features, the oldest first."""
        return self._get(sorted(self._index.nearest(_searchable(features), k)))

    @property
    def reports(self) -> int:
        """Members that are no duplicates."""
        return self._common.count

    def affinity(self, features: Features) -> Affinity:
        return self._common.to(features)

    def _get(self, keys: Iterable[int]) -> list[Member]:
        return [self._members[key] for key in keys]


def _searchable(features: Features) -> NDArray[np.float32]:
    return (features.vector / UNITS).astype(np.float32)


def _drop(lists: dict[str, list[int]], name: str, key: int) -> None:
    lists[name].remove(key)
    if not lists[name]:
        del lists[name]
