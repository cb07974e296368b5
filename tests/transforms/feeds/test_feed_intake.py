"""What becomes of a poll: which entries are new, which are edits, what is reported, and what is remembered."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from feed_history import DAY, FEED, History, story, titles

from schemas.records import micros
from transforms.feeds.document import BadItem, Document
from transforms.feeds.fetch import Response, Validators
from transforms.feeds.identity import canonical
from transforms.feeds.intake import MAX_EDITS, Outcome, take_in
from transforms.feeds.opml import Feed
from transforms.feeds.state import FeedState, read_line


def test_what_a_feed_holds_at_first_is_backfill_and_what_comes_later_is_not() -> None:
    feed = History()
    assert [entry.backfill for entry in feed.get(story(1), story(2)).entries] == [True, True]
    (new,) = feed.after().get(story(1), story(2), story(3)).entries
    assert (new.backfill, new.version, new.outlet, new.feed) == (False, 1, "Paper", FEED.url)
    assert feed.after().get(story(1), story(2), story(3)).entries == ()


def test_a_first_document_that_is_cut_off_leaves_the_rest_backfill() -> None:
    feed = History()
    feed.get(story(1), cut=True)
    assert [entry.backfill for entry in feed.after().get(story(1), story(2)).entries] == [True]
    assert feed.state.first_read


def test_entries_come_oldest_first_with_the_credible_date() -> None:
    feed = History()
    undated, future = story(2, published=None), story(3, published=micros("2041-01-01"))
    entries = feed.get(future, undated, story(1)).entries
    assert entries[0].title[7] == "1"
    by_title = {entry.title[7]: entry for entry in entries}
    assert by_title["2"].published is None
    assert by_title["2"].time == by_title["3"].time == feed.clock()
    assert by_title["3"].published == micros("2041-01-01")
    assert by_title["1"].time == by_title["1"].published


def test_an_edit_is_the_next_version_of_the_same_entry() -> None:
    feed = History()
    (first,) = feed.get(story(1)).entries
    (second,) = feed.after().get(story(1, title="Convoy 1 turns back")).entries
    (third,) = feed.after().get(story(1, title="Convoy 1 turns back", summary="It left at noon.")).entries
    assert first.id == second.id == third.id
    assert [first.version, second.version, third.version] == [1, 2, 3]
    assert len({first.content_hash, second.content_hash, third.content_hash}) == 3


def test_a_feed_that_churns_is_heard_a_bounded_number_of_times() -> None:
    feed = History()
    versions = [e.version for i in range(60) for e in feed.after().get(story(1, summary=f"{i} readers")).entries]
    assert versions == list(range(1, MAX_EDITS + 1))


def test_a_password_stays_with_the_poller() -> None:
    secret = History(Feed("https://reader:secret@paper.example/feed", "Paper"))
    (entry,) = secret.get(story(1)).entries
    (failed,) = secret.after().fail("dns").failures
    assert entry.feed == failed.subject == FEED.url
    assert entry.id == History().get(story(1)).entries[0].id


def test_the_same_article_in_two_feeds_has_two_ids_and_the_same_words() -> None:
    (one,) = History().get(story(1)).entries
    (other,) = History(Feed("https://paper.example/world", "Paper")).get(story(1)).entries
    assert one.id != other.id
    assert one.content_hash == other.content_hash


@pytest.mark.parametrize(
    "changed",
    [
        {"guid": "http://paper.example/news/1"},
        {"guid": "https://www.paper.example/news/1"},
        {"guid": "https://new-host.example/news/1", "link": "https://new-host.example/news/1"},
        {"guid": "4711"},
        {"guid": ""},
        {"published": micros("2021-12-07")},
        {"published": None},
        {"link": "https://paper.example/news/1?utm_source=rss&utm_medium=feed"},
    ],
)
def test_an_item_whose_guid_link_or_date_changes_is_not_new(changed: dict[str, object]) -> None:
    feed = History()
    feed.get(story(1), story(2))
    assert titles(feed.after().get(story(1, **changed), story(2))) == []
    assert titles(feed.after().get(story(1, **changed), story(2))) == []
    assert titles(feed.after().get(story(1), story(2))) == []


def test_a_guid_that_all_items_share_loses_none() -> None:
    feed = History()
    same = [story(n, guid="https://paper.example/") for n in (1, 2, 3)]
    assert len({entry.id for entry in feed.get(*same).entries}) == 3
    assert titles(feed.after().get(*same)) == []
    assert len(feed.after().get(story(4, guid="https://paper.example/"), *same).entries) == 1


def test_a_guid_that_was_unique_and_then_is_shared() -> None:
    feed = History()
    feed.get(story(1, guid="x"))
    assert titles(feed.after().get(story(1, guid="x"), story(2, guid="x"))) == ["Convoy 2 crosses the river"]


def test_an_entry_is_taken_by_one_item_only() -> None:
    feed = History()
    feed.get(story(1))
    both = [
        story(1, guid="http://paper.example/news/1"),
        story(1, guid="http://old.paper.example/news/1", title="An older report"),
    ]
    (new,) = feed.after().get(*both).entries
    assert (new.title, new.version) == ("An older report", 1)
    assert titles(feed.after().get(*both)) == []


def test_items_without_guid_go_by_link_and_without_either_by_their_words() -> None:
    feed = History()
    plain = [story(1, guid=""), story(2, guid="", link=""), story(3, guid="", link="")]
    assert len(feed.get(*plain).entries) == 3
    assert titles(feed.after().get(*plain)) == []
    (edit,) = feed.after().get(story(1, guid="", title="Convoy 1 stops"), *plain[1:]).entries
    assert edit.version == 2


def test_a_link_that_all_items_share_tells_nothing() -> None:
    feed = History()
    home = "https://paper.example/"
    assert len(feed.get(*(story(n, guid="", link=home) for n in (1, 2, 3))).entries) == 3
    assert titles(feed.after().get(*(story(n, guid="", link=home) for n in (2, 3, 4)))) == ["Convoy 4 crosses the river"]


def test_an_item_that_stands_twice_is_one_entry() -> None:
    assert len(History().get(story(1), story(1), story(2)).entries) == 2


def test_a_site_that_renumbers_everything_brings_no_news() -> None:
    feed = History()
    feed.get(*(story(n) for n in range(10)))
    moved = [story(n, guid=f"urn:{n + 500}", link=f"https://other.example/?p={n + 500}") for n in range(10)]
    assert titles(feed.after().get(*moved)) == []
    assert titles(feed.after().get(*moved)) == []
    assert titles(feed.after().get(*moved, story(11, guid="urn:900"))) == ["Convoy 11 crosses the river"]


def test_a_feed_whose_document_is_all_new_after_a_gap_is_heard() -> None:
    feed = History()
    feed.get(*(story(n) for n in range(10)))
    assert len(feed.after(2 * DAY).get(*(story(n) for n in range(20, 30))).entries) == 10


def test_two_reports_under_the_same_title_are_two() -> None:
    feed = History()
    feed.get(*(story(n, title="Morning briefing") for n in range(6)))
    assert len(feed.after().get(*(story(n, title="Morning briefing") for n in range(7))).entries) == 1
    assert len(feed.after(DAY).get(story(9, title="Morning briefing")).entries) == 1


def test_a_quiet_feed_brings_nothing_back_after_two_months() -> None:
    feed = History()
    feed.get(*(story(n) for n in range(5)))
    feed.state = replace(feed.state, validators=Validators(FEED.url, '"1"'))
    for _ in range(60):
        assert feed.after(DAY).status(304, asked=True).counts["unchanged"] == 1
    assert titles(feed.after().get(*(story(n) for n in range(1, 6)))) == ["Convoy 5 crosses the river"]
    assert titles(feed.after().get(*(story(n) for n in range(6)))) == []


def test_what_is_remembered_is_bounded() -> None:
    feed = History()
    for day in range(300):
        feed.after(DAY / 24).get(*(story(n) for n in range(day * 10, day * 10 + 20)))
    assert len(feed.state.known) == 200
    assert len(feed.state.line) < 16_000


def test_a_part_of_a_feed_says_nothing_about_the_rest() -> None:
    feed = History()
    feed.get(story(1), story(2))
    assert titles(feed.after().get(story(3), status=226)) == ["Convoy 3 crosses the river"]
    assert titles(feed.after().get(story(1), story(2), story(3))) == []


@pytest.mark.parametrize(
    ("status", "kind", "minutes"),
    [
        (401, "unauthorized", 240),
        (403, "forbidden", 240),
        (404, "not-found", 15),
        (418, "http-status", 15),
        (429, "rate-limited", 60),
        (451, "forbidden", 240),
        (500, "server-error", 15),
        (503, "unavailable", 15),
        (304, "unexpected-304", 15),
        (300, "redirect", 15),
        (204, "http-status", 15),
    ],
)
def test_statuses(status: int, kind: str, minutes: float) -> None:
    feed = History()
    taken = feed.status(status)
    assert [failed.reason for failed in taken.failures] == [kind]
    assert taken.failures[0].subject == FEED.url
    assert str(status) in taken.failures[0].error or status == 304
    assert feed.pause == pytest.approx(minutes, rel=0.06)


def test_a_challenge_is_told_from_a_refusal() -> None:
    assert History().status(403, cf_mitigated="challenge").failures[0].reason == "challenge"


def test_a_feed_that_is_gone_is_not_polled_again() -> None:
    feed = History()
    assert feed.status(410).failures[0].reason == "gone"
    assert feed.state.due is None
    ended = History()
    assert titles(ended.get(story(1), expired=True)) == ["Convoy 1 crosses the river"]
    assert ended.state.due is None


def test_retry_after_is_obeyed_on_any_failure() -> None:
    feed = History()
    feed.status(503, retry_after="7200")
    assert feed.pause == pytest.approx(120, rel=0.06)
    feed.after(7200).status(500, retry_after="Mon, 06 Dec 2021 20:00:00 GMT", date="Mon, 06 Dec 2021 14:00:00 GMT")
    assert feed.pause == pytest.approx(360, rel=0.06)


def test_pauses_grow_with_each_failure_and_fall_back_when_the_feed_is_well() -> None:
    feed = History()
    pauses = []
    for _ in range(5):
        feed.after().fail("server-error")
        pauses.append(feed.pause)
    assert pauses == pytest.approx([15, 30, 60, 120, 240], rel=0.06)
    feed.after().get(story(1))
    assert feed.pause == pytest.approx(15, rel=0.06)
    feed.after().fail("server-error")
    assert feed.pause == pytest.approx(15, rel=0.06)


def test_freshness_is_kept_over_an_answer_that_says_nothing_of_it() -> None:
    feed = History()
    feed.get(story(1), headers={"cache-control": "max-age=7200"})
    assert feed.pause == pytest.approx(120, rel=0.06)
    feed.state = replace(feed.state, validators=Validators(FEED.url, '"1"'))
    feed.after(7200).status(304, asked=True)
    assert feed.pause == pytest.approx(120, rel=0.06)
    feed.after(7200).status(304, asked=True, cache_control="max-age=60")
    assert feed.pause == pytest.approx(15, rel=0.06)


def test_what_the_feed_asks_for_is_kept() -> None:
    feed = History()
    feed.get(story(1), ttl=45)
    assert feed.pause == pytest.approx(45, rel=0.06)
    feed.after().get(story(1), ttl=45, skip_hours=(13,))
    assert feed.state.due == micros("2021-12-06T14:00:00")


def test_validators_are_replaced_each_by_itself_and_go_when_they_are_gone() -> None:
    feed = History()

    def answer(status: int, etag: str, modified: str) -> Validators:
        response = Response(status, FEED.url, {}, etag, modified, asked=True)
        document = Document("rss", items=(story(1),)) if status == 200 else None
        feed.after().take(Outcome(feed.clock(), None, response, document))
        return feed.state.validators

    assert answer(200, '"1"', "Mon") == Validators(FEED.url, '"1"', "Mon")
    assert answer(304, '"2"', "") == Validators(FEED.url, '"2"', "Mon")
    assert answer(304, "", "Tue") == Validators(FEED.url, '"2"', "Tue")
    assert answer(200, '"3"', "Tue") == Validators(FEED.url, '"3"', "Tue")
    assert answer(200, "", "") == Validators(FEED.url)


def test_validators_change_though_the_body_does_not() -> None:
    feed = History()
    feed.take(Outcome(feed.clock(), None, Response(200, FEED.url, {}, '"1"'), Document("rss", items=(story(1),)), "same"))
    touched = feed.after().take(Outcome(feed.clock(), None, Response(200, FEED.url, {}, '"2"'), None, "same"))
    assert touched.counts["same"] == 1
    assert feed.state.validators.etag == '"2"'


@pytest.mark.parametrize(
    "damage", [{"cut": True}, {"kind": "html", "items": (), "complaint": "a page"}, {"complaint": "broken", "items": ()}]
)
def test_a_damaged_document_leaves_what_is_known_as_it_was(damage: dict[str, object]) -> None:
    feed = History()
    feed.get(story(1), story(2))
    before = feed.state
    assert feed.after().get(story(1), **damage).failures
    assert feed.state.validators == before.validators
    assert feed.state.known.keys() == before.known.keys()
    assert titles(feed.after().get(story(1), story(2))) == []


def test_a_class_of_failure_is_reported_when_it_begins_and_once_a_day() -> None:
    feed = History()
    reported = [[f.reason for f in feed.after(3600).fail(kind).failures] for kind in ("dns", "dns", "timeout", "timeout", "dns")]
    assert reported == [["dns"], [], ["timeout"], [], ["dns"]]
    a_day = [bool(feed.after(3600).fail("dns").failures) for _ in range(48)]
    assert sum(a_day) == 2
    assert a_day[23]


def test_a_page_instead_of_a_feed_is_kept_as_evidence() -> None:
    feed = History()
    response = Response(200, FEED.url, {}, body=b"<html>Sign in</html>" * 500)
    (failed,) = feed.take(Outcome(feed.clock(), None, response, Document("html", "it is a web page, not a feed"))).failures
    assert (failed.stage, failed.reason) == ("PollFeeds", "not-a-feed-html")
    assert failed.payload.startswith("<html>Sign in")
    assert len(failed.payload) == 2000


def test_a_bad_item_is_reported_once_while_it_stands_in_the_feed() -> None:
    feed = History()
    bad = BadItem("empty-item", "the item has neither a title nor a text", "guid='7'")
    first = feed.get(story(1), bad=[bad])
    assert [failed.reason for failed in first.failures] == ["empty-item"]
    assert first.counts["read"] == 1
    assert feed.after().get(story(1), bad=[bad]).failures == ()


def test_nobody_elses_server_is_polled_every_two_seconds() -> None:
    outcome = Outcome(0, None, Response(200, FEED.url, {}), Document("rss"))
    assert (take_in(FEED, FeedState(), outcome, 2.0).state.due or 0) >= 60_000_000
    own = Feed("http://127.0.0.1:8000/feed", "Paper")
    assert (take_in(own, FeedState(), outcome, 2.0).state.due or 0) < 3_000_000


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://www.paper.example/a/", "https://paper.example/a", True),
        ("https://paper.example/a?utm_source=x&id=1", "https://paper.example/a?id=1", True),
        ("https://paper.example:443/a", "https://paper.example/a", True),
        ("https://paper.example/a?id=1", "https://paper.example/a?id=2", False),
        ("https://paper.example/live#1", "https://paper.example/live#2", False),
        ("https://paper.example/a", "https://other.example/a", False),
        ("https://paper.example:8080/a", "https://paper.example/a", False),
    ],
)
def test_canonical_links(one: str, other: str, same: bool) -> None:
    assert (canonical(one) == canonical(other)) == same


# A state as the first release wrote it.
FIRST_RELEASE = (
    b'{"due":1638792949000000,"validators":{"url":"https://paper.example/feed","etag":"\\"1\\"","last_modified":""},'
    b'"lifetime":600,"skip_hours":[3,4],"body_hash":"00112233445566aa","reported":["dns",7],"first_read":1638792000000000,'
    b'"last_read":1638792000000000,"document_at":27313200,'
    b'"known":"ASNFZ4mrze/+3LqYdlQyEAABAaDDsAIREREREREiIiIiIiI="}'
)


def test_a_state_of_the_first_release_can_be_read_and_goes_on() -> None:
    state = read_line(FIRST_RELEASE)
    assert (state.rhythm, state.changed_at, state.checked_at, state.distrusted, state.limited_until) == (0, 0, 0, 0, 0)
    assert (state.moving, state.address, state.complaint) == (("", 0, 0), "", "")
    assert (state.validators.etag, state.skip_hours, state.reported) == ('"1"', (3, 4), ("dns", 7))
    assert state.known["0123456789abcdef"].keys == ("111111111111", "222222222222")
    feed = History(longest=3600)
    feed.state = state
    assert titles(feed.after(2000).get(story(1))) == ["Convoy 1 crosses the river"]
    assert feed.state.changed_at == feed.clock()


def test_a_state_with_everything_in_it_survives_being_written_and_read() -> None:
    state = FeedState(
        due=None, rhythm=1800, changed_at=1, usual_silence=2, checked_at=3, distrusted=4, moving=("https://new.example/", 5, 2),
        address="https://new.example/feed", limited_until=6, complaint="the XML is broken", skip_days=(0, 6),
    )  # fmt: skip
    assert read_line(state.line) == state
    assert read_line(b'{"from_a_later_release": 1, "failures": 2}') == FeedState(failures=2)


@pytest.mark.parametrize(
    "changes",
    [
        {"guid": "http://www.paper.example/news/1"},  # http for https, another host
        {"guid": "urn:uuid:1", "title": "Convoy 1 turns back", "summary": "It did."},  # the link tells, edited or not
        {"guid": "", "link": "https://www.paper.example/russia/convoy-crosses-river/amp?utm_source=rss"},
        {"guid": "urn:uuid:1", "link": "https://other.example/?p=1"},  # title, text and date tell
    ],
)
def test_an_entry_under_a_new_guid_is_the_entry_it_was(changes: dict[str, str]) -> None:
    feed = History()
    link = "https://paper.example/russia/convoy-crosses-river"
    (before,) = feed.get(story(1, link=link)).entries
    for entry in feed.after().get(story(1, **{"link": link} | changes), story(2)).entries:
        assert (entry.id, entry.version) == (before.id, 2) if "1" in entry.title else entry.version == 1
    assert feed.after().get(story(1, **{"link": link} | changes), story(2)).entries == ()


def test_a_guid_that_moves_to_another_host_is_known_by_its_path_alone() -> None:
    feed = History()
    (before,) = feed.get(story(1, guid="http://paper.example/2021/bridge")).entries
    moved = story(1, guid="https://www.new.example/2021/bridge", link="", title="Convoy 1 turns back", published=None)
    (after,) = feed.after().get(moved).entries
    assert (after.id, after.version) == (before.id, 2)


def test_a_guid_or_link_that_all_items_share_tells_nothing_where_it_stands_alone_either() -> None:
    for shared in (
        {"guid": "paper"},
        {"guid": "", "link": "https://paper.example/"},
        {"guid": "paper", "link": "https://paper.example/"},
    ):
        feed = History()
        feed.get(*(story(n, **shared) for n in range(5)))
        assert feed.after().get(story(4, **shared)).entries == ()
        ids = {entry.id for n in (5, 6, 7) for entry in feed.after().get(story(n, **shared)).entries}
        assert len(ids) == 3


def test_an_item_that_stands_twice_has_the_id_it_would_have_alone() -> None:
    (alone,) = History().get(story(1)).entries
    assert [entry.id for entry in History().get(story(1), story(1)).entries] == [alone.id]


def test_what_a_429_left_behind_goes_with_a_good_answer() -> None:
    feed = History()
    feed.status(429, retry_after="7200")
    assert feed.state.limited_until == feed.clock() + 7200 * 1_000_000
    feed.after(7200).get(story(1))
    assert feed.state.limited_until == 0


def test_a_daily_briefing_under_new_guids_is_new_each_day() -> None:
    feed = History()
    for day in range(10):
        briefing = story(day, title="Morning briefing", summary="What you need to know.", published=feed.clock())
        assert len(feed.after(DAY).get(briefing).entries) == 1


def test_a_page_that_carries_ever_other_news_under_new_guids_loses_none() -> None:
    feed = History()
    link = "https://paper.example/live/all-the-latest-news"
    words = [f"At {n} o'clock." for n in range(3 * MAX_EDITS)]
    heard = [
        entry.summary for n, text in enumerate(words) for entry in feed.after().get(story(n, link=link, summary=text)).entries
    ]
    assert heard == words


@pytest.mark.parametrize("seed", range(40))
def test_random_histories_against_an_oracle(seed: int) -> None:
    """Whatever a feed does (edits, new guids, new dates, quiet weeks, cut documents), each article is new exactly once and
    every edit that is seen is heard."""
    rng = random.Random(seed)
    feed, count, guids = History(), 12, "https://paper.example/news/"
    words: dict[int, str] = {}
    heard: dict[int, list[str]] = {}
    for _ in range(80):
        feed.after(rng.choice([900, 3600, DAY]))
        happened = rng.random()
        if happened < 0.15:
            feed.state = replace(feed.state, validators=Validators(FEED.url, '"1"'))
            assert feed.status(304, asked=True).entries == ()
            continue
        if happened < 0.25:
            assert feed.fail(rng.choice(["dns", "timeout"])).entries == ()
            continue
        if happened < 0.32:
            guids = rng.choice(["http://paper.example/news/", "https://paper.example/news/", "https://paper.example/?p="])
        elif happened < 0.6:
            count += rng.randint(1, 6)
        shown = range(count - 12, count)
        if rng.random() < 0.3:
            n = rng.choice(shown)
            words[n] = f"It was seen again, {rng.random()}."
        items = [story(n, guid=f"{guids}{n}", summary=words.setdefault(n, f"It was seen at {n}.")) for n in shown]
        if rng.random() < 0.2:
            items = [replace(one, published=feed.clock()) for one in items]
        rng.shuffle(items)
        for entry in feed.get(*items).entries:
            n = int(entry.title.split()[1])
            heard.setdefault(n, []).append(entry.id)
            assert entry.version == len(heard[n])
            assert entry.summary == words[n]
    assert sorted(heard) == list(range(min(heard), count))
    assert all(len(set(ids)) == 1 for ids in heard.values())
    assert len({ids[0] for ids in heard.values()}) == len(heard)
