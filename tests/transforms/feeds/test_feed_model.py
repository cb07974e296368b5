"""A model of a feed and its publisher: whatever happens, each article is a new entry exactly once, and each edit one version.

The publisher numbers its articles, so the truth is known; the feed shows the latest of them under guids, links and dates
that change as real ones do. A step changes what is shown and polls it, or fails, or restarts. What is left out is what
nobody could tell: an article that gets a new guid, a new link and a new title at once is another article.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from feed_history import BASE, DAY, FEED, History
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from schemas.entry import Entry
from transforms.feeds.document import Document, Item
from transforms.feeds.fetch import Response, Validators
from transforms.feeds.intake import MAX_EDITS, Outcome, Taken

# How a publisher names its articles: with changes of scheme and host, by number, not at all, anew each day, all the same.
GUIDS = (
    "https://paper.example/news/{n}",
    "http://paper.example/news/{n}",
    "https://www.paper.example/news/{n}",
    "urn:article:{n}",
    "",
    "{day}/{n}",
    "https://paper.example/",
)
SITES = ("https://paper.example/2021/{n}-convoy-at-the-river", "https://new.example/?p={n}", "https://app.example/a/{n}")


@dataclass
class Article:
    title: str
    summary: str
    published: int | None
    edits: int = 0
    site: int = 0  # where it was when it was last shown, and when that was
    shown: int = 0


class FeedModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.feed = History(longest=4 * BASE)
        self.articles: dict[int, Article] = {}
        self.guids, self.site, self.size, self.day = 0, 0, 10, 0
        self.shown: list[int] = []
        self.heard: dict[int, list[Entry]] = {}
        self.whole: set[int] | None = None  # what the last whole document showed
        self.before = self.feed.state
        self.last: Taken | None = None

    @initialize(count=st.integers(5, 15), guids=st.sampled_from(range(len(GUIDS))))
    def begin(self, count: int, guids: int) -> None:
        self.guids, self.size = guids, count
        self.add(count)
        self.poll()

    # What a publisher does.

    @rule(count=st.integers(1, 25))
    def publish(self, count: int) -> None:
        self.add(count)
        self.poll()

    @rule(which=st.integers(0, 30), title=st.booleans(), summary=st.booleans())
    def edit(self, which: int, title: bool, summary: bool) -> None:
        article = self.articles[self.shown[which % len(self.shown)]]
        if article.edits < MAX_EDITS - 2 and (title or summary):
            article.edits += 1
            article.title += f" (updated {article.edits})" if title else ""
            article.summary += f" Update {article.edits}." if summary else ""
        self.poll()

    @rule(seconds=st.integers(-DAY, DAY))
    def redate(self, seconds: int) -> None:
        for number in self.shown:
            self.articles[number].published = self.feed.clock() + seconds * 1_000_000 + number
        self.poll()

    @rule(guids=st.sampled_from(range(len(GUIDS))))
    def rename(self, guids: int) -> None:
        """Every item gets another guid, on the same pages."""
        self.guids, self.day = guids, self.day + 1
        self.poll()

    @rule(site=st.sampled_from(range(len(SITES))), guids=st.sampled_from(range(len(GUIDS))))
    def relaunch(self, site: int, guids: int) -> None:
        """Every item gets another guid and another link: the re-key guard's case."""
        self.site, self.guids, self.day = site, guids, self.day + 1
        self.poll()

    @rule(seed=st.integers(0, 1000))
    def shuffle_and_repeat(self, seed: int) -> None:
        self.poll(order=random.Random(seed), repeat=True)

    @rule(back=st.integers(1, 40))
    def bring_back(self, back: int) -> None:
        """An article that had left the feed less than a month ago stands in it again, where it was."""
        number = max(self.articles) - self.size - back
        if number not in self.heard or self.guids in (4, 5, 6):
            return
        article = self.articles[number]
        if article.site == self.site and self.feed.clock() - article.shown < 29 * DAY * 1_000_000:
            self.shown = [number, *self.shown[1:]] if number not in self.shown else self.shown
            self.poll()

    # What servers and networks do.

    @rule(kind=st.sampled_from(["dns", "timeout", "connect"]))
    def no_answer(self, kind: str) -> None:
        assert self.wait().fail(kind).entries == ()

    @rule(status=st.sampled_from([404, 429, 500, 503]))
    def refusal(self, status: int) -> None:
        assert self.wait().status(status).entries == ()

    @rule()
    def page_instead(self) -> None:
        document = Document("html", "it is a web page, not a feed")
        assert self.wait().take(Outcome(self.feed.clock(), None, Response(200, FEED.url, {}), document)).entries == ()

    @rule(keep=st.integers(0, 30), count=st.integers(0, 3))
    def cut_off(self, keep: int, count: int) -> None:
        self.add(count)
        self.poll(cut=keep % (len(self.shown) + 1))

    @precondition(lambda self: self.whole is not None)
    @rule(count=st.integers(1, 4))
    def only_what_changed(self, count: int) -> None:
        self.add(count)
        self.poll(delta=count)

    @rule(days=st.integers(1, 25))
    def quiet_weeks(self, days: int) -> None:
        for _ in range(days):
            self.feed.after(DAY)
            self.feed.state = replace(self.feed.state, validators=Validators(FEED.url, '"1"'))
            assert self.feed.status(304, asked=True).entries == ()

    @rule()
    def crash(self) -> None:
        """The process dies before the last poll is kept: it is made again, and gives the same under the same names."""
        if self.last is None or self.feed.state == self.before:
            return
        again = self.items
        self.feed.state = self.before
        taken = self.feed.take(replace(self.outcome, ended=self.feed.clock()))
        assert again == self.items
        assert [self.name(entry) for entry in taken.entries] == [self.name(entry) for entry in self.last.entries]
        self.last = taken

    @invariant()
    def nobody_is_taken_for_another(self) -> None:
        ids = [versions[0].id for versions in self.heard.values()]
        assert len(set(ids)) == len(ids)

    def teardown(self) -> None:
        if self.articles:
            self.poll()
            assert set(self.shown) <= self.heard.keys()

    # How.

    def wait(self) -> History:
        self.last = None
        return self.feed.after(BASE)

    def add(self, count: int) -> None:
        first = max(self.articles, default=-1) + 1
        for number in range(first, first + count):
            published = self.feed.clock() - (first + count - number) * 1_000_000
            self.articles[number] = Article(f"Convoy {number} crosses the river", f"It was seen at bridge {number}.", published)
        if count:
            self.shown = list(range(max(0, first + count - self.size), first + count))

    def item(self, number: int) -> Item:
        article = self.articles[number]
        article.site, article.shown = self.site, self.feed.clock()
        guid = GUIDS[self.guids].format(n=number, day=self.day)
        link = SITES[self.site].format(n=number + 10_000)
        return Item(guid, link, article.title, article.summary, "", article.published, "en")

    def poll(self, order: random.Random | None = None, repeat: bool = False, cut: int | None = None, delta: int = 0) -> None:
        """Poll what is shown: shuffled, with an item twice, cut off after so many items, or only the last `delta` of them."""
        self.wait()
        numbers = list(reversed(self.shown))
        if order:
            order.shuffle(numbers)
        numbers = numbers[:delta] if delta else numbers if cut is None else numbers[:cut]
        self.items = tuple(self.item(number) for number in (*numbers, *(numbers[:1] if repeat else ())))
        response = Response(226 if delta else 200, FEED.url, {})
        document = Document("rss", items=self.items, cut=cut is not None)
        self.outcome, self.before = Outcome(self.feed.clock(), None, response, document, str(hash(self.items))), self.feed.state
        gap = self.whole is not None and cut is None and not delta and len(numbers) >= 3 and not self.heard.keys() & set(numbers)
        self.last = self.feed.take(self.outcome)
        self.judge(numbers, self.last)
        assert self.last.counts["gaps"] == gap
        if cut is None and not delta:
            self.whole = set(numbers)

    def judge(self, numbers: list[int], taken: Taken) -> None:
        """Each article that was shown is heard if it is new or its words are, once, under its own id."""
        expected = {n for n in numbers if n not in self.heard or self.words(self.heard[n][-1]) != self.text(n)}
        found: dict[int, Entry] = {}
        for entry in taken.entries:
            number = int(entry.title.split()[1])
            assert number not in found
            found[number] = entry
        assert found.keys() == expected
        for number, entry in found.items():
            before = self.heard.setdefault(number, [])
            assert self.words(entry) == self.text(number)
            assert entry.version == len(before) + 1
            assert {entry.id} == {one.id for one in (*before, entry)}
            assert entry.backfill == (self.whole is None)
            before.append(entry)

    def text(self, number: int) -> tuple[str, str]:
        return self.articles[number].title, self.articles[number].summary

    @staticmethod
    def words(entry: Entry) -> tuple[str, str]:
        return entry.title, entry.summary

    @staticmethod
    def name(entry: Entry) -> tuple[str, int, str]:
        return entry.id, entry.version, entry.content_hash


def test_each_article_is_new_exactly_once_and_each_edit_one_version() -> None:
    # The same histories in every run: a test that fails must fail again. `make` more of them with max_examples.
    run_state_machine_as_test(
        FeedModel, settings=settings(max_examples=120, stateful_step_count=40, deadline=None, derandomize=True, database=None)
    )
