"""Refusals that look like answers are told apart, left alone for four hours, and never met with a false name."""

from __future__ import annotations

import pytest
from feed_history import DAY, FEED, History

from transforms.feeds.document import Document
from transforms.feeds.fetch import Response
from transforms.feeds.intake import Outcome, Taken
from transforms.feeds.refusals import page_class

FEED_LINK = '<link rel="alternate" type="application/rss+xml" href="/rss">'


def page(title: str, body: str = "", head: str = "") -> str:
    return f"<!doctype html><html><head><title>{title}</title>{head}</head><body>{body}</body></html>"


@pytest.mark.parametrize(
    ("source", "url", "expected"),
    [
        (page("Just a moment..."), FEED.url, "challenge"),
        (page("paper.example", '<script src="/cdn-cgi/challenge-platform/h/b/orchestrate/x"></script>'), FEED.url, "challenge"),
        (page("paper.example", '<script src="https://ct.captcha-delivery.com/c.js"></script>'), FEED.url, "challenge"),
        (page("", '<iframe src="/_Incapsula_Resource?SWUDNSAI=31"></iframe>'), FEED.url, "challenge"),
        (page("DDoS-Guard"), FEED.url, "challenge"),
        (page("Pardon Our Interruption"), FEED.url, "challenge"),
        (page("Just a moment...", head=FEED_LINK), FEED.url, "challenge"),
        (page("Before you continue to The Paper"), FEED.url, "consent"),
        (page("Ihre Daten"), "https://consent.paper.example/?back=feed", "consent"),
        (page("The Paper"), "https://paper.example/privacy-gate?to=/feed", "consent"),
        (page("paper.example", "<p>This domain is for sale!</p>"), FEED.url, "parked"),
        (page("paper.example", '<script src="https://www.sedoparking.com/x.js"></script>'), FEED.url, "parked"),
        (page("paper.example - This domain name is for sale"), FEED.url, "parked"),
        (page("Account Suspended"), FEED.url, "parked"),
        (page("Sign in | The Paper"), FEED.url, "login"),
        (page("The Paper", '<input name="p" type="password">'), FEED.url, "login"),
        (page("The Paper"), "https://paper.example/login?next=/feed", "login"),
        (page("The Paper", "<h1>Today</h1>"), FEED.url, ""),
        (page("The Paper", '<input type="password">', FEED_LINK), FEED.url, ""),  # its front page, with a login in a corner
        (page("Blog in brief: design in Berlin"), FEED.url, ""),  # whole words only
        (page("Moment of truth, just a day before the talks"), FEED.url, ""),
        ("", FEED.url, ""),
    ],
)
def test_pages(source: str, url: str, expected: str) -> None:
    assert page_class(source.encode(), url) == expected
    assert page_class(source.upper().encode(), url.upper()) == expected


def refused(feed: History, source: str) -> Taken:
    response = Response(200, FEED.url, {}, body=source.encode())
    return feed.take(Outcome(feed.clock(), None, response, Document("html", "it is a web page, not a feed")))


@pytest.mark.parametrize(
    ("title", "kind"),
    [("Just a moment...", "challenge"), ("Before you continue", "consent"), ("Domain for sale", "parked"), ("Log in", "login")],
)
def test_each_is_left_alone_for_four_hours_and_then_longer_but_never_given_up(title: str, kind: str) -> None:
    feed = History()
    taken = refused(feed, page(title))
    assert [failed.reason for failed in taken.failures] == [kind]
    assert taken.counts[kind] == 1
    assert "<title>" in taken.failures[0].payload
    pauses = [feed.pause]
    for _ in range(4):
        refused(feed.after(DAY), page(title))
        pauses.append(feed.pause)
    assert pauses == pytest.approx([240, 480, 960, 1440, 1440], rel=0.06)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (403, {"cf_mitigated": "challenge"}),
        (503, {"cf_mitigated": "challenge"}),
        (429, {"cf_mitigated": "challenge"}),
        (202, {"x_amzn_waf_action": "challenge"}),
        (405, {"x_amzn_waf_action": "captcha"}),
    ],
)
def test_challenges_that_headers_name(status: int, headers: dict[str, str]) -> None:
    feed = History()
    assert [failed.reason for failed in feed.status(status, **headers).failures] == ["challenge"]
    assert feed.pause == pytest.approx(240, rel=0.06)


def test_a_page_that_is_merely_the_wrong_one_is_asked_again_as_usual() -> None:
    feed = History()
    assert [failed.reason for failed in refused(feed, page("The Paper")).failures] == ["not-a-feed-html"]
    assert feed.pause == pytest.approx(15, rel=0.06)
