"""Stories: reports of one development folded into one story."""

from __future__ import annotations

from transforms.on_demand import on_demand

__all__ = ["FoldStories"]

__getattr__ = on_demand(__name__, "FoldStories")
