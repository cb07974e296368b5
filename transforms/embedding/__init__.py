"""Vectors of entries: what a title and its lead mean, as 384 numbers."""

from transforms.embedding.transform import EmbedEntries

__all__ = ["EmbedEntries"]
