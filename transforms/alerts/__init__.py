"""Alerts: the policy that judges story revisions, and the records it raises."""

from transforms.alerts.policy import AlertPolicy, Judge
from transforms.alerts.render import alert_of, describe
from transforms.alerts.transform import RaiseAlerts

__all__ = ["AlertPolicy", "Judge", "RaiseAlerts", "alert_of", "describe"]
