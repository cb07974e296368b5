"""Polls feeds: ticks in, entries out. `PollFeeds` is the transform; every other module here knows no Beam."""

from __future__ import annotations

from transforms.on_demand import on_demand

__all__ = ["PollFeeds"]

__getattr__ = on_demand(__name__, "PollFeeds")
