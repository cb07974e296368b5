"""A feed through many polls, without a network: what each poll brings is said by the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from feed_server import Clock

from schemas.records import micros
from transforms.feeds.document import BadItem, Document, Item
from transforms.feeds.fetch import FetchError, Response
from transforms.feeds.intake import Outcome, Taken, take_in
from transforms.feeds.opml import Feed
from transforms.feeds.state import FeedState, read_line

FEED = Feed("https://paper.example/feed", "Paper")
BASE = 900.0
MINUTE, DAY = 60, 86400


def story(n: int, **changes: object) -> Item:
    link = f"https://paper.example/news/{n}"
    published = micros("2021-12-06T10:00:00") + n
    return replace(
        Item(link, link, f"Convoy {n} crosses the river", f"It was seen at bridge {n}.", "", published, "en"), **changes
    )


class History:
    """One feed through many polls."""

    def __init__(self, feed: Feed = FEED, longest: float = 0.0) -> None:
        self.feed, self.clock, self.state, self.longest = feed, Clock(), FeedState(), longest

    def after(self, seconds: float = 900) -> History:
        self.clock.forward(seconds)
        return self

    def get(
        self,
        *items: Item,
        status: int = 200,
        headers: dict[str, str] | None = None,
        bad: Sequence[BadItem] = (),
        **document: object,
    ) -> Taken:
        read = Document("rss", items=items, bad_items=tuple(bad))
        response = Response(status, self.feed.url, headers or {})
        return self.take(Outcome(self.clock(), None, response, replace(read, **document), body_hash=str(hash(items))))

    def status(self, status: int, asked: bool = False, **headers: str) -> Taken:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.take(Outcome(self.clock(), None, Response(status, self.feed.url, named, asked=asked)))

    def fail(self, kind: str) -> Taken:
        return self.take(Outcome(self.clock(), FetchError(kind, f"it failed: {kind}")))

    def take(self, outcome: Outcome) -> Taken:
        taken = take_in(self.feed, self.state, outcome, BASE, self.longest)
        self.state = read_line(taken.state.line)
        assert self.state == taken.state, "the state must survive being written and read"
        return taken

    @property
    def pause(self) -> float:
        """Minutes until the next poll, without the spread of up to a tenth."""
        assert self.state.due is not None
        return round((self.state.due - self.clock()) / 60e6 / 1.05, 1)


def titles(taken: Taken) -> list[str]:
    return [entry.title for entry in taken.entries]
