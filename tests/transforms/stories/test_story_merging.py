"""When two stories turn out to be one: the older takes the other in, and every id that was given stays."""

from __future__ import annotations

from typing import Any

import numpy as np
from factories import HOUR, NOON, a_report, a_signal, a_story, a_watch, an_entry
from hypothesis import given
from hypothesis import strategies as st

from schemas import Judgement, Report, Story
from schemas.watch import Folding
from transforms.stories.fold import Fold
from transforms.stories.merging import with_final_ids

WATCH = a_watch().model_copy(update={"folding": Folding(same_story=0.35)})
EAST, WEST = 0.0, 0.64 * np.pi / 2


def judge(story: Story, log_time: int) -> Judgement:
    """An alert at each new claim; what is said after dark is held back."""
    new = tuple(c.key for c in story.claims if c.revision == story.revision)
    dark = "dark" in story.entries[-1].title
    return Judgement("HIGH", 3, 6.0, (), bool(new) and not dark, "new", new, held=new if dark else ())


def report(id: str, angle: float, hours: float = 0, **fields: Any) -> Report:
    """A report whose vector lies at an angle between two subjects; its words are its own."""
    values = np.zeros(384)
    values[0], values[1] = np.cos(angle), np.sin(angle)
    signals = fields.pop("signals", ())
    entry = an_entry(id, NOON + round(hours * HOUR), **{"title": id, "summary": "", **fields})
    return a_report(entry, signals, vector=np.round(values, 5).astype("<f4").tobytes())


EARLY = [
    report("easta", EAST, 0, signals=(a_signal(),)),
    report("westa", WEST, 1, outlet="Herald", signals=(a_signal("ATTACK"),)),
    report("eastb", EAST + 0.12, 2),
    report("westb", WEST - 0.12, 3, outlet="Herald", signals=(a_signal("SANCTION"),)),
]
BETWEEN = report("between", (EAST + WEST) / 2, 4, outlet="Coast", signals=(a_signal("TALKS"),))


def folded(*reports: Report, fold: Fold | None = None) -> list[tuple[Report, Story | None]]:
    fold = fold or Fold(WATCH, judge)
    return [fold.fold(r) for r in reports]


def test_a_report_that_belongs_to_two_stories_shows_that_they_are_one() -> None:
    results = folded(*EARLY, BETWEEN)
    ids = [r.story_id for r, _ in results]
    east, west = ids[0], ids[1]
    assert east != west
    assert ids == [east, west, east, west, east], "every entry keeps the id that it got when it came"
    story = results[-1][1]
    assert story is not None
    assert (story.id, story.absorbed) == (east, (west,))
    assert [e.id for e in story.entries] == ["easta", "westa", "eastb", "westb", "between"]
    assert (story.entry_count, story.origin_count, story.outlets) == (5, 5, ("Plain News", "Herald", "Coast"))
    assert (story.first_time, story.last_time, story.latest) == (NOON, NOON + 4 * HOUR, "between")


def test_what_either_story_said_is_not_new_to_the_one_that_goes_on() -> None:
    *_, (_, story) = folded(*EARLY, BETWEEN)
    assert story is not None
    assert {c.signal.type for c in story.claims} == {"BUILDUP", "ATTACK", "SANCTION", "TALKS"}
    assert [c.signal.type for c in story.claims if c.revision == story.revision] == ["TALKS"]
    assert (story.alerts, story.alerted_rank) == (4, 3)


def test_what_the_quiet_hours_of_either_held_back_is_still_owed() -> None:
    dark = report("westd dark", WEST - 0.12, 3, signals=(a_signal("SANCTION"),))
    *_, (_, story) = folded(*EARLY[:3], dark, BETWEEN)
    assert story is not None
    assert [key.split("|")[0] for key in story.held] == ["SANCTION"]


def test_who_comes_later_joins_the_story_that_goes_on() -> None:
    late = report("westc", WEST - 0.05, 5)
    edit = report("westa", WEST, 6, title="westa edited", version=2)
    again = report("westb", WEST - 0.12, 3, outlet="Herald", signals=(a_signal("SANCTION"),))
    results = folded(*EARLY, BETWEEN, late, edit, again)
    east, west = results[0][0].story_id, results[1][0].story_id
    assert [(r.relation, r.story_id) for r, _ in results[5:]] == [("report", east), ("update", east), ("replay", west)]


def test_single_reports_prove_nothing() -> None:
    one_each = folded(EARLY[0], EARLY[1], BETWEEN)
    assert one_each[-1][1] is not None
    assert one_each[-1][1].absorbed == ()


@given(st.integers(0, 8))
def test_a_merge_survives_a_restart(cut: int) -> None:
    log = [*EARLY, BETWEEN, report("westc", WEST - 0.05, 5), report("westa", WEST, 6, title="edited", version=2)]
    whole, first = Fold(WATCH, judge), Fold(WATCH, judge)
    expected = folded(*log, fold=whole)
    before = folded(*log[:cut], fold=first)
    restored = Fold.restore(WATCH, judge, first.snapshot())
    assert before + folded(*log[cut:], fold=restored) == expected
    assert restored.snapshot() == whole.snapshot()


@given(st.permutations([*EARLY, BETWEEN, report("westc", WEST - 0.05, 5), report("westa", WEST, 6, title="edited", version=2)]))
def test_a_merge_that_is_retraced_is_the_same_merge(log: list[Report]) -> None:
    whole, retraced = Fold(WATCH, judge), Fold(WATCH, judge)
    for r in log:
        completed, story = whole.fold(r)
        assert story is not None
        assert retraced.retrace(completed, story.absorbed) == story
        assert retraced.snapshot() == whole.snapshot()


def test_a_merged_story_is_forgotten_with_the_links_to_it() -> None:
    fold = Fold(WATCH, judge)
    folded(*EARLY, BETWEEN, fold=fold)
    folded(report("elsewhere", np.pi, 24 * 10), fold=fold)
    assert fold._absorbed == {}
    assert fold.size == 1


def test_a_story_goes_on_under_the_id_of_the_one_that_took_it_in_at_last() -> None:
    stories = {
        s.id: s
        for s in (a_story(id="a", absorbed=("b", "c")), a_story(id="b", absorbed=("c",)), a_story(id="c"), a_story(id="d"))
    }
    assert {id: story.final_id for id, story in with_final_ids(stories).items()} == {"a": "a", "b": "a", "c": "a", "d": "d"}
