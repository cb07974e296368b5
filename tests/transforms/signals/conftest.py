"""Taggers over the shared taxonomy and the tests' own cast."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from signal_cast import ROOT, SIDES, actors, entry  # type: ignore[import-not-found]

from schemas.config import read_yaml
from schemas.taxonomy import Taxonomy
from schemas.watch import Gate, Relevance, Watch
from transforms.signals.tagger import SignalTagger, tagger_for


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    return read_yaml(ROOT / "watches" / "shared" / "signals.yaml", Taxonomy)


@pytest.fixture(scope="session")
def watches(taxonomy: Taxonomy) -> dict[str, Watch]:
    return {
        name: Watch(
            name=name,
            title=name,
            sides=sides,
            gate=Gate(),
            relevance=Relevance(description=("x",)),
            directory=ROOT,
            actors=(),
            taxonomy=taxonomy,
        )
        for name, sides in SIDES.items()
    }


@pytest.fixture(scope="session")
def taggers(watches: dict[str, Watch]) -> dict[str, SignalTagger]:
    return {name: SignalTagger(watch) for name, watch in watches.items()}


@pytest.fixture(scope="session")
def reading(watches: dict[str, Watch]) -> dict[str, SignalTagger]:
    """The taggers as they are shipped, with the reader: slower."""
    return {name: tagger_for(watch, "") for name, watch in watches.items()}


@pytest.fixture(scope="session")
def tag(taggers: dict[str, SignalTagger]) -> Callable[..., tuple]:
    """tag(title, summary="", text="", watch="build-up", published=...) -> signals."""

    def tagged(title: str, summary: str = "", text: str = "", watch: str = "build-up", **kwargs: str) -> tuple:
        e = entry(title, summary, text, **kwargs)
        return taggers[watch].tag(e, actors(("title", title), ("summary", summary), ("text", text)))

    return tagged
