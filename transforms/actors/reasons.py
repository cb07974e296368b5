"""Why a mention was taken for its actor, in a few words for a person who asks."""

from __future__ import annotations

from schemas.report import Actor, Mention
from transforms.actors.lexicon import SEAT, SHORT, Sense, actor_id
from transforms.actors.tagger import ActorTagger

LISTED = "a name of the list"
BY_SEAT = "a seat of government"
BY_SHORT_NAME = "a short name that the entry makes certain"
BY_NOUN = "a noun that means it, as the entry names it"
BY_FORM = "a title or post beside the name"
BY_STATE = "a body of a state that is named"


def reason(tagger: ActorTagger, actor: Actor, mention: Mention) -> str:
    """Why the tagger took the mention for the actor."""
    sense = _sense(tagger, actor, mention)
    if sense is not None:
        return {SEAT: BY_SEAT, SHORT: BY_SHORT_NAME}.get(sense.kind, LISTED)
    if any(actor_id(spec) == actor.id for spec in tagger.specs):
        return BY_NOUN
    return BY_FORM if actor.kind == "person" else BY_STATE


def _sense(tagger: ActorTagger, actor: Actor, mention: Mention) -> Sense | None:
    """The meaning of the mention's words, on any list, that is the actor."""
    senses = tagger.lexicon.senses_of(mention.text)
    return next((s for s in senses if s.index >= 0 and actor_id(tagger.specs[s.index]) == actor.id), None)
