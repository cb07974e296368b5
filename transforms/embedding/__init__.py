"""Vectors of entries: what a title and its lead mean, as 384 numbers."""

from __future__ import annotations

from transforms.on_demand import on_demand

__all__ = ["EmbedEntries"]

__getattr__ = on_demand(__name__, "EmbedEntries")
