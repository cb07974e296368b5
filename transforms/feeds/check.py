"""Polls each feed of a list once and says what is wrong with it and what to do: `vedette feeds check FEEDS.opml`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from schemas.entry import Entry
from schemas.failure import Failure
from schemas.records import EPOCH, MICROSECOND
from transforms.feeds.opml import Feed, read_opml
from transforms.feeds.poller import USER_AGENT, Poller, PollOptions, wall_clock
from transforms.feeds.state import FeedState

STALE_AFTER = timedelta(days=30)
_COLOURS = {"well": "green", "weak": "yellow"}

# What to do about a class of failure.
ADVICE = {
    "address-refused": "use a public address, or --allow-local-addresses if the server is your own",
    "bad-response": "tell the publisher; the server does not speak HTTP as it should",
    "bad-url": "correct the URL",
    "broken": "tell the publisher; a validator such as validator.w3.org/feed shows where the XML breaks",
    "challenge": "the publisher wants a person; ask for the feed to be let through, or take another feed",
    "bad-item": "tell the publisher; the other entries are read",
    "consent": "ask the publisher for an address without the page, or take another feed",
    "cut-item": "try again; if it stays so, tell the publisher",
    "connect": "try again later; if it stays so, look for the feed's new address",
    "cut-off": "try again; if it stays so, tell the publisher",
    "dns": "check the spelling of the host; the site may be gone",
    "empty-item": "none needed: the other entries are read",
    "encoding": "tell the publisher; the server compresses in a way that was not asked for",
    "expired": "take the feed off the list; it has ended",
    "forbidden": "set --user-agent to name you and a way to reach you, or ask the publisher",
    "gone": "take the feed off the list; the publisher has closed it",
    "http-status": "open the URL in a browser; if it looks well there, tell the publisher",
    "internal": "report it to the makers of this program",
    "login": "use an address with a token if the publisher gives one, or https://name:password@host/...",
    "not-a-feed-binary": "correct the URL; it leads to a file",
    "not-a-feed-empty": "try again later; the server sends nothing",
    "not-a-feed-html": "correct the URL: look in the page's source for a link of type application/rss+xml",
    "not-a-feed-json-other": "correct the URL; it is an API, not a JSON Feed",
    "not-a-feed-unreadable": "correct the URL",
    "not-a-feed-xml-other": "correct the URL; sitemaps and lists of feeds are not polled",
    "not-found": "look for the feed's new address on the site",
    "over-budget": "tell the publisher; the document takes too long to read",
    "parked": "take the feed off the list, or look for the outlet's new site",
    "rate-limited": "poll less often, or list fewer feeds of this host",
    "redirect": "open the URL in a browser and list the address it ends at",
    "server-error": "try again later",
    "timeout": "try again later; the server is slow or hangs",
    "tls": "check that the site's certificate is valid",
    "too-many-items": "none needed: the newest entries stand first in most feeds",
    "too-large": "ask the publisher for a feed with fewer entries",
    "unauthorized": "the feed needs a password: https://name:password@host/...",
    "unexpected-304": "tell the publisher; a cache in front of the server answers wrongly",
    "unavailable": "try again later",
}


@dataclass(frozen=True)
class Row:
    """One feed as it was found.

    status  "well", "weak" (it can be polled, but something is wrong with it), or a class of failure
    newest  the date of its newest entry, None if no entry has one that can be true
    is_read whether a document could be read, whole or in part
    """

    feed: Feed
    status: str
    entries: int = 0
    newest: datetime | None = None
    is_read: bool = False
    problems: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


def check_feeds(
    opml: Path | str,
    user_agent: str = "",
    allow_local: bool = False,
    deadline: float = 20.0,
    clock: Callable[[], int] = wall_clock,
) -> list[Row]:
    """Poll each feed of the list once, all at the same time. Raises ConfigError if the list itself is wrong."""
    feeds = read_opml(opml)
    options = PollOptions(
        base_interval=1.0, deadline=deadline, user_agent=user_agent or USER_AGENT, allow_local_addresses=allow_local
    )
    now = clock()
    with Poller(options, clock) as poller:
        fresh = {feed.url: FeedState(due=now) for feed in feeds}  # a check does not spread its first polls
        result = poller.round(feeds, fresh, now, patience=None)
    entries: dict[str, list[Entry]] = {feed.name: [] for feed in feeds}
    failures: dict[str, list[Failure]] = {feed.name: [] for feed in feeds}
    for entry in result.entries:
        entries[entry.feed].append(entry)
    for failed in result.failures:
        failures[failed.subject].append(failed)
    return [_row(feed, result.states[feed.url], entries[feed.name], failures[feed.name], now) for feed in feeds]


def feeds_table(rows: list[Row]) -> RenderableType:
    """The rows as a table for the terminal, with a line that counts them."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, leading=1)
    table.add_column("feed", ratio=3, overflow="fold")
    table.add_column("found", no_wrap=True)
    table.add_column("what is wrong, and what to do", ratio=4)
    for row in sorted(rows, key=lambda row: not row.problems):
        entries = f"{row.entries} entr{'y' if row.entries == 1 else 'ies'}" if row.is_read else ""
        newest = f"{row.newest:%Y-%m-%d %H:%M}" if row.newest else ""
        todo = "\n".join(f"[cyan]> {escape(advice)}[/]" for advice in row.advice)
        table.add_row(
            f"[bold]{escape(row.feed.outlet)}[/]\n[dim]{escape(row.feed.name)}[/]",
            f"[{_COLOURS.get(row.status, 'red')}]{escape(row.status)}[/]\n[dim]{', '.join(filter(None, (entries, newest)))}[/]",
            "\n".join(filter(None, (escape("\n".join(row.problems)), todo))),
        )
    well = sum(not row.problems for row in rows)
    summary = f"{well} of {len(rows)} feeds are well" if well < len(rows) else f"all {len(rows)} feeds are well"
    return Group(table, f"\n{summary}")


def _row(feed: Feed, state: FeedState, entries: list[Entry], failures: list[Failure], now: int) -> Row:
    problems = [failed.error for failed in failures]
    advice = [ADVICE[failed.reason] for failed in failures if failed.reason in ADVICE]
    dated = [entry.published for entry in entries if entry.published == entry.time]
    newest = EPOCH + max(dated) * MICROSECOND if dated else None
    status = state.trouble
    if not status and not state.last_read:
        status = "rate-limited"
        problems.append("not asked: other feeds of this host are answered with status 429")
        advice.append(ADVICE[status])
    if not status:
        for problem, what_to_do in (*_defects(state), *_weaknesses(entries, len(dated), newest, now)):
            problems.append(problem)
            advice.append(what_to_do)
        status = "weak" if problems else "well"
    read = bool(entries or state.last_read)
    return Row(feed, status, len(entries), newest, read, tuple(problems), tuple(dict.fromkeys(advice)))


def _defects(state: FeedState) -> list[tuple[str, str]]:
    """What is wrong with how a feed came that could be read all the same."""
    found = []
    if state.complaint:
        found.append((state.complaint, "none needed: it is read all the same; the publisher may want to know"))
    if state.moving[0]:
        found.append(("the feed has moved for good", f"list {state.moving[0]} instead"))
    return found


def _weaknesses(entries: list[Entry], dated: int, newest: datetime | None, now: int) -> list[tuple[str, str]]:
    """What is weak about a feed that can be polled."""
    if not entries:
        return [("the feed has no entries", "see whether the publisher has moved to another feed")]
    found = []
    undated = len(entries) - dated
    if undated:
        number = "no entry has" if undated == len(entries) else f"{undated} of {len(entries)} entries do not have"
        found.append((f"{number} a date that can be true", "none needed: the time of polling stands for the date"))
    if newest and EPOCH + now * MICROSECOND - newest > STALE_AFTER:
        found.append(
            (f"nothing new since {newest.astimezone(UTC):%Y-%m-%d}", "see whether the publisher has moved to another feed")
        )
    if not any(entry.url for entry in entries):
        found.append(("no entry has a link", "none needed: alerts will have no address to follow"))
    return found


__all__ = ["ADVICE", "Row", "check_feeds", "feeds_table"]
