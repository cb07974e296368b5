"""Alerts: the policy that judges story revisions, and the records it raises."""

from __future__ import annotations

from transforms.alerts.policy import AlertPolicy, Judge
from transforms.alerts.render import alert_of, describe
from transforms.on_demand import on_demand

__all__ = ["AlertPolicy", "Judge", "RaiseAlerts", "alert_of", "describe"]

__getattr__ = on_demand(__name__, "RaiseAlerts")
