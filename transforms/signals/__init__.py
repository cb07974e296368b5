"""What an entry says that raises or lowers the risk: type, modality, source, target and the words that say it."""

from transforms.signals.tagger import SignalTagger, tagger_for
from transforms.signals.transform import TagSignals

__all__ = ["SignalTagger", "TagSignals", "tagger_for"]
