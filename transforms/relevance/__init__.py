"""Which entries are about the watch: a wide gate of words first, nearness to the watch's description behind it."""

from __future__ import annotations

from transforms.on_demand import on_demand

__all__ = ["Gate", "ScoreRelevance"]

__getattr__ = on_demand(__name__, "Gate", "ScoreRelevance")
