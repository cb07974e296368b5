"""Which entries are about the watch: a wide gate of words first, nearness to the watch's description behind it."""

from transforms.relevance.transform import Gate, ScoreRelevance

__all__ = ["Gate", "ScoreRelevance"]
