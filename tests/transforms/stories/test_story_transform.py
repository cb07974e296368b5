"""FoldStories on Beam: the same stories in one bundle or in many, after a lost cache, a retry or a restart, in any order."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing import test_stream
from collecting import Collect, take
from factories import a_watch
from story_cells import StateCells
from story_log import LOG, WATCH, report

from schemas import Report, Story
from schemas.watch import Watch
from transforms.checkpoints import Checkpoint
from transforms.embedding.model import DIMENSIONS
from transforms.stories import FoldStories, keeper
from transforms.stories import transform as module
from transforms.stories.journal import story_checkpoints
from transforms.stories.keeper import Generation, Keeper
from transforms.stories.ledger import MUTED

ENGINE = "BundleBasedDirectRunner"


class LoseCache(beam.DoFn):
    """Before each report the process forgets its ledgers, as another worker never had them."""

    def process(self, element: Report) -> Iterable[Report]:
        keeper._held.clear()
        yield element


def run(
    reports: Iterable[Report], bundles: bool = True, lose_cache: bool = False, watch: Watch = WATCH, **options: Any
) -> dict[str, list[Any]]:
    """The outputs of FoldStories, each in the order it came; with `bundles` every report comes in a bundle of its own."""
    if bundles:
        source: beam.PTransform = test_stream.TestStream(coder=beam.coders.registry.get_coder(Report))
        for element in reports:
            source = source.add_elements([element])
        source = source.advance_watermark_to_infinity()
    else:
        source = beam.Create(list(reports))
    with beam.Pipeline(runner=ENGINE, options=PipelineOptions([], streaming=bundles)) as pipeline:
        read = pipeline | source
        if lose_cache:
            read = read | beam.ParDo(LoseCache()).with_output_types(Report)
        folded = read | FoldStories(watch, **options)
        for name in ("reports", "stories", "failures"):
            _ = folded[name] | f"Collect {name}" >> beam.ParDo(Collect(name))
    return {name: take(name) for name in ("reports", "stories", "failures")}


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, list[Any]]:
    return run(LOG)


def test_every_report_comes_out_once_and_every_new_one_makes_a_judged_revision(undisturbed: dict[str, list[Any]]) -> None:
    assert [r.entry.id for r in undisturbed["reports"]] == [r.entry.id for r in LOG]
    assert all(r.relation for r in undisturbed["reports"])
    assert [s.latest for s in undisturbed["stories"]] == [r.entry.id for r in LOG]
    assert all(s.judgement is not None for s in undisturbed["stories"])
    assert len({s.id for s in undisturbed["stories"]}) == 4
    assert [r.relation for r in undisturbed["reports"]] == ["new"] * 4 + ["report"] * 8 + ["duplicate"] * 4
    assert sum(s.judgement.alert for s in undisturbed["stories"]) >= 3
    assert undisturbed["failures"] == []


def test_bundles_do_not_matter(undisturbed: dict[str, list[Any]]) -> None:
    assert run(LOG, bundles=False) == undisturbed


def test_the_watch_is_read_with_the_model_that_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def theme(watch: Watch, model: str) -> Any:
        asked.append((watch.name, model))
        return np.zeros(DIMENSIONS)

    monkeypatch.setattr("transforms.stories.fold.theme_of", theme)
    run(LOG[:2], bundles=False, model="/elsewhere/model")
    assert set(asked) == {(WATCH.name, "/elsewhere/model")}


def test_every_third_bundle_that_fails_changes_nothing(
    undisturbed: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The DoFn on state that is rolled back after every third report, as a runner does it; the report then comes again."""
    monkeypatch.setattr(module, "DELTAS_PER_SNAPSHOT", 4)
    log = [mixed for n in range(16) for mixed in (report(n), replace(report(n), outcome="not relevant", signals=()))]
    cells = StateCells(Keeper(WATCH, module.AlertPolicy(WATCH), story_checkpoints(""), 100, 0))
    stories = []
    for n, element in enumerate(log):
        if n % 3 == 2:
            saved = cells.saved()
            cells.fold(element)
            cells.roll_back(saved)
        stories += cells.fold(element)
    assert stories == undisturbed["stories"]


@pytest.mark.parametrize("deltas_per_snapshot", [1, 3, 500])
def test_a_lost_cache_is_rebuilt_from_the_state(
    undisturbed: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch, deltas_per_snapshot: int
) -> None:
    monkeypatch.setattr(module, "DELTAS_PER_SNAPSHOT", deltas_per_snapshot)
    assert run(LOG, lose_cache=True) == undisturbed


def test_a_report_that_is_not_relevant_passes_as_it_is() -> None:
    other = replace(report(1), outcome="not relevant", signals=())
    out = run([other, report(2)])
    assert other in out["reports"]
    assert [s.latest for s in out["stories"]] == ["entry-002"]


def test_a_replay_makes_no_revision() -> None:
    out = run([report(0), report(0)])
    assert [r.relation for r in out["reports"]] == ["new", "replay"]
    assert len(out["stories"]) == 1


def test_an_entry_that_cannot_be_folded_is_a_dead_letter_and_the_rest_goes_on(undisturbed: dict[str, list[Any]]) -> None:
    broken = replace(report(99), vector=b"")
    out = run([*LOG[:8], broken, *LOG[8:]])
    (dead,) = out.pop("failures")
    assert (dead.stage, dead.reason, dead.subject) == ("FoldStories", "not-folded", "entry-099")
    assert '"id":"entry-099"' in dead.payload
    assert out["stories"] == undisturbed["stories"]


def test_in_order_mode_says_of_a_shuffled_file_what_streaming_says_of_the_log(undisturbed: dict[str, list[Any]]) -> None:
    shuffled = list(LOG)
    random.Random(5).shuffle(shuffled)
    out = run(shuffled, bundles=False, in_order=True)
    assert out["stories"] == undisturbed["stories"]
    assert sorted(out["reports"], key=lambda r: r.entry.id) == undisturbed["reports"]


def test_in_order_mode_brings_an_unfoldable_entry_to_the_dead_letters_too(undisturbed: dict[str, list[Any]]) -> None:
    broken = replace(report(3), entry=replace(report(3).entry, id="broken"), vector=b"xx")
    out = run([*LOG, broken], bundles=False, in_order=True)
    assert [f.subject for f in out["failures"]] == ["broken"]
    assert out["stories"] == undisturbed["stories"]


# A restart is a new pipeline that knows nothing but the checkpoint.


def alerts(stories: Iterable[Story]) -> set[tuple[str, int]]:
    return {(s.id, s.revision) for s in stories if s.judgement is not None and s.judgement.alert}


def test_a_restart_hands_out_the_latest_alerts_again_and_goes_on_where_it_was(
    tmp_path: Path, undisturbed: dict[str, list[Any]]
) -> None:
    first = run(LOG[:10], state_dir=str(tmp_path), checkpoint_every=4)
    checkpoint = story_checkpoints(str(tmp_path)).read(WATCH.name)
    assert checkpoint is not None
    assert checkpoint.position == LOG[7].position, "written after 4 and after 8 reports"
    assert checkpoint.config_hash == WATCH.config_hash

    # the log is read again from a little before the checkpoint
    second = run(LOG[6:], state_dir=str(tmp_path), checkpoint_every=4)
    assert [r.relation for r in second["reports"][:2]] == ["replay", "replay"]
    again = [s for s in second["stories"] if s.revision <= 2 and s.latest in {r.entry.id for r in LOG[:8]}]
    assert [s for s in again if s in first["stories"]] == again, "the same revisions, judgement and all"
    assert alerts(again) == alerts(first["stories"][:8])
    assert alerts(first["stories"]) | alerts(second["stories"]) == alerts(undisturbed["stories"])
    fresh = [s for s in second["stories"] if s not in again]
    assert fresh == undisturbed["stories"][8:]


def test_entries_that_are_not_relevant_are_not_read_again_either(tmp_path: Path) -> None:
    others = [replace(report(n), outcome="not relevant", signals=()) for n in range(2, 12)]
    out = run([report(0), *others], state_dir=str(tmp_path), checkpoint_every=5)
    assert len(out["reports"]) == 11
    checkpoint = story_checkpoints(str(tmp_path)).read(WATCH.name)
    assert checkpoint is not None
    assert checkpoint.position == others[9].position
    again = run([report(0)], state_dir=str(tmp_path))
    assert [r.relation for r in again["reports"]] == ["replay"]


def test_a_quiet_watch_has_a_checkpoint_too(tmp_path: Path) -> None:
    others = [replace(report(n), outcome="not relevant", signals=()) for n in range(4)]
    run(others, state_dir=str(tmp_path), checkpoint_every=4)
    checkpoint = story_checkpoints(str(tmp_path)).read(WATCH.name)
    assert checkpoint is not None
    assert checkpoint.position == others[3].position


def test_without_a_checkpoint_the_whole_log_gives_the_same_again(tmp_path: Path, undisturbed: dict[str, list[Any]]) -> None:
    run(LOG[:10], state_dir=str(tmp_path), checkpoint_every=100)
    assert list(tmp_path.iterdir()) == []
    assert run(LOG, state_dir=str(tmp_path), checkpoint_every=100) == undisturbed


def test_a_checkpoint_of_another_configuration_is_not_used_and_its_history_is_folded_silently(tmp_path: Path) -> None:
    run(LOG[:10], state_dir=str(tmp_path), checkpoint_every=1)
    changed = a_watch(quiet_hours=1)
    out = run(LOG, watch=changed, state_dir=str(tmp_path), mute_until=LOG[9].position)
    assert all(r.relation != "replay" for r in out["reports"])
    assert not alerts(out["stories"][:10])
    assert MUTED in {s.judgement.reason for s in out["stories"][:10]}
    expected = alerts(run(LOG, watch=changed)["stories"])
    assert alerts(out["stories"]) == {(s.id, s.revision) for s in out["stories"][10:]} & expected


@pytest.mark.parametrize("state", [b"", b"{}", b"of another release"])
def test_a_checkpoint_that_means_nothing_is_ignored(tmp_path: Path, undisturbed: dict[str, list[Any]], state: bytes) -> None:
    story_checkpoints(str(tmp_path)).write(WATCH.name, Checkpoint(state, 5, WATCH.config_hash))
    assert run(LOG, state_dir=str(tmp_path)) == undisturbed


def test_a_checkpoint_that_cannot_be_written_stops_nothing(
    tmp_path: Path, undisturbed: dict[str, list[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert run(LOG, state_dir=str(tmp_path / "file"), checkpoint_every=5) == undisturbed
    assert caplog.text.count("could not be written") == 3


def test_two_histories_of_the_same_length_are_not_taken_for_each_other() -> None:
    a, b = Generation().after(report(0)).after(report(1)), Generation().after(report(0)).after(report(2))
    assert a.seen == b.seen == 2
    assert a != b
    assert Generation.read(str(a)) == a
    assert Generation.read(None) == Generation()


def test_a_retried_bundle_does_not_see_what_its_first_try_left_in_the_cache(undisturbed: dict[str, list[Any]]) -> None:
    """The DoFn on state that is rolled back, as a runner does it after a failure further down."""
    keeper = Keeper(WATCH, module.AlertPolicy(WATCH), story_checkpoints(""), 100, 0)
    cells = StateCells(keeper)
    for element in LOG[:4]:
        cells.fold(element)
    saved = cells.saved()
    cells.fold(LOG[9])  # its bundle fails: what it wrote is undone, but not in the cache
    cells.roll_back(saved)
    stories = [story for element in LOG[4:] for story in cells.fold(element)]
    assert stories == undisturbed["stories"][4:]

    # another worker took over and folded one report; its state has as many as this cache
    cells.roll_back(saved)
    keeper.cache(WATCH.name, Generation(4, "another history"), keeper.holding(WATCH.name, keeper.fresh()))
    assert cells.fold(LOG[4]) == undisturbed["stories"][4:5]
