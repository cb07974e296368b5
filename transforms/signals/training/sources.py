"""What the shipped weights are learned from, beside the examples that all watches share."""

from __future__ import annotations

MORE = ("tests/data/signals_dev.jsonl", "tests/transforms/signals/news.yaml")
