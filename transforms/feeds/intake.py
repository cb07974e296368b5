"""Takes in the outcome of one poll: entries, failures and the feed's next state. Pure: no clock, no network."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from schemas.entry import Entry, content_hash, credible_time
from schemas.failure import Failure, failure
from transforms.feeds import gaps, moves, schedule, trust
from transforms.feeds.document import BadItem, Document
from transforms.feeds.fetch import LOOPBACK, FetchError, Response, Validators
from transforms.feeds.identity import MAX_EDITS, Recognised, recognise
from transforms.feeds.opml import Feed
from transforms.feeds.refusals import SENTENCES, is_challenge, page_class
from transforms.feeds.rhythm import next_rhythm
from transforms.feeds.state import FeedState, Known

STAGE = "PollFeeds"
MINUTE = 60 * schedule.SECOND
DAY = 24 * 60  # minutes
REMEMBER = 30 * DAY  # an entry that left the document; one that is in it is never forgotten
REMEMBER_AT_LEAST = 200  # entries, or four documents full: what comes back after more than that is news again
REMIND = 24 * 60 * MINUTE
SHOWN = 2_000  # bytes of a document that is no feed
FASTEST_ABROAD = 60.0  # seconds: nobody's server but our own is polled more often, whatever the base interval


@dataclass(frozen=True)
class Outcome:
    """How a poll ended: with an `error`, or with a `response`, and a `document` if there was a body to read.

    ended      microseconds since 1970 when the response was complete
    body_hash  of the body as received; if it equals the state's, the body was not read again and `document` is None
    earlier    pages with the entries before the document's, read because nothing in it was known (gaps.py)
    check      it was asked without validators to see whether "not modified" is true (trust.py)
    """

    ended: int
    error: FetchError | None = None
    response: Response | None = None
    document: Document | None = None
    body_hash: str = ""
    earlier: tuple[Document, ...] = ()
    check: bool = False


@dataclass(frozen=True)
class Taken:
    """What a poll yields. `counts`: how often what happened ("polls", "unchanged", "entries", "edits", error classes, ...)."""

    state: FeedState
    entries: tuple[Entry, ...] = ()
    failures: tuple[Failure, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)


def take_in(feed: Feed, state: FeedState, outcome: Outcome, base: float, longest: float = 0.0) -> Taken:
    """Apply the outcome to the feed's state; `base` is the base interval in seconds, `longest` what it may grow to while a
    feed shows little new (0: it never grows)."""
    if state.address or not LOOPBACK.fullmatch(feed.host):
        base = max(base, FASTEST_ABROAD)
    if base < FASTEST_ABROAD:
        longest = base  # a server of our own, polled every few seconds: nobody is spared by asking less
    if outcome.check:  # however it ended: a check that failed is not made again at every poll
        state = replace(state, checked_at=outcome.ended)
    kind, sentence = verdict(outcome, state)
    counts = Counter({"polls": 1, kind: 1})
    if outcome.response:
        counts["bytes"] = len(outcome.response.body)
    entries: tuple[Entry, ...] = ()
    failures: list[Failure] = []
    if outcome.document and outcome.document.is_feed:
        state, entries, failures = _take_document(feed, state, outcome, outcome.document, counts)
    if kind in ("read", "same", "unchanged"):
        state = _good(feed, state, outcome, base, longest, counts)
    else:
        state, report = _bad(feed, state, outcome, base, kind, sentence)
        failures += report
    counts["entries"] += len(entries)
    return Taken(state, entries, tuple(failures), counts)


def verdict(outcome: Outcome, state: FeedState) -> tuple[str, str]:
    """The class of an outcome and a sentence about it: "read", "same" (body), "unchanged" (304), or an error class."""
    if outcome.error:
        return outcome.error.kind, str(outcome.error)
    response, document = outcome.response, outcome.document
    assert response is not None
    if response.status == 304:
        if response.asked and state.validators:
            return "unchanged", ""
        return "unexpected-304", "the server says that nothing changed though it was not asked"
    if response.status not in (200, 203, 226):
        return _status_class(response), f"the server answers with status {response.status}"
    if document is None:
        return "same", ""
    if response.cut or document.cut:
        return "cut-off", "the document ends before it is complete"
    if document.kind == "over-budget":
        return "over-budget", document.complaint
    if document.kind == "html" and (refusal := page_class(response.body, response.url)):
        return refusal, SENTENCES[refusal]
    if not document.is_feed:
        return f"not-a-feed-{document.kind}", document.complaint
    if document.expired:
        return "expired", "the feed says that it has ended"
    if document.complaint and not document.items:
        return "broken", document.complaint
    return "read", document.complaint


def _status_class(response: Response) -> str:
    status = response.status
    if is_challenge(response.headers):
        return "challenge"
    named = {401: "unauthorized", 402: "forbidden", 403: "forbidden", 404: "not-found", 410: "gone", 429: "rate-limited"}
    named |= {451: "forbidden", 503: "unavailable"}
    if status in named:
        return named[status]
    return "server-error" if status >= 500 else "redirect" if 300 <= status < 400 else "http-status"


def _good(feed: Feed, state: FeedState, outcome: Outcome, base: float, longest: float, counts: Counter[str]) -> FeedState:
    response, now = outcome.response, outcome.ended
    assert response is not None
    seen = (
        (1, 1) if response.status == 226 else (counts["known"] + counts["edits"], counts["new"])
    )  # 226 leaves out what is known
    rhythm = next_rhythm(state.rhythm, base, longest, *seen, gap=bool(counts["gaps"]))
    pace = max(rhythm, trust.SLOWEST_PACE) if trust.is_distrusted(state, now) else max(rhythm, base)
    lifetime = schedule.freshness(response.headers, outcome.ended)
    if lifetime is None:  # RFC 9111, 4.3.4: a 304 that says nothing leaves standing what the document came with
        lifetime = state.lifetime if response.status == 304 else 0
    pause = schedule.after_success(pace, lifetime, state.advice)
    return replace(
        moves.after_success(state, response, now),
        due=schedule.due(outcome.ended, pause, feed.url, state.skip_hours, state.skip_days),
        validators=_validators(response, state),
        lifetime=lifetime,
        failures=0,
        trouble="",
        last_read=now,
        rhythm=rhythm,
        limited_until=0,
    )


def _validators(response: Response, state: FeedState) -> Validators:
    if response.status == 304:
        old = state.validators
        return Validators(old.url, response.etag or old.etag, response.last_modified or old.last_modified)
    return Validators(response.url, response.etag, response.last_modified)


def _bad(
    feed: Feed, state: FeedState, outcome: Outcome, base: float, kind: str, sentence: str
) -> tuple[FeedState, list[Failure]]:
    headers = outcome.response.headers if outcome.response else {}
    wait = schedule.retry_after(headers, outcome.ended)
    failed = moves.after_failure(replace(state, failures=state.failures + 1), kind)
    if kind == "rate-limited":
        failed = replace(failed, limited_until=schedule.limit_ends(headers, outcome.ended))
    went_back = bool(state.address and not failed.address)  # what the new address says does not end the feed
    pause = schedule.after_failure(base, "not-found" if went_back and kind == "gone" else kind, failed.failures, wait)
    due = None if pause is None else schedule.due(outcome.ended, pause, feed.url)
    reported, failures = state.reported, []
    if kind != reported[0] or outcome.ended - reported[1] >= REMIND:
        reported = (kind, outcome.ended)
        payload = outcome.response.body[:SHOWN] if outcome.response else b""
        failures.append(failure(STAGE, kind, sentence, feed.name, payload))
    return replace(failed, due=due, trouble=kind, reported=reported), failures


def _take_document(
    feed: Feed, state: FeedState, outcome: Outcome, document: Document, counts: Counter[str]
) -> tuple[FeedState, tuple[Entry, ...], list[Failure]]:
    minute = outcome.ended // MINUTE
    response = outcome.response
    assert response is not None
    whole = response.status != 226 and not response.cut and not document.cut and not (document.complaint and not document.items)
    recognised = recognise(feed.name, document.items, state.known)
    items, gap = len(document.items), []
    if whole and gaps.may_miss(state, recognised):
        found = gaps.search(feed.name, state, document.items, outcome.earlier)
        counts["gaps-closed" if found.closed else "gaps"] += 1
        if not found.closed:
            sentence = gaps.complaint(state, len(recognised), len(outcome.earlier))
            gap.append(failure(STAGE, "possible-gap", sentence, feed.name))
        items += len(found.missing)
        recognised = recognise(feed.name, (*document.items, *found.missing), state.known)
    known = dict(state.known)
    entries = []
    for item in recognised:
        entry = _entry(feed, state, outcome.ended, document, item)
        novelty = _novelty(item, entry)
        counts[novelty] += 1
        version = item.known.version if item.known else 1
        if novelty in ("new", "edits"):
            version = entry.version
            entries.append(entry)
        known[item.entry_id] = Known(entry.content_hash[:16], version, minute, item.keys)
    counts["rekeyed"] += any(item.rekeyed for item in recognised)
    counts["repeats"] += items - len(recognised)
    failures = _bad_items(feed, document.bad_items, known, minute)
    counts["bad-items"] += len(failures)
    failures += gap
    if outcome.check and trust.has_lied(state, response, (entry.published for entry in entries)):
        counts["liars"] += 1
        failures.append(failure(STAGE, "lying-validators", trust.complaint(state), feed.name))
        state = replace(state, distrusted=outcome.ended)
    if document.complaint and document.items:
        counts["salvaged"] += 1
    if entries and whole:
        observed = (outcome.ended - state.changed_at) // schedule.SECOND if state.changed_at and not outcome.check else 0
        usual = trust.usual_silence(document.items, outcome.ended, observed)
        state = replace(state, changed_at=outcome.ended, usual_silence=usual)
    if whole:
        known = _remembered(known, state, minute, len(recognised))
        state = replace(
            state,
            body_hash=outcome.body_hash,
            advice=(document.ttl or 0) * 60,
            skip_hours=document.skip_hours,
            skip_days=document.skip_days,
            first_read=state.first_read or outcome.ended,
            document_at=minute,
            complaint=document.complaint,
        )
    entries.sort(key=lambda entry: (entry.time, entry.id))
    return replace(state, known=known), tuple(entries), failures


def _entry(feed: Feed, state: FeedState, now: int, document: Document, recognised: Recognised) -> Entry:
    item = recognised.item
    return Entry(
        id=recognised.entry_id,
        version=recognised.known.version + 1 if recognised.known else 1,
        content_hash=content_hash(item.title, item.summary, item.text),
        published=item.published,
        seen_at=now,
        time=credible_time(item.published, now),
        backfill=not state.first_read,
        feed=feed.name,
        outlet=feed.outlet,
        url=item.link,
        title=item.title,
        summary=item.summary,
        text=item.text,
        language=item.language or document.language,
    )


def _novelty(recognised: Recognised, entry: Entry) -> str:
    if recognised.known is None:
        return "new"
    if recognised.known.hash == entry.content_hash[:16]:
        return "known"
    return "edits" if recognised.known.version < MAX_EDITS else "edits-dropped"


def _bad_items(feed: Feed, bad_items: Sequence[BadItem], known: dict[str, Known], minute: int) -> list[Failure]:
    """A Failure for each bad item that was not reported before; it is remembered like an entry."""
    failures = []
    for bad in bad_items:
        digest = hashlib.sha256(f"{feed.name}\x1f{bad.reason}\x1f{bad.payload}".encode("utf-8", "surrogatepass")).hexdigest()
        if digest[:16] not in known:
            failures.append(failure(STAGE, bad.reason, bad.error, feed.name, bad.payload))
        known[digest[:16]] = Known(digest[16:32], 1, minute)
    return failures


def _remembered(known: dict[str, Known], state: FeedState, minute: int, in_document: int) -> dict[str, Known]:
    """Without the entries that left the document long ago, and without the oldest if there are too many.

    What was in the previous document counts as seen until now: a quiet feed's entries must not be old the moment it stirs.
    """
    kept = {}
    for entry_id, entry in known.items():
        if entry.seen != minute and entry.seen == state.document_at:
            entry = replace(entry, seen=minute - 1)
        if entry.seen >= minute - REMEMBER:
            kept[entry_id] = entry
    room = max(REMEMBER_AT_LEAST, 4 * in_document)
    if len(kept) > room:
        newest = sorted(kept, key=lambda i: (-kept[i].seen, i))[:room]
        kept = {entry_id: kept[entry_id] for entry_id in newest}
    return kept
