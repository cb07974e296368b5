"""The fold's DoFn on state cells that a test can look into, shuffle, roll back and take away."""

from __future__ import annotations

import random
from typing import Any

import apache_beam as beam

from schemas import Report, Story
from transforms.stories import keeper
from transforms.stories import transform as module

BAGS = ("snapshot_0", "snapshot_1", "reports_0", "reports_1")


class Value:
    """A state cell of one value."""

    def __init__(self, value: Any = None) -> None:
        self.value = value

    def read(self) -> Any:
        return self.value

    def write(self, value: Any) -> None:
        self.value = value


class Bag(Value):
    """A state cell of many values, which come in any order."""

    def __init__(self, value: tuple[Any, ...] = ()) -> None:
        super().__init__(value)

    def read(self) -> Any:
        return random.Random(len(self.value)).sample(self.value, len(self.value))

    def add(self, value: Any) -> None:
        self.value = (*self.value, value)

    def clear(self) -> None:
        self.value = ()


class StateCells:
    """The DoFn and its state cells. Every report comes in a bundle of its own."""

    def __init__(self, keeper: Any) -> None:
        self.keeper = keeper
        self.dofn = module._Fold(keeper)
        self.state: dict[str, Value] = {"head": Value(), **{name: Bag() for name in BAGS}}

    def fold(self, element: Report) -> list[Story]:
        self.dofn.start_bundle()
        outputs = list(self.dofn.process((element.watch, element), **self.state))
        return [o.value for o in outputs if isinstance(o, beam.pvalue.TaggedOutput) and o.tag == module.STORIES]

    def lose_cache(self) -> None:
        """Another worker takes over."""
        keeper._held.clear()

    def saved(self) -> dict[str, Any]:
        return {name: cell.value for name, cell in self.state.items()}

    def roll_back(self, saved: dict[str, Any]) -> None:
        for name, cell in self.state.items():
            cell.value = saved[name]
