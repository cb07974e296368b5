"""When a feed is polled next, over several polls on a virtual clock: a table of what servers and feeds say, and the rhythm."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count

import pytest
from feed_history import BASE, DAY, History, story
from feed_server import item, rss

from transforms.feeds.document import Document
from transforms.feeds.fetch import Response, Validators
from transforms.feeds.intake import Outcome, take_in
from transforms.feeds.opml import Feed
from transforms.feeds.parse import read_document
from transforms.feeds.poller import is_due
from transforms.feeds.rhythm import next_rhythm
from transforms.feeds.schedule import HOUR
from transforms.feeds.state import FeedState

DATE = "Mon, 06 Dec 2021 12:00:00 GMT"
SY = 'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'
_serial = count()


@dataclass(frozen=True)
class Says:
    """One poll: the status (0: `error`), headers, and what stands in the channel of the document."""

    status: int = 200
    extra: str = ""
    error: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def outcome(self, feed: History) -> Outcome:
        if self.error:
            raise AssertionError("an error is no outcome")
        response = Response(self.status, feed.feed.url, self.headers, '"1"', asked=self.status == 304)
        if self.status not in (200, 226):
            return Outcome(feed.clock(), None, response)
        body = rss(item(1), item(2), item(next(_serial) + 3), extra=self.extra).replace(b"<rss ", f"<rss {SY} ".encode())
        return Outcome(
            feed.clock(), None, response, read_document(body, "application/rss+xml", feed.feed.url), str(next(_serial))
        )


def ok(extra: str = "", **headers: str) -> Says:
    return Says(200, extra, headers={name.replace("_", "-"): value for name, value in headers.items()})


def status(code: int, **headers: str) -> Says:
    return Says(code, headers={name.replace("_", "-"): value for name, value in headers.items()})


def failed(kind: str) -> Says:
    return Says(0, error=kind)


def sy(period: str, frequency: str = "") -> str:
    often = f"<sy:updateFrequency>{frequency}</sy:updateFrequency>" if frequency else ""
    return f"<sy:updatePeriod>{period}</sy:updatePeriod>{often}"


def hours(*skipped: int) -> str:
    return f"<skipHours>{''.join(f'<hour>{hour}</hour>' for hour in skipped)}</skipHours>"


def days(*skipped: str) -> str:
    return f"<skipDays>{''.join(f'<day>{day}</day>' for day in skipped)}</skipDays>"


M = 60
TABLE: list[tuple[str, list[Says], float | None]] = [
    # What HTTP says of freshness: RFC 9111, 4.2.1.
    ("nothing is said", [ok()], 15 * M),
    ("max-age", [ok(cache_control="max-age=3600")], HOUR),
    ("max-age under the base interval", [ok(cache_control="max-age=60")], 15 * M),
    ("max-age of half a day", [ok(cache_control="public, max-age=43200")], 12 * HOUR),
    ("max-age of a year counts as a day", [ok(cache_control="max-age=31536000")], DAY),
    ("max-age less Age", [ok(cache_control="max-age=3600", age="1200")], 40 * M),
    ("max-age that Age has used up", [ok(cache_control="max-age=3600", age="3600")], 15 * M),
    ("s-maxage is for shared caches", [ok(cache_control="s-maxage=7200")], 15 * M),
    ("no-cache voids max-age", [ok(cache_control="no-cache, max-age=3600")], 15 * M),
    ("no-store", [ok(cache_control="no-store")], 15 * M),
    ("max-age that is no number", [ok(cache_control="max-age=soon")], 15 * M),
    ("Expires less Date", [ok(expires="Mon, 06 Dec 2021 14:00:00 GMT", date=DATE)], 2 * HOUR),
    ("Expires by the server's clock", [ok(expires="Tue, 07 Dec 2021 14:00:00 GMT", date="Tue, 07 Dec 2021 13:00:00 GMT")], HOUR),
    ("Expires in the past", [ok(expires="Mon, 06 Dec 2021 11:00:00 GMT", date=DATE)], 15 * M),
    ("Expires 0", [ok(expires="0")], 15 * M),
    ("max-age beats Expires", [ok(cache_control="max-age=1800", expires="Mon, 06 Dec 2021 22:00:00 GMT", date=DATE)], 30 * M),
    # What the feed says of itself.
    ("ttl", [ok("<ttl>45</ttl>")], 45 * M),
    ("ttl under the base interval", [ok("<ttl>5</ttl>")], 15 * M),
    ("ttl of a day counts as an hour", [ok("<ttl>1440</ttl>")], HOUR),
    ("ttl 0", [ok("<ttl>0</ttl>")], 15 * M),
    ("ttl that is no number", [ok("<ttl>often</ttl>")], 15 * M),
    ("sy hourly", [ok(sy("hourly"))], HOUR),
    ("sy hourly, twice", [ok(sy("hourly", "2"))], 30 * M),
    ("sy daily counts as an hour", [ok(sy("daily"))], HOUR),
    ("sy daily, 40 times", [ok(sy("daily", "40"))], 36 * M),
    ("sy frequency 0", [ok(sy("hourly", "0"))], HOUR),
    ("sy frequency 0.1", [ok(sy("hourly", "0.1"))], HOUR),
    ("sy misspelt", [ok(sy("dayly"))], 15 * M),
    ("sy always", [ok(sy("always"))], 15 * M),
    ("ttl and max-age: the longer", [ok("<ttl>30</ttl>", cache_control="max-age=2400")], 40 * M),
    ("ttl and sy: ttl", [ok("<ttl>20</ttl>" + sy("hourly"))], 20 * M),
    # The clock stands at Monday noon, so a pause of 15 minutes ends at 12:15 to 12:17.
    ("an hour to skip", [ok(hours(12))], HOUR),
    ("three hours to skip", [ok(hours(12, 13, 14))], 3 * HOUR),
    ("hours to skip that are not now", [ok(hours(3, 4, 5))], 15 * M),
    ("hour 24 is hour 0", [ok(hours(24))], 15 * M),
    ("all hours to skip is a mistake", [ok(hours(*range(24)))], 15 * M),
    ("a day to skip", [ok(days("Monday"))], 12 * HOUR),
    ("a day to skip that is not today", [ok(days("Sunday"))], 15 * M),
    ("a day and an hour to skip", [ok(days("Monday") + hours(0, 1))], 14 * HOUR),
    ("an hour to skip after a ttl", [ok("<ttl>60</ttl>" + hours(13))], 2 * HOUR),
    # 304 and 226.
    ("304 says nothing: what the document came with stands", [ok(cache_control="max-age=7200"), status(304)], 2 * HOUR),
    ("304 says less", [ok(cache_control="max-age=7200"), status(304, cache_control="max-age=1800")], 30 * M),
    ("304 says more", [ok(), status(304, cache_control="max-age=7200")], 2 * HOUR),
    ("304: the ttl of the document stands", [ok("<ttl>45</ttl>"), status(304)], 45 * M),
    ("304 after a failure", [ok(), failed("timeout"), failed("timeout"), status(304)], 15 * M),
    ("200 says nothing any more", [ok(cache_control="max-age=7200"), ok()], 15 * M),
    ("226 is an answer", [ok(), Says(226)], 15 * M),
    # Retry-After: RFC 9110, 10.2.3; RFC 6585, 4.
    ("429", [status(429)], HOUR),
    ("429, twice", [status(429), status(429)], 2 * HOUR),
    ("429, five times", [status(429)] * 5, 16 * HOUR),
    ("429, for ever", [status(429)] * 12, DAY),
    ("429 with seconds", [status(429, retry_after="7200")], 2 * HOUR),
    ("429 with few seconds", [status(429, retry_after="10")], HOUR),
    ("429 with a date", [status(429, retry_after="Mon, 06 Dec 2021 17:00:00 GMT", date=DATE)], 5 * HOUR),
    ("429 with a date that is past", [status(429, retry_after="Mon, 06 Dec 2021 09:00:00 GMT", date=DATE)], HOUR),
    ("429 with rubbish", [status(429, retry_after="later")], HOUR),
    ("429 with a year", [status(429, retry_after="31536000")], 7 * DAY),
    ("503", [status(503)], 15 * M),
    ("503 with seconds", [status(503, retry_after="5400")], 90 * M),
    ("500 with seconds", [status(500, retry_after="5400")], 90 * M),
    ("404 with seconds", [status(404, retry_after="5400")], 90 * M),
    ("200 after 429", [status(429), status(429), ok()], 15 * M),
    # Failures.
    ("timeout", [failed("timeout")], 15 * M),
    ("timeout, three times", [failed("timeout")] * 3, HOUR),
    ("no network for a night", [failed("dns")] * 40, HOUR),
    ("500, four times", [status(500)] * 4, 2 * HOUR),
    ("500, for ever", [status(500)] * 20, 4 * HOUR),
    ("401", [status(401)], 4 * HOUR),
    ("403", [status(403)], 4 * HOUR),
    ("403, twice", [status(403)] * 2, 8 * HOUR),
    ("a challenge", [status(403, cf_mitigated="challenge")], 4 * HOUR),
    ("a challenge of another make", [status(202, x_amzn_waf_action="challenge")], 4 * HOUR),
    ("404", [status(404)], 15 * M),
    ("404, for ever", [status(404)] * 12, DAY),
    ("404 never ends it", [status(404)] * 50, DAY),
    ("304 to a request that asked for none", [Says(304, error="unexpected-304")], 15 * M),
    ("an address inside", [failed("address-refused")], 4 * HOUR),
    ("410 ends it", [ok(), status(410)], None),
    ("410 with Retry-After ends it all the same", [status(410, retry_after="60")], None),
    ("a failure keeps neither ttl nor freshness", [ok("<ttl>60</ttl>", cache_control="max-age=7200"), failed("connect")], 15 * M),
    ("a good answer ends the back-off", [failed("timeout"), failed("timeout"), ok()], 15 * M),
]  # fmt: skip


@pytest.mark.parametrize(("script", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_next_poll_is_due(script: list[Says], expected: float | None) -> None:
    feed = History()
    for says in script:
        if says.status == 304 and says.error:
            feed.status(304)
        elif says.error:
            feed.fail(says.error)
        else:
            feed.take(says.outcome(feed))
    if expected is None:
        assert feed.state.due is None
        assert not is_due(feed.state, feed.clock() + 365 * DAY * 1_000_000)
        return
    assert feed.state.due is not None
    pause = (feed.state.due - feed.clock()) / 1e6
    assert expected <= pause <= expected * 1.1
    assert not is_due(feed.state, feed.clock() + int(expected * 1e6) - 1)
    assert is_due(feed.state, feed.clock() + int(expected * 1.1 * 1e6) + 1)


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len(TABLE) >= 60
    assert len({row[0] for row in TABLE}) == len(TABLE)


@pytest.mark.parametrize(
    ("rhythm", "known", "new", "expected"),
    [
        (0, 0, 20, 900),  # the first document
        (900, 0, 0, 1125),  # not modified: wholly known
        (900, 19, 1, 1125),
        (900, 68, 32, 1125),
        (900, 66, 34, 900),
        (900, 34, 66, 900),
        (3000, 0, 0, 3600),
        (3600, 0, 0, 3600),
        (3600, 19, 1, 1800),  # a quiet feed that stirs
        (1700, 19, 1, 1800),
        (1800, 10, 10, 1800),
        (1800, 6, 14, 900),
        (3600, 6, 14, 1800),
        (900, 0, 20, 900),
    ],
)
def test_the_rhythm_follows_the_share_of_what_is_known(rhythm: float, known: int, new: int, expected: int) -> None:
    assert next_rhythm(rhythm, BASE, HOUR, known, new) == expected


def test_a_rhythm_may_be_switched_off_and_a_gap_ends_it() -> None:
    assert next_rhythm(900, BASE, 0, 0, 0) == BASE
    assert next_rhythm(3600, BASE, HOUR, 19, 1, gap=True) == BASE
    assert next_rhythm(3600, 2 * HOUR, HOUR, 0, 0) == 2 * HOUR


def test_a_server_of_our_own_that_is_polled_every_two_seconds_stays_so() -> None:
    feed, state = Feed("http://127.0.0.1:8000/feed", "Paper"), FeedState()
    document = Document("rss", items=(story(1),))
    for _ in range(20):
        state = take_in(feed, state, Outcome(0, None, Response(200, feed.url, {}), document), 2.0, HOUR).state
    assert (state.due or 0) <= 2_200_000


class Publisher:
    """A feed of the latest 20 entries, which come at the given moments (seconds)."""

    def __init__(self, moments: list[float]) -> None:
        self.moments = moments

    def polled(self, longest: float, duration: float) -> tuple[int, set[int], set[int]]:
        """Polls as due: how many there were, which entries were heard, which should have been."""
        feed = History(longest=longest)
        start, polls, heard, last = feed.clock(), 0, set[int](), list[int]()
        while (now := (feed.clock() - start) / 1e6) <= duration:
            out = [n for n, moment in enumerate(self.moments) if moment <= now][-20:]
            if polls and out == last:
                feed.state = replace(feed.state, validators=Validators(feed.feed.url, '"1"'))
                feed.status(304, asked=True)
            else:
                heard |= {int(entry.title.split()[1]) for entry in feed.get(*(story(n) for n in reversed(out))).entries}
            polls, last = polls + 1, out
            assert feed.state.due is not None
            feed.clock.now = feed.state.due
        first = max(0, sum(moment <= 0 for moment in self.moments) - 20)
        return polls, heard, set(range(first, sum(moment <= last_poll(now, duration) for moment in self.moments)))


def last_poll(now: float, duration: float) -> float:
    return min(now, duration) - 2 * HOUR  # what came in the last two hours may be heard later


@pytest.mark.parametrize(
    ("every", "saves"),
    [(HOUR * 6, 2.5), (HOUR, 1.5), (600, 1.5), (150, 1.0), (60, 1.0)],
    ids=["four a day", "hourly", "every ten minutes", "every 150 seconds", "every minute"],
)
def test_a_rhythm_misses_nothing_and_asks_less(every: float, saves: float) -> None:
    publisher = Publisher([(n - 20) * every for n in range(20 + int(3 * DAY / every))])
    fixed, heard_fixed, expected = publisher.polled(0, 3 * DAY)
    polls, heard, _ = publisher.polled(HOUR, 3 * DAY)
    assert expected <= heard_fixed
    assert expected <= heard
    assert polls <= fixed / saves
