"""Publishing: records to Pub/Sub topics, by the official client."""

from __future__ import annotations

from transforms.on_demand import on_demand

__all__ = ["PublishAlerts", "PublishEntries", "PublishFailures"]

__getattr__ = on_demand(__name__, "PublishAlerts", "PublishEntries", "PublishFailures")
