"""The recordings that come with the watches: invented outlets, true dates, and all that feeds do in the wild."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipelines.recording import Recording, serve
from schemas import micros
from transforms.feeds.opml import read_opml
from transforms.feeds.poller import Poller, PollOptions
from transforms.feeds.state import FeedState

WATCHES = Path(__file__).parents[2] / "watches"
UKRAINE, TAIWAN = WATCHES / "ukraine", WATCHES / "taiwan-strait"
TODAY, HOUR = micros("2026-05-01"), 3600 * 10**6
OPTIONS = PollOptions(base_interval=1.0, deadline=5.0, user_agent="vedette tests", allow_local_addresses=True)


@cache
def sample(watch: Path) -> Recording:
    return Recording.load(watch / "sample")


def firsts(watch: Path):
    return [version for version in sample(watch).versions if version.number == 1]


@pytest.mark.parametrize(
    ("watch", "start", "end"),
    [(UKRAINE, datetime(2021, 11, 1), datetime(2022, 2, 25)), (TAIWAN, datetime(2022, 7, 28), datetime(2022, 8, 31))],
)
def test_entries_are_dated_within_the_crisis(watch, start, end):
    assert all(start.replace(tzinfo=UTC) <= version.at < end.replace(tzinfo=UTC) for version in sample(watch).versions)


@pytest.mark.parametrize("watch", [UKRAINE, TAIWAN])
def test_outlets_are_invented_and_have_reserved_domains(watch):
    assert all(urlsplit(outlet.home).hostname.endswith(".example") for outlet in sample(watch).outlets)
    assert {version.outlet.slug for version in sample(watch).versions} == {outlet.slug for outlet in sample(watch).outlets}


@pytest.mark.parametrize("watch", [UKRAINE, TAIWAN])
def test_identities_are_unique(watch):
    for name in ("id", "url", "guid"):
        counted = Counter(getattr(version, name) for version in firsts(watch) if getattr(version, name))
        assert counted.most_common(1)[0][1] == 1, name


@pytest.mark.parametrize("watch", [UKRAINE, TAIWAN])
def test_a_feed_never_changes_twice_in_the_same_second(watch):
    """Last-Modified could not tell the two apart."""
    moments = Counter((version.outlet.slug, version.at) for version in sample(watch).versions)
    assert moments.most_common(1)[0][1] == 1


@pytest.mark.parametrize("watch", [UKRAINE, TAIWAN])
def test_wording_reads_like_a_feed(watch):
    for version in sample(watch).versions:
        assert 15 <= len(version.title) <= 130, version.id
        assert 40 <= len(version.summary) <= 420, version.id
        assert not re.search(r"\s\s|\n", version.title + version.summary), version.id
        assert not re.search(r"[“”\"]", version.title + version.summary), f"{version.id}: no words are put in a real mouth"


def test_the_sample_is_large_and_a_quarter_to_a_third_is_not_about_the_crisis():
    entries = firsts(UKRAINE)
    assert len(entries) >= 160
    assert len(sample(UKRAINE).outlets) >= 9
    assert 0.25 <= sum(version.decoy for version in entries) / len(entries) <= 0.33


def test_the_sample_has_copies_changed_headlines_and_edits():
    runs = Counter(version.id.partition("/")[2] for version in firsts(UKRAINE))
    assert sum(count > 1 for count in runs.values()) >= 30
    assert max(runs.values()) >= 4
    originals = {}
    changed = 0
    for version in firsts(UKRAINE):
        first = originals.setdefault(version.id.partition("/")[2], version)
        assert version.summary == first.summary
        changed += version.title != first.title
    assert changed >= 15
    assert sum(version.number > 1 for version in sample(UKRAINE).versions) >= 8
    assert sum(bool(version.text) for version in firsts(UKRAINE)) >= 5


def test_the_sample_has_the_quirks_of_feeds_in_the_wild():
    outlets = sample(UKRAINE).outlets
    assert {outlet.format for outlet in outlets} == {"rss", "atom", "json"}
    assert any(outlet.guids == "none" and outlet.format == "rss" for outlet in outlets)
    assert any(not outlet.dated for outlet in outlets)
    assert any(outlet.breaks_every for outlet in outlets)
    assert any(outlet.html for outlet in outlets)


def test_the_undated_outlet_prints_nothing_that_could_be_folded():
    """Its entries count as of today: one in a story would put every other entry of the recording into the past."""
    undated = [version for version in sample(UKRAINE).versions if not version.outlet.dated]
    assert len(undated) >= 5
    assert all(version.decoy for version in undated)
    news = re.compile(r"russia|ukrain|moscow|kyiv|nato|putin|troops|invasion|sanction|military|\bwar\b", re.IGNORECASE)
    assert not [version.id for version in undated if news.search(f"{version.title} {version.summary} {version.text}")]


@pytest.mark.parametrize("watch", [UKRAINE, TAIWAN])
def test_old_entries_come_first_and_a_strong_one_soon_after(watch):
    versions = sample(watch).versions
    held = [version for version in versions if version.at < sample(watch).begins]
    assert 2 <= len(held) <= 20
    first_new = versions[len(held) : len(held) + 5]
    assert any(re.search("prepar.* invade|live-fire exercises", version.summary) for version in first_new)


def test_the_small_sample_has_decoys_and_an_escalation():
    entries = firsts(TAIWAN)
    assert 12 <= len(entries) <= 25
    assert sum(version.decoy for version in entries) >= 3


def test_a_second_watch_takes_at_most_60_lines():
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in TAIWAN.iterdir() if path.is_file())
    assert lines <= 60


def test_the_lists_of_public_feeds_can_be_read():
    ukraine, taiwan = read_opml(UKRAINE / "feeds.opml"), read_opml(TAIWAN / "feeds.opml")
    assert len(ukraine) >= 15
    assert len(taiwan) >= 2
    for feeds in (ukraine, taiwan):
        assert len({feed.url for feed in feeds}) == len(feeds)
        assert all(feed.url.startswith("https://") and feed.outlet for feed in feeds)


@pytest.mark.parametrize("watch", [UKRAINE, TAIWAN])
def test_the_poller_gets_every_entry_of_the_sample_and_sees_every_failure(watch, tmp_path):
    elapsed = 0.0
    with serve(sample(watch), minutes=1, clock=lambda: elapsed) as server, Poller(OPTIONS, lambda: TODAY) as poller:
        feeds = read_opml(server.write_opml(tmp_path / "feeds.opml"))
        states = {feed.url: FeedState(due=0) for feed in feeds}
        entries, failures = [], []
        for hour in range(25):  # all feeds are due again after an hour; the recording goes on by 2.5 s
            result = poller.round(feeds, states, TODAY + hour * HOUR, patience=None)
            states |= result.states
            entries += result.entries
            failures += result.failures
            elapsed += 2.5
        assert server.finished

    assert {(entry.outlet, entry.url) for entry in entries} == {(version.outlet.name, version.url) for version in firsts(watch)}
    begins = micros(sample(watch).begins)
    dated = [entry for entry in entries if entry.published is not None]
    assert [entry.id for entry in dated if entry.backfill] == [entry.id for entry in dated if entry.published < begins]
    undated = {outlet.name for outlet in sample(watch).outlets if not outlet.dated}
    assert {entry.outlet for entry in entries if entry.published is None} == undated
    broken = {"server-error", "cut-off", "not-a-feed-html"} if any(o.breaks_every for o in sample(watch).outlets) else set()
    assert broken <= {failure.reason for failure in failures}
    assert bool(failures) == bool(broken)
