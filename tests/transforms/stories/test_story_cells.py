"""A state larger than what a runner takes at once is written in pieces, and nothing is lost in between."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest
from story_cells import StateCells
from story_log import LOG, WATCH

from schemas import Claim, Mention, Report, Story
from transforms.alerts.policy import AlertPolicy
from transforms.checkpoints import Checkpoints
from transforms.stories import cells, journal, keeper
from transforms.stories import transform as module
from transforms.stories.cells import Cells, DamagedState, Head
from transforms.stories.journal import story_checkpoints
from transforms.stories.keeper import Keeper
from transforms.stories.ledger import StoryLedger, trace_schema

CHUNK, BUNDLE = 4_000, 12_000


@dataclass(frozen=True)
class Undisturbed:
    """What the log gives where nothing goes wrong: the state in the end, and the revision that each report makes."""

    state: bytes
    told: list[Story]


@pytest.fixture(scope="module")
def undisturbed() -> Undisturbed:
    ledger = StoryLedger(WATCH, AlertPolicy(WATCH))
    told = [story for report in LOG if (story := ledger.fold(report)[1]) is not None]
    return Undisturbed(ledger.state(), told)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch, undisturbed: Undisturbed) -> None:
    """The snapshot after each report is of several chunks, and takes several bundles."""
    monkeypatch.setattr(cells, "CHUNK", CHUNK)
    monkeypatch.setattr(module, "BUNDLE", BUNDLE)
    monkeypatch.setattr(module, "DELTAS_PER_SNAPSHOT", 1)
    assert len(undisturbed.state) > 3 * BUNDLE


def state(directory: Path | None = None, every: int = 100, log_from: int = 0) -> StateCells:
    checkpoints = story_checkpoints(str(directory) if directory else "")
    return StateCells(Keeper(WATCH, AlertPolicy(WATCH), checkpoints, every, 0, log_from))


def opened(there: StateCells) -> tuple[Cells, Head]:
    values = there.state
    found = Cells(
        values["head"],
        (values["snapshot_0"], values["snapshot_1"]),
        (values["reports_0"], values["reports_1"]),
    )
    return found, found.read_head()


def test_a_snapshot_is_written_over_several_bundles_while_the_fold_goes_on() -> None:
    there = state()
    seen = set()
    written = 0
    for report in LOG:
        there.fold(report)
        found, head = opened(there)
        pieces = [len(chunk) for bag in found.snapshots for chunk in bag.value]
        assert max(pieces) <= CHUNK + 4
        seen.add((bool(head.begun), head.chunks > 3))
        written = max(written, head.chunks)
    assert seen >= {(True, True), (False, True)}
    assert written * CHUNK > 2 * BUNDLE


def test_no_bundle_writes_more_than_it_may() -> None:
    there, before = state(), {"snapshot_0": 0, "snapshot_1": 0}
    for report in LOG:
        there.fold(report)
        after = {name: sum(map(len, there.state[name].value)) for name in before}
        assert sum(max(0, after[name] - before[name]) for name in before) <= BUNDLE + CHUNK
        before = after


@pytest.mark.parametrize("killed_after", range(1, len(LOG)))
def test_whoever_takes_over_in_the_middle_of_a_snapshot_goes_on_as_if_nothing_had_been(
    undisturbed: Undisturbed, killed_after: int
) -> None:
    there = state()
    stories = [story for report in LOG[:killed_after] for story in there.fold(report)]
    there.lose_cache()
    stories += [story for report in LOG[killed_after:] for story in there.fold(report)]
    assert stories == undisturbed.told
    there.lose_cache()
    assert rebuilt(there).state() == undisturbed.state


def test_a_worker_that_changes_all_the_time_changes_nothing(undisturbed: Undisturbed) -> None:
    there, stories = state(), []
    for report in LOG:
        there.lose_cache()
        stories += there.fold(report)
    assert stories == undisturbed.told


def test_a_bundle_that_fails_in_the_middle_of_a_snapshot_changes_nothing(undisturbed: Undisturbed) -> None:
    there, stories = state(), []
    for n, report in enumerate(LOG):
        if n % 3 == 2:
            saved = there.saved()
            there.fold(LOG[(n + 5) % len(LOG)])  # what comes instead when it is tried again differs
            there.roll_back(saved)
        stories += there.fold(report)
    assert stories == undisturbed.told


@pytest.mark.parametrize("moved_after", range(4, 14))
def test_a_process_that_comes_back_does_not_go_on_with_a_snapshot_that_another_dropped(
    undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch, moved_after: int
) -> None:
    """Both have folded the same reports, so the reports alone do not tell the two histories apart."""
    monkeypatch.setattr(module, "BUNDLE", CHUNK)
    monkeypatch.setattr(module, "DELTAS_PER_SNAPSHOT", 4)
    there = state()
    stories = fold_all(there, LOG[:moved_after])
    saved = there.saved()
    there.fold(LOG[moved_after])
    first = dict(keeper._held)
    there.roll_back(saved)
    there.lose_cache()
    stories += there.fold(LOG[moved_after])  # the second process
    there.lose_cache()
    keeper._held.update(first)
    stories += fold_all(there, LOG[moved_after + 1 :])
    there.lose_cache()
    assert stories == undisturbed.told
    assert rebuilt(there).state() == undisturbed.state


def test_a_report_whose_state_could_not_be_written_is_folded_when_it_comes_again(
    undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = state()
    stories = fold_all(there, LOG[:6])
    saved = there.saved()
    with monkeypatch.context() as patch:
        patch.setattr(Cells, "add", failing(MemoryError))
        with pytest.raises(MemoryError):
            there.fold(LOG[6])
    there.roll_back(saved)
    assert stories + fold_all(there, LOG[6:]) == undisturbed.told


def test_a_missing_chunk_is_an_error_and_no_other_state() -> None:
    there = state()
    for report in LOG:
        there.fold(report)
    there.lose_cache()
    _, head = opened(there)
    bag = there.state[f"snapshot_{head.whole}"]
    bag.value = bag.value[1:]
    with pytest.raises(DamagedState, match="chunks"):
        there.fold(replace(LOG[0], position=5_000))


def rebuilt(there: StateCells) -> StoryLedger:
    found, head = opened(there)
    ledger: StoryLedger = there.keeper.rebuilt(WATCH.name, found, head).ledger
    return ledger


# A start from a checkpoint: until a snapshot is in the runner's state, that state leans on the checkpoint.


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    first = state(tmp_path, every=4)
    for report in LOG[:8]:
        first.fold(report)
    assert story_checkpoints(str(tmp_path)).read(WATCH.name) is not None
    return tmp_path


@pytest.mark.parametrize("killed_after", range(9, len(LOG)))
def test_who_takes_over_soon_after_a_start_reads_the_checkpoint_again(
    undisturbed: Undisturbed, checkpoint: Path, killed_after: int
) -> None:
    second = state(checkpoint, every=1)
    first = second.fold(LOG[8])
    assert first[:-1] == [s for s in undisturbed.told[:8] if s.judgement is not None and s.judgement.alert]
    stories = first[-1:] + fold_all(second, LOG[9:killed_after])
    second.lose_cache()
    stories += fold_all(second, LOG[killed_after:])
    assert stories == undisturbed.told[8:]
    assert rebuilt(second).state() == undisturbed.state


def test_the_checkpoint_that_a_state_leans_on_is_not_replaced(
    undisturbed: Undisturbed, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DELTAS_PER_SNAPSHOT", 500)
    before = story_checkpoints(str(checkpoint)).find(WATCH.name)
    second = state(checkpoint, every=1)
    for report in LOG[8:12]:
        second.fold(report)
    second.lose_cache()
    for report in LOG[12:]:
        second.fold(report)
    after = story_checkpoints(str(checkpoint)).find(WATCH.name)
    assert before is not None
    assert after is not None
    assert after[0].state == before[0].state
    assert after[0].position == LOG[-1].position
    assert after[1].segments == 4, "what came before the cache was lost is one segment now, with the report after it"
    found = journal.read_ledger(WATCH, AlertPolicy(WATCH), second.keeper.checkpoints, WATCH.name)
    assert found is not None
    assert found[0].state() == undisturbed.state
    assert rebuilt(second).state() == undisturbed.state


def test_a_checkpoint_that_is_gone_though_a_state_leans_on_it_is_an_error(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DELTAS_PER_SNAPSHOT", 500)
    second = state(checkpoint)
    second.fold(LOG[8])
    for path in checkpoint.iterdir():
        path.unlink()
    second.lose_cache()
    with pytest.raises(DamagedState, match="started from"):
        second.fold(LOG[9])


@pytest.mark.parametrize("killed_after", range(1, len(LOG)))
def test_a_restart_from_a_checkpoint_and_its_segments_has_all_that_was_folded(
    undisturbed: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_after: int
) -> None:
    monkeypatch.setattr(journal, "SEGMENTS_SHARE", 0.7)  # the whole when segments hold more than this of it
    monkeypatch.setattr(module, "DELTAS_PER_SNAPSHOT", 500)
    first = state(tmp_path, every=2)
    fold_all(first, LOG[:killed_after])
    found = journal.read_ledger(WATCH, AlertPolicy(WATCH), first.keeper.checkpoints, WATCH.name)
    assert (found is None) == (killed_after < 2)
    second = state(tmp_path, every=2)
    stories = fold_all(second, LOG[killed_after // 2 * 2 :])
    assert stories[-(len(LOG) - killed_after // 2 * 2) :] == undisturbed.told[killed_after // 2 * 2 :]
    assert rebuilt(second).state() == undisturbed.state


def test_a_segment_that_could_not_be_written_is_part_of_the_next(
    undisturbed: Undisturbed, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DELTAS_PER_SNAPSHOT", 500)
    second = state(checkpoint, every=2)
    fold_all(second, LOG[8:10])
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "append", failing(OSError))
        fold_all(second, LOG[10:12])
    fold_all(second, LOG[12:])
    found = journal.read_ledger(WATCH, AlertPolicy(WATCH), second.keeper.checkpoints, WATCH.name)
    assert found is not None
    assert found[0].state() == undisturbed.state
    assert found[1].segments == 3


@pytest.mark.parametrize("error", [IndexError, AttributeError, AssertionError, EOFError])
def test_a_segment_that_cannot_be_decoded_is_not_used(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: type[Exception]
) -> None:
    monkeypatch.setattr(module, "DELTAS_PER_SNAPSHOT", 500)
    second = state(checkpoint, every=1)
    fold_all(second, LOG[8:10])
    monkeypatch.setattr(StoryLedger, "retrace", failing(error))
    assert journal.read_ledger(WATCH, AlertPolicy(WATCH), second.keeper.checkpoints, WATCH.name) is None
    assert f"cannot be read and is not used: {error.__name__}" in caplog.text


# The launcher reads the checkpoint, and the log from there; the worker reads the files again, later.


@pytest.mark.parametrize("damage", ["segment", "whole", "all"])
def test_a_worker_that_reads_less_than_its_launcher_stops_and_loses_nothing(
    undisturbed: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    monkeypatch.setattr(journal, "SEGMENTS_SHARE", 0.1)
    fold_all(state(tmp_path, every=1), LOG[:12])
    seen = story_checkpoints(str(tmp_path)).read(WATCH.name)
    assert seen is not None
    assert len(seen.segments) >= 2
    pattern = {"segment": "*.000002", "whole": "*.checkpoint", "all": "*"}[damage]
    broken = {path: path.read_bytes() for path in tmp_path.glob(pattern)}
    for path in broken:
        path.write_bytes(b"x")
    with pytest.raises(DamagedState, match="the log is read from"):
        state(tmp_path, log_from=seen.position).fold(LOG[12])
    for path, data in broken.items():
        path.write_bytes(data)
    again = fold_all(state(tmp_path, log_from=seen.position), LOG[12:])
    assert again[-4:] == undisturbed.told[12:]


def test_segments_of_another_build_are_not_read_and_the_log_is_read_from_before_them(
    undisturbed: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(journal, "SEGMENTS_SHARE", 0.1)
    fold_all(state(tmp_path, every=1), LOG[:12])
    whole = story_checkpoints(str(tmp_path)).read(WATCH.name)
    monkeypatch.setattr(journal, "trace_schema", lambda: "another")
    seen = story_checkpoints(str(tmp_path)).read(WATCH.name)
    assert seen is not None
    assert whole is not None
    assert (seen.state, seen.segments) == (whole.state, ())
    assert seen.position < whole.position
    assert "another build" in caplog.text
    first = next(n for n, report in enumerate(LOG) if report.position > seen.position)
    again = fold_all(state(tmp_path, log_from=seen.position), LOG[first:])
    assert again[-len(LOG[first:]) :] == undisturbed.told[first:]


def test_the_schema_of_traces_is_that_of_all_records_in_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert trace_schema() == trace_schema.__wrapped__()
    monkeypatch.setattr(fields(Claim)[0], "type", "bytes")  # a record of stories, not of reports
    assert trace_schema() == trace_schema.__wrapped__()
    monkeypatch.setattr(fields(Mention)[0], "type", "bytes")
    assert trace_schema() != trace_schema.__wrapped__()


def test_segments_do_not_pile_up_where_processes_live_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DELTAS_PER_SNAPSHOT", 500)
    for life in range(12):
        there = state(tmp_path, every=1)
        fold_all(there, [replace(report, position=report.position + 1000 * life) for report in LOG])
        there.lose_cache()
    assert len(list(tmp_path.iterdir())) < 30


def test_the_whole_is_written_seldom_once_it_is_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SEGMENTS_SHARE", 2)
    wholes, segments = [], []
    monkeypatch.setattr(Checkpoints, "write", counted(Checkpoints.write, wholes))
    monkeypatch.setattr(Checkpoints, "append", counted(Checkpoints.append, segments))
    fold_all(state(tmp_path, every=1), LOG)
    assert (len(wholes), len(segments)) == (4, 12)


def counted(method: Any, calls: list[Any]) -> Any:
    def count(*arguments: Any, **named: Any) -> Any:
        calls.append(arguments)
        return method(*arguments, **named)

    return count


def failing(error: type[Exception]) -> Any:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


def fold_all(there: StateCells, reports: list[Report]) -> list[Story]:
    return [story for report in reports for story in there.fold(report)]
