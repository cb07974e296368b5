"""The fold: what is a replay, an update, a duplicate, a report or a new story, and what the story then says."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
from factories import HOUR, NOON, a_report, a_signal, a_watch, an_entry
from hypothesis import given
from hypothesis import strategies as st

from schemas import Actor, Judgement, Report, Story
from schemas.watch import Folding
from transforms.stories.fold import SEEN_FOR, Fold
from transforms.stories.revision import MAX_ENTRIES

DAY = 24 * HOUR
WATCH = a_watch().model_copy(update={"folding": Folding(horizon_hours=48, memory_hours=72)})
SUBJECTS = {
    "fleet": "The northern fleet has anchored off the island and its crews are on watch",
    "bread": "A baker in the harbour town has won a prize for rye and barley loaves",
    "vote": "Voters in the valley have rejected a tax on wells by a wide margin",
}


def never(story: Story, log_time: int) -> Judgement:
    return Judgement("INFO", 0, 0.0, (), False, "never", ())


def a_fold(judge: Any = never) -> Fold:
    return Fold(WATCH, judge)


def tilted(subject: int, lean: float = 0.0, aside: int = 300) -> bytes:
    """A unit vector that leans from its subject's axis towards another."""
    values = np.zeros(384)
    values[subject], values[aside] = np.sqrt(1 - lean**2), lean
    return np.round(values, 5).astype("<f4").tobytes()


def report(id: str, hours: float = 0, subject: str = "fleet", lean: float = 0.0, aside: int = 300, **fields: Any) -> Report:
    signals = fields.pop("signals", ())
    text = {"title": f"{subject} {id}", "summary": SUBJECTS[subject] if not lean else f"{subject} seen {id} by {aside}"}
    entry = an_entry(id, NOON + round(hours * HOUR), **{**text, **fields})
    return a_report(entry, signals, vector=tilted(list(SUBJECTS).index(subject), lean, aside))


def fold_all(fold: Fold, *reports: Report) -> list[tuple[Report, Story | None]]:
    return [fold.fold(r) for r in reports]


def test_subjects_are_stories() -> None:
    fold = a_fold()
    first, also, other = fold_all(fold, report("a"), report("b", 1, lean=0.3, outlet="Herald"), report("c", 2, subject="bread"))
    assert [r.relation for r, _ in (first, also, other)] == ["new", "report", "new"]
    assert first[0].story_id == also[0].story_id != other[0].story_id
    story = also[1]
    assert story is not None
    assert (story.revision, story.entry_count, story.origin_count, story.outlets) == (2, 2, 2, ("Plain News", "Herald"))
    assert (story.first_time, story.last_time, story.latest, story.relation) == (NOON, NOON + HOUR, "b", "report")
    assert 0.9 < also[0].similarity < 1


def test_the_same_text_again_is_a_replay_and_makes_no_revision() -> None:
    fold = a_fold()
    (first, _), (again, nothing) = fold_all(fold, report("a"), report("a"))
    assert (again.relation, again.story_id, nothing) == ("replay", first.story_id, None)
    assert fold.size == 1


def test_an_edit_replaces_its_former_version_and_stays_in_its_story() -> None:
    fold = a_fold()
    edit = report("a", subject="bread", version=2, title="Another headline")
    (first, _), (second, story), (back, nothing) = fold_all(fold, report("a"), edit, report("a"))
    assert (second.relation, second.story_id) == ("update", first.story_id)
    assert story is not None
    assert (story.revision, story.entry_count, story.origin_count) == (2, 1, 1)
    assert [(e.id, e.version, e.title) for e in story.entries] == [("a", 2, "Another headline")]
    assert second.similarity < 0.5
    assert (back.relation, nothing) == ("replay", None)
    assert fold.size == 1


def test_an_edit_does_not_make_its_own_claims_new() -> None:
    fold = a_fold()
    fold.fold(report("a", signals=(a_signal(),)))
    _, story = fold.fold(report("a", title="Edited", version=2, signals=(a_signal(), a_signal("ATTACK"))))
    assert story is not None
    assert [(c.signal.type, c.revision, c.novelty) for c in story.claims] == [("BUILDUP", 1, 1.0), ("ATTACK", 2, 1.0)]


def test_wire_copy_is_a_duplicate_of_the_earliest() -> None:
    fold = a_fold()
    wire = report("wire", title="Fleet anchors off island")
    copy = report("copy", 2, title="Ships on our doorstep", outlet="Echo")
    copy_of_copy = report("third", 3, title="Ships on doorstep", outlet="Coast Daily")
    _, (second, _), (third, story) = fold_all(fold, wire, copy, copy_of_copy)
    assert [(r.relation, r.duplicate_of) for r in (second, third)] == [("duplicate", "wire"), ("duplicate", "wire")]
    assert story is not None
    assert (story.entry_count, story.origin_count) == (3, 1)
    assert [e.duplicate_of for e in story.entries] == [None, "wire", "wire"]


def test_the_same_words_with_another_number_are_news() -> None:
    fold = a_fold()
    summary = "The ministry of the island has counted {} soldiers on the other shore of the narrow strait since Monday."
    reports = [report(f"e{n}", n, title="Soldiers counted", summary=summary.format(c)) for n, c in enumerate((9000, 9000, 17000))]
    relations = [r.relation for r, _ in fold_all(fold, *reports)]
    assert relations == ["new", "duplicate", "report"]


def test_a_number_in_its_headline_makes_no_news_of_a_wire_copy() -> None:
    fold = a_fold()
    wire, copy = report("wire", title="Soldiers counted", summary=WIRE), report("copy", 1, title="9,000 and two", summary=WIRE)
    _, (copied, _) = fold_all(fold, wire, copy)
    assert (copied.relation, copied.duplicate_of) == ("duplicate", "wire")


def test_the_same_words_of_another_day_are_news() -> None:
    fold = a_fold()
    summary = "Two soldiers of the island were wounded by gunfire near the northern lighthouse on {}, its press office said."
    days = ((0, "Friday"), (2, "Friday"), (30, "Saturday"))
    reports = [report(f"e{n}", n, title="Soldiers wounded", summary=summary.format(day)) for n, day in days]
    assert [r.duplicate_of for r, _ in fold_all(fold, *reports)] == [None, "e0", None]


def test_a_headline_of_many_words_is_a_copy_another_day_as_well() -> None:
    fold = a_fold()
    long = {"title": "Crews of the northern fleet mend nets with the fishermen of the island", "summary": ""}
    _, (again, _) = fold_all(fold, report("a", **long), report("b", 40, outlet="Herald", **long))
    assert again.duplicate_of == "a"


@pytest.mark.parametrize(("hours", "original"), [(3, "a"), (17, "a"), (24, None), (47, None)])
def test_a_few_words_are_a_copy_only_of_one_of_the_same_hours(hours: float, original: str | None) -> None:
    fold = a_fold()
    brief = {"title": "Two soldiers wounded at the strait", "summary": ""}
    _, (again, _) = fold_all(fold, report("a", **brief), report("b", hours, outlet="Herald", **brief))
    assert again.duplicate_of == original


def test_a_copy_of_a_few_words_that_is_edited_late_stays_a_copy() -> None:
    fold = a_fold()
    brief = {"title": "Two soldiers wounded at the strait", "summary": ""}
    edit = report("b", 30, **{**brief, "title": "Two soldiers wounded at the strait, army says"}, version=2)
    *_, (edited, _) = fold_all(fold, report("a", **brief), report("b", 3, **brief), edit)
    assert (edited.relation, edited.duplicate_of) == ("update", "a")


def test_one_article_at_two_addresses_is_a_duplicate_under_any_headline() -> None:
    fold = a_fold()
    first = report("feed", url="https://www.plain.example/news/world-59533689?from=rss")
    page = report("page", 1, lean=0.6, url="https://plain.example/news/world-59533689", title="What now?", summary="")
    elsewhere = report("else", 2, subject="vote", url="https://other.example/news/world-59533689")
    relations = [(r.relation, r.duplicate_of) for r, _ in fold_all(fold, first, page, elsewhere)]
    assert relations == [("new", None), ("duplicate", "feed"), ("new", None)]


@pytest.mark.parametrize(
    "urls",
    [
        ("https://one.example/world/fleet-off-island-live", "https://two.example/world/fleet-off-island-live"),
        ("https://one.example/world/fleet-off-island-live#1", "https://one.example/world/fleet-off-island-live#3"),
    ],
)
def test_live_pages_of_one_name_and_posts_of_one_page_are_no_copies(urls: tuple[str, str]) -> None:
    fold = a_fold()
    _, (other, _) = fold_all(fold, report("a", url=urls[0]), report("b", 1, lean=0.8, url=urls[1]))
    assert other.duplicate_of is None


def test_another_column_at_the_same_address_is_no_copy() -> None:
    fold = a_fold()
    url = "https://one.example/column-of-the-day"
    _, (other, _) = fold_all(fold, report("a", url=url), report("b", 1, lean=0.92, url=url))
    assert (other.similarity < 0.4, other.duplicate_of) == (True, None)


def test_a_chain_of_neighbours_does_not_become_one_story() -> None:
    """Each report is near enough to the one before it, and not near to any other."""
    fold = a_fold()
    chain = []
    for n in range(12):
        values = np.zeros(384)
        values[n], values[n + 1] = np.sqrt(0.8), np.sqrt(0.2)
        entry = an_entry(f"e{n:02}", NOON + n * HOUR, title=f"word{n}", summary="")
        chain.append(a_report(entry, vector=np.round(values, 5).astype("<f4").tobytes()))
    folded = [r for r, _ in fold_all(fold, *chain)]
    assert folded[1].relation == "report"
    longest = max(len(list(group)) for _, group in itertools.groupby(folded, lambda r: r.story_id))
    assert longest == 2


def test_a_silent_story_needs_a_nearer_report() -> None:
    def joins(hours: float, lean: float) -> bool:
        fold = a_fold()
        fold.fold(report("a"))
        return fold.fold(report("b", hours, lean=lean, title="x", summary="y"))[0].relation == "report"

    leans = np.linspace(0.5, 0.99, 30)
    soon, late, closed = ([joins(hours, lean) for lean in leans] for hours in (1, 40, 49))
    assert sum(soon) > sum(late) > sum(closed) == 0


def test_a_story_past_the_horizon_is_closed_and_forgotten() -> None:
    fold = a_fold()
    (first, _), _, (late, _) = fold_all(fold, report("a"), report("x", 47, subject="bread"), report("b", 49))
    assert late.relation == "new"
    assert late.story_id != first.story_id
    assert fold.size == 2


def test_log_time_runs_forward_only_and_is_that_of_the_entries() -> None:
    fold = a_fold()
    fold_all(fold, report("a", 10), report("b", 3, subject="bread"))
    assert fold.log_time == NOON + 10 * HOUR
    (straggler, _), (present, _) = fold_all(fold, report("old", -60, subject="vote"), report("c", 11, lean=0.3))
    assert (straggler.relation, present.relation) == ("new", "report")
    assert fold.size == 3


def test_an_entry_whose_story_is_closed_founds_another_when_it_is_edited() -> None:
    fold = a_fold()
    first, _ = fold.fold(report("a"))
    fold.fold(report("x", 60, subject="bread"))
    second, story = fold.fold(report("a", 60.5, version=2, title="Edited"))
    assert second.relation == "new"
    assert second.story_id != first.story_id
    assert story is not None
    assert story.revision == 1


def test_what_is_not_relevant_passes_untouched() -> None:
    fold = a_fold()
    other = dataclasses.replace(report("a"), outcome="not relevant")
    assert fold.fold(other) == (other, None)
    assert (fold.size, fold.log_time) == (0, 0)


def test_a_report_without_a_vector_is_an_error_and_leaves_no_trace() -> None:
    fold = a_fold()
    for vector in (b"", bytes(384 * 4)):
        with pytest.raises(ValueError, match="no unit vector"):
            fold.fold(dataclasses.replace(report("a", 9), vector=vector))
    assert (fold.size, fold.log_time) == (0, 0)
    assert fold.fold(report("a"))[0].relation == "new"


def test_a_judge_that_fails_leaves_the_story_as_it_was() -> None:
    angry = [False]

    def judge(story: Story, log_time: int) -> Judgement:
        if angry[0]:
            raise RuntimeError("no verdict")
        return never(story, log_time)

    fold = a_fold(judge)
    fold.fold(report("a", signals=(a_signal(),)))
    angry[0] = True
    with pytest.raises(RuntimeError):
        fold.fold(report("b", 1, lean=0.3, signals=(a_signal("ATTACK"),)))
    angry[0] = False
    again, story = fold.fold(report("b", 1, lean=0.3, signals=(a_signal("ATTACK"),)))
    assert again.relation == "report"
    assert story is not None
    assert story.revision == 2
    assert story.claims[-1].novelty == 1.0


def test_the_story_remembers_its_last_alert() -> None:
    def judge(story: Story, log_time: int) -> Judgement:
        alert = story.alerted_at is None or story.last_time - story.alerted_at >= 6 * HOUR
        return Judgement("HIGH", 3, 5.0, (), alert, f"at {log_time}", ())

    fold = a_fold(judge)
    stories = [s for _, s in fold_all(fold, *(report(f"e{n}", 2 * n, lean=0.3 + n / 100) for n in range(5))) if s]
    assert [s.judgement.alert for s in stories if s.judgement] == [True, False, False, True, False]
    assert [(s.alerted_rank, s.alerted_at) for s in stories] == [(3, NOON)] * 3 + [(3, NOON + 6 * HOUR)] * 2
    assert stories[0].judgement is not None
    assert stories[0].judgement.reason == f"at {NOON}"


def test_the_title_is_that_of_the_entry_that_says_most() -> None:
    fold = a_fold()
    quiet = report("a", title="Ships", signals=(a_signal(),))
    copy = report("copy", 1, title="Copy", signals=(a_signal(), a_signal("ATTACK")))
    more = report("b", 2, lean=0.3, title="Ships fire", signals=(a_signal(), a_signal("ATTACK")))
    same = report("c", 3, lean=0.35, title="Ships shoot", signals=(a_signal(), a_signal("ATTACK")))
    titles = [s.title for _, s in fold_all(fold, quiet, copy, more, same) if s]
    assert titles == ["Ships", "Ships", "Ships fire", "Ships fire"]


def test_actors_are_ordered_by_how_many_entries_name_them() -> None:
    fold = a_fold()
    names = [("Westland", "Norland"), ("Norland",), ("Norland", "Sudland")]
    story = None
    for n, named in enumerate(names):
        actors = tuple(Actor(f"name:{x}", x, "state", "", "", (), ()) for x in named)
        _, story = fold.fold(dataclasses.replace(report(f"e{n}", n, lean=0.3 + n / 100), actors=actors))
    assert story is not None
    assert [a.name for a in story.actors] == ["Norland", "Westland", "Sudland"]


def test_a_long_story_is_bounded() -> None:
    fold = a_fold()
    story = None
    for n in range(MAX_ENTRIES + 20):
        _, story = fold.fold(report(f"e{n:03}", n / 10, lean=0.2 + n / 1000, outlet=f"Outlet {n}"))
    assert story is not None
    assert len(story.entries) == MAX_ENTRIES
    assert (story.entry_count, story.entries[-1].id) == (MAX_ENTRIES + 20, story.latest)
    _, story = fold.fold(report("e000", 0, lean=0.2, version=2, title="Edited"))
    assert story is not None
    assert story.entries[-1].id == story.latest == "e000"
    assert story.entry_count == MAX_ENTRIES + 20


def test_memory_is_bounded_by_time() -> None:
    fold = a_fold()
    for n in range(200):
        fold.fold(report(f"e{n}", 3 * n, subject=list(SUBJECTS)[n % 3], title=f"title {n} {n * 7}", summary=f"Only {n}"))
    assert fold.size == 17
    entry_ids = {entry_id for entry_id, _ in fold._seen.items()}
    assert entry_ids == {f"e{n}" for n in range(200) if (199 - n) * 3 * HOUR <= SEEN_FOR}


DRAWN = st.builds(
    report,
    id=st.sampled_from([f"e{n}" for n in range(9)]),
    hours=st.floats(0, 120).map(lambda h: round(h, 1)),
    subject=st.sampled_from(list(SUBJECTS)),
    lean=st.sampled_from([0.0, 0.3, 0.6, 0.8]),
    aside=st.integers(300, 303),
    version=st.integers(1, 3),
    outlet=st.sampled_from(["Wire", "Echo", "Herald"]),
    url=st.sampled_from(["", "https://plain.example/news/world-59533689"]),
    signals=st.lists(
        st.builds(a_signal, st.sampled_from(["BUILDUP", "ATTACK"]), quantity=st.none() | st.just(100)), max_size=2
    ).map(tuple),
)


def sometimes(story: Story, log_time: int) -> Judgement:
    return Judgement("HIGH", 3, 5.0, (), bool(story.claims) and story.revision % 2 == 1, str(log_time), ())


@given(st.lists(DRAWN, max_size=14), st.lists(DRAWN, max_size=14))
def test_a_restored_fold_goes_on_as_if_nothing_had_happened(before: list[Report], after: list[Report]) -> None:
    whole, first = a_fold(sometimes), a_fold(sometimes)
    fold_all(whole, *before)
    fold_all(first, *before)
    restored = Fold.restore(WATCH, sometimes, first.snapshot())
    assert restored.snapshot() == first.snapshot()
    assert fold_all(restored, *after) == fold_all(whole, *after)
    assert restored.snapshot() == whole.snapshot()


@given(st.lists(DRAWN, max_size=20))
def test_retracing_what_was_folded_leads_to_the_same_fold(reports: list[Report]) -> None:
    whole, retraced = a_fold(sometimes), a_fold(sometimes)
    for report in reports:
        completed, story = whole.fold(report)
        if story is not None:
            assert retraced.retrace(dataclasses.replace(completed, compared=()), story.absorbed) == story
    assert retraced.snapshot() == whole.snapshot()


@given(st.lists(DRAWN, max_size=20))
def test_counts_always_agree(reports: list[Report]) -> None:
    fold = a_fold()
    last: dict[str, Story] = {}
    for completed, story in fold_all(fold, *reports):
        assert completed.story_id
        assert (story is None) == (completed.relation == "replay")
        assert completed.revision == (story.revision if story else 0)
        assert (completed.relation == "new") == (story is not None and story.revision == 1)
        if story is None:
            continue
        assert story.id == completed.story_id
        assert story.revision == (last[story.id].revision + 1 if story.id in last else 1)
        assert story.entry_count == len(story.entries)
        assert story.origin_count == sum(e.duplicate_of is None for e in story.entries) >= 1
        assert len({c.key for c in story.claims}) == len(story.claims)
        last[story.id] = story


@pytest.mark.parametrize("data", [b"", b"{}", b"null", b'{"format": 99}', b"\x80"])
def test_what_is_no_snapshot_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Fold.restore(WATCH, never, data)


def test_what_a_judgement_holds_back_is_known_to_the_next() -> None:
    seen: list[tuple[str, ...]] = []

    def holding(story: Story, log_time: int) -> Judgement:
        seen.append(story.held)
        return Judgement("HIGH", 3, 6.0, (), False, "quiet", (), held=(f"claim {story.revision}",))

    fold = a_fold(holding)
    fold.fold(report("a"))
    Fold.restore(WATCH, holding, fold.snapshot()).fold(report("b", 1, lean=0.3, outlet="Herald"))
    assert seen == [(), ("claim 1",)]


WIRE = (
    "The ministry of the island has counted nine thousand soldiers on the other shore of the narrow strait since Monday morning."
)


def test_an_edited_copy_that_repeats_nobody_any_more_is_a_report_of_its_own() -> None:
    fold = a_fold()
    wire, copy = report("wire", title="Soldiers counted", summary=WIRE), report("copy", 1, summary=WIRE, outlet="Echo")
    own = "Echo's reporter has been to the strait and seen no soldier at all but a great many gulls and two fishing boats."
    edit = report("copy", 2, title="No soldiers in sight", summary=own, version=2, outlet="Echo", signals=(a_signal("TALKS"),))
    _, (second, _), (third, story) = fold_all(fold, wire, copy, edit)
    assert (second.relation, second.duplicate_of) == ("duplicate", "wire")
    assert (third.relation, third.duplicate_of) == ("update", None)
    assert story is not None
    assert (story.entry_count, story.origin_count) == (2, 2)
    assert [c.outlets for c in story.claims] == [("Echo",)]


def test_a_copy_that_is_edited_a_little_stays_a_copy() -> None:
    fold = a_fold()
    wire, copy = report("wire", title="Soldiers counted", summary=WIRE), report("copy", 1, summary=WIRE)
    edit = report("copy", 2, title="Soldiers at the strait", summary=WIRE.replace("narrow ", ""), version=2)
    _, _, (third, story) = fold_all(fold, wire, copy, edit)
    assert (third.relation, third.duplicate_of) == ("update", "wire")
    assert story is not None
    assert story.origin_count == 1


def test_a_sentence_turned_round_is_no_copy() -> None:
    fold = a_fold()
    reports = [report("a", summary=WIRE), report("b", 1, summary=WIRE.replace("has counted", "has not counted"))]
    assert [r.relation for r, _ in fold_all(fold, *reports)] == ["new", "report"]


def test_the_record_tells_with_whom_an_entry_was_compared_and_why_it_was_placed() -> None:
    fold = a_fold()
    norland = Actor("name:Norland", "Norland", "state", "", "", (), ())
    first = dataclasses.replace(report("a", summary="The fleet of 4,000 men anchored on Monday."), actors=(norland,))
    other = report("b", 1, subject="bread")
    second = report("c", 30, lean=0.3, title="Fleet anchored", summary="The fleet of 4,000 men anchored on Saturday.")
    *_, (placed, _) = fold_all(fold, first, other, dataclasses.replace(second, actors=(norland,)))
    nearest, *others = placed.compared
    assert (nearest.entry_id, nearest.story_id, nearest.verdict) == ("a", placed.story_id, "report")
    assert nearest.affinity >= nearest.needed
    assert nearest.cosine == placed.similarity
    assert {"fleet", "anchor", "men"} <= set(nearest.shared_words)
    assert (nearest.shared_actors, nearest.shared_numbers, nearest.actors) == (("Norland",), ("4000",), 1.0)
    assert (nearest.against, nearest.hours) == (("days", "silence"), 30.0)
    assert [(c.entry_id, c.verdict) for c in others] == [("b", "apart")]
    assert others[0].affinity < others[0].needed


def test_a_copy_and_a_version_are_compared_with_what_they_repeat_or_replace() -> None:
    fold = a_fold()
    wire, copy = report("wire", summary=WIRE), report("copy", 1, summary=WIRE)
    edit = report("wire", 2, title="Soldiers recounted", summary=WIRE, version=2)
    _, (copied, _), (edited, _) = fold_all(fold, wire, copy, edit)
    assert [(c.entry_id, c.verdict) for c in copied.compared] == [("wire", "duplicate")]
    assert copied.compared[0].resemblance > 0.8
    assert [(c.entry_id, c.verdict) for c in edited.compared] == [("wire", "version")]
