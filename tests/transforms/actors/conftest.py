"""The tagger over the lists that are shipped, and a short way to ask it."""

from __future__ import annotations

import pytest
from actor_entries import Ask, an_entry, listed

from transforms.actors import ActorTagger


@pytest.fixture(scope="session")
def tagger() -> ActorTagger:
    return ActorTagger(listed("shared", "ukraine"))


@pytest.fixture(scope="session")
def tag(tagger: ActorTagger) -> Ask:
    """The actors of an entry made of title, summary, text and day."""
    return lambda *fields, **more: tagger.tag(an_entry(*fields, **more))
