"""The lists that are shipped, and entries to tag."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from schemas import Actor, Entry, content_hash, micros
from schemas.config import read_yaml
from schemas.watch import ActorsFile, ActorSpec

WATCHES = Path(__file__).parents[3] / "watches"
Ask = Callable[..., tuple[Actor, ...]]


def listed(*folders: str) -> tuple[ActorSpec, ...]:
    """The actors of the lists; one of a later list replaces one of the same name, as `load_watch` does it."""
    specs = [s for f in folders for s in read_yaml(WATCHES / f / "actors.yaml", ActorsFile).actors]
    return tuple({s.name: s for s in specs}.values())


def an_entry(title: str = "", summary: str = "", text: str = "", day: str = "2021-12-15") -> Entry:
    time = micros(day)
    digest = content_hash(title, summary, text)
    return Entry("e", 1, digest, time, time, time, False, "feed", "outlet", "https://example.org/e", title, summary, text)
