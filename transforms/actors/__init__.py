"""Who is named in an entry: persons, states, government bodies, armed forces and organisations."""

from transforms.actors.tagger import ActorTagger, tagger_for
from transforms.actors.transform import TagActors

__all__ = ["ActorTagger", "TagActors", "tagger_for"]
