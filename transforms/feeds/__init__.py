"""Polls feeds: ticks in, entries out. `PollFeeds` is the transform; every other module here knows no Beam."""

from __future__ import annotations

from typing import Any

__all__ = ["PollFeeds"]


def __getattr__(name: str) -> Any:
    # Imported on demand: the process that parses documents shares this package and has no use for Beam.
    if name in __all__:
        from transforms.feeds import transform

        return getattr(transform, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
