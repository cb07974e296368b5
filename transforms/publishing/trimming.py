"""An alert never grows beyond what every subscriber can receive: what matters least is left out first, whole.

Nothing is cut in the middle, so whatever stays is verbatim and offsets still hold. Left out, one by one, until the alert
fits: the oldest entries (the newest stays), signals that were known before (the weakest first), the actors least named,
then new signals (the weakest first; the strongest stays). `entry_count` still counts all entries. An alert that is too
large even so is refused, for a dead letter.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from schemas.alert import Alert, alert_json

MAX_ALERT_BYTES = 1_000_000
"""A tenth of what Pub/Sub takes, and below the 4 MiB that a client of a local endpoint receives. Alerts have 5 to 50 kB."""


def alert_data(alert: Alert) -> tuple[bytes, str]:
    """The alert as the topic carries it, and what was left out for its size ("" or e.g. "entries=3 signals=1").

    Raises ValueError if it does not fit at its smallest, or cannot be written as JSON in UTF-8.
    """
    data = alert_json(alert)
    left_out: Counter[str] = Counter()
    while len(data) > MAX_ALERT_BYTES:
        what, alert = _smaller(alert, len(data))
        left_out[what] += 1
        data = alert_json(alert)
    return data, " ".join(f"{what}={number}" for what, number in sorted(left_out.items()))


def _smaller(alert: Alert, size: int) -> tuple[str, Alert]:
    """The name of what was left out, and the alert without it."""
    if len(alert.entries) > 1:
        return "entries", replace(alert, entries=alert.entries[1:])
    known = [n for n, signal in enumerate(alert.signals) if not signal.new]
    if known:
        return "signals", replace(alert, signals=alert.signals[: known[-1]] + alert.signals[known[-1] + 1 :])
    if alert.actors:
        return "actors", replace(alert, actors=alert.actors[:-1])
    if len(alert.signals) > 1:
        return "signals", replace(alert, signals=alert.signals[:-1])
    raise ValueError(f"the alert has {size:,} bytes even with one entry and one signal, the most is {MAX_ALERT_BYTES:,}")
