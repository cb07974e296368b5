"""Who is named in an entry: persons, states, government bodies, armed forces and organisations."""

from __future__ import annotations

from transforms.actors.tagger import ActorTagger, tagger_for
from transforms.on_demand import on_demand

__all__ = ["ActorTagger", "TagActors", "tagger_for"]

__getattr__ = on_demand(__name__, "TagActors")
