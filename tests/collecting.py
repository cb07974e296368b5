"""What a pipeline in this process gave out, in order: assert_that tells no order."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import apache_beam as beam

_collected: defaultdict[str, list[Any]] = defaultdict(list)


class Collect(beam.DoFn):
    """Keeps every element under a name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def process(self, element: Any) -> None:
        _collected[self.name].append(element)


def take(name: str) -> list[Any]:
    """What was kept under the name; it is forgotten."""
    return _collected.pop(name, [])
