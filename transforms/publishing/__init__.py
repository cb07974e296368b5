"""Publishing: records to Pub/Sub topics, by the official client."""

from transforms.publishing.transform import PublishAlerts, PublishEntries, PublishFailures

__all__ = ["PublishAlerts", "PublishEntries", "PublishFailures"]
