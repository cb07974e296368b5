"""The ledger: a fold that can be written down at any time, and that loses no alert between a fold and a publish."""

from __future__ import annotations

import json
from typing import Any

import pytest
from apache_beam import coders
from factories import HOUR, NOON, a_report, a_signal, a_watch, an_entry
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import Report, Story
from transforms.alerts import AlertPolicy
from transforms.stories.ledger import FOLDED_REACH, MUTED, OUTBOX, OUTBOX_REACH, StoryLedger, Trace, trace_coder, trace_of
from transforms.stories.members import Members

WATCH = a_watch()
POLICY = AlertPolicy(WATCH)
DAY = 24 * HOUR
TRACES_OF = coders.IterableCoder(trace_coder())


def report(n: int, kind: str = "BUILDUP", **fields: Any) -> Report:
    """Report n: its own subject, in words of its own, an hour after the one before it; at position n of the log."""
    time = NOON + n * HOUR
    entry = an_entry(
        f"entry-{n:03}", time, title=f"Matter {n} of {kind.lower()}", summary=f"It is about number {n}.", outlet=f"Outlet {n}"
    )
    return a_report(entry, (a_signal(kind, source=f"Actor {n}"),), subject=n, **{"position": n + 1, **fields})


def ledger(mute_until: int = 0) -> StoryLedger:
    return StoryLedger(WATCH, POLICY, mute_until)


def outcome(result: tuple[Report, Story | None]) -> tuple[Any, ...]:
    completed, story = result
    return completed.relation, completed.story_id, story


def test_a_ledger_folds_and_keeps_the_alerts_it_raised() -> None:
    book = ledger()
    completed, story = book.fold(report(0))
    assert completed.relation == "new"
    assert story is not None
    assert story.judgement is not None
    assert story.judgement.alert
    _, trifle = book.fold(report(1, "GESTURE"))
    assert trifle is not None
    assert book.unconfirmed() == [story]
    assert book.position == 2


def test_the_position_is_the_farthest_not_the_latest() -> None:
    book = ledger()
    for position in (5, 9, 7):
        book.fold(report(position, position=position))
    assert book.position == 9


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["BUILDUP", "GESTURE", "ATTACK"])), max_size=12), st.integers(0, 12))
def test_a_ledger_written_down_anywhere_goes_on_as_if_nothing_had_happened(log: list[tuple[int, str]], cut: int) -> None:
    reports = [report(n, kind) for n, kind in log]
    undisturbed = ledger()
    wanted = [outcome(undisturbed.fold(r)) for r in reports]

    first = ledger()
    found = [outcome(first.fold(r)) for r in reports[:cut]]
    second = StoryLedger.restore(WATCH, POLICY, first.state())
    assert second.unconfirmed() == first.unconfirmed()
    assert second.position == first.position
    found += [outcome(second.fold(r)) for r in reports[cut:]]
    assert found == wanted
    assert second.state() == undisturbed.state()


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["BUILDUP", "GESTURE", "ATTACK"]), st.integers(0, 1)), max_size=12))
def test_what_is_retraced_leads_to_the_same_ledger_without_a_question_to_the_index(log: list[tuple[int, str, int]]) -> None:
    """With the same line of the log again, the same text at another place in it, and alerts that are silenced."""
    reports = [report(n, kind, position=n + 1 + 50 * late) for n, kind, late in log]
    undisturbed, retraced = ledger(mute_until=3), ledger(mute_until=3)
    traces = [trace_of(*undisturbed.fold(r)) for r in reports]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Members, "near", None)
        for trace in TRACES_OF.decode(TRACES_OF.encode(traces)):
            retraced.retrace(Trace(*trace))
    assert retraced.unconfirmed() == undisturbed.unconfirmed()
    assert retraced.state() == undisturbed.state()


@given(st.integers(1, 8), st.integers(0, 8), st.integers(1, 40))
@settings(max_examples=25)
def test_a_piece_of_the_log_read_again_changes_nothing_however_much_time_it_spans(cut: int, again: int, days: int) -> None:
    reports = []
    for n in range(9):
        entry = an_entry(f"entry-{n}", NOON + n * days * DAY, title=f"Matter {n % 3}", summary="It is so.", outlet=f"Outlet {n}")
        reports.append(a_report(entry, (a_signal("BUILDUP", source=f"Actor {n % 3}"),), subject=n % 3, position=1_000 * (n + 1)))
    undisturbed = ledger()
    wanted = [outcome(undisturbed.fold(r)) for r in reports]

    first = ledger()
    for r in reports[:cut]:
        first.fold(r)
    second = StoryLedger.restore(WATCH, POLICY, first.state())
    for n in range(max(0, cut - again), cut):
        completed, story = second.fold(reports[n])
        assert (completed.relation, completed.story_id, story) == ("replay", wanted[n][1], None)
    assert [outcome(second.fold(r)) for r in reports[cut:]] == wanted[cut:]
    assert second.state() == undisturbed.state()


def test_what_the_ledger_remembers_of_the_log_is_bounded() -> None:
    book = ledger()
    for n in range(6):
        book.fold(report(n, position=1 + n * FOLDED_REACH // 2))
    assert len(json.loads(book.state().partition(b"\n")[0])["folded"]) == 3


def test_after_a_restore_what_was_folded_is_a_replay_and_its_alerts_are_handed_out_again() -> None:
    book = ledger()
    raised = [book.fold(report(n))[1] for n in range(3)]
    restored = StoryLedger.restore(WATCH, POLICY, book.state())
    assert restored.unconfirmed() == raised
    again = [restored.fold(report(n)) for n in range(3)]
    assert [completed.relation for completed, _ in again] == ["replay"] * 3
    assert [story for _, story in again] == [None] * 3


def test_only_the_latest_alerts_are_kept() -> None:
    book = ledger()
    for n in range(OUTBOX + 5):
        book.fold(report(n))
    kept = [story.latest for story in book.unconfirmed()]
    assert kept == [f"entry-{n:03}" for n in range(5, OUTBOX + 5)]


def test_an_alert_older_than_the_topic_remembers_is_not_handed_out_again() -> None:
    book = ledger()
    book.fold(report(0, position=NOON))
    book.fold(report(1, position=NOON + OUTBOX_REACH // 2))
    book.fold(report(2, "GESTURE", position=NOON + OUTBOX_REACH + 1))
    assert [story.latest for story in StoryLedger.restore(WATCH, POLICY, book.state()).unconfirmed()] == ["entry-001"]


def test_history_under_another_configuration_is_folded_silently() -> None:
    book = ledger(mute_until=2)
    stories = [book.fold(report(n))[1] for n in range(4)]
    judgements = [s.judgement for s in stories if s is not None and s.judgement is not None]
    assert [j.alert for j in judgements] == [False, False, True, True]
    assert judgements[0].reason == MUTED
    assert [s.latest for s in book.unconfirmed()] == ["entry-002", "entry-003"]


def test_the_silence_outlives_a_restart() -> None:
    book = ledger(mute_until=2)
    book.fold(report(0))
    restored = StoryLedger.restore(WATCH, POLICY, book.state())
    judgements = [story.judgement for n in (1, 2) if (story := restored.fold(report(n))[1]) is not None]
    assert [j.alert for j in judgements if j is not None] == [False, True]


def test_outside_a_log_nothing_is_silenced() -> None:
    _, story = ledger(mute_until=10**18).fold(report(0, position=0))
    assert story is not None
    assert story.judgement is not None
    assert story.judgement.alert


@pytest.mark.parametrize("state", [b"", b"{}", b"[]", b"\xff", b'{"position": 1, "mute_until": 0, "fold": "", "outbox": []}'])
def test_what_is_no_ledger_is_refused(state: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        StoryLedger.restore(WATCH, POLICY, state)
