"""What an entry says that raises or lowers the risk: type, modality, source, target and the words that say it."""

from __future__ import annotations

from transforms.on_demand import on_demand
from transforms.signals.tagger import SignalTagger, tagger_for

__all__ = ["SignalTagger", "TagSignals", "tagger_for"]

__getattr__ = on_demand(__name__, "TagSignals")
