"""What makes two reports near, and what speaks against one story."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from factories import NOON, an_entry, vector
from hypothesis import given
from hypothesis import strategies as st

from schemas import Actor
from transforms.stories.affinity import OTHER_ACTORS, OTHER_DAYS, OTHER_QUANTITIES, Common, Features, Nearness, features_of
from transforms.stories.wording import wording_of

TITLE = "The envoys met the villagers"


def features(title: str, *names: str, subject: int = 0) -> Features:
    actors = [Actor(f"name:{name}", name, "person", "", "", (), ()) for name in names]
    wording = wording_of(an_entry(title=title, summary="", time=NOON), title, actors)
    # only what is tested may differ: the words are the same
    return features_of(vector(subject), replace(wording, words=frozenset({"envoy", "villager"})))


def nearness(a: Features, b: Features, *others: Features) -> Nearness:
    common = Common(np.zeros(384))
    for report in (b, *others):
        common.add(report)
    return common.to(a).of([b])[0]


@pytest.mark.parametrize(
    ("one", "other", "taken_away"),
    [
        ("on Monday", "on Monday", 0),
        ("on Monday", "on Friday", OTHER_DAYS),
        ("on Monday", "on Friday and on Monday", 0),
        ("on Monday", "", 0),
        ("400 of them", "400 of them", 0),
        ("400 of them", "900 of them", OTHER_QUANTITIES),
        ("2 of them", "3 of them", 0),
        ("400 of them on Monday", "900 of them on Friday", OTHER_DAYS + OTHER_QUANTITIES),
    ],
)
def test_other_days_and_other_quantities_speak_against_one_story(one: str, other: str, taken_away: float) -> None:
    plain = nearness(features(TITLE), features(TITLE))
    told = nearness(features(f"{TITLE} {one}"), features(f"{TITLE} {other}"))
    assert plain.value - told.value == pytest.approx(taken_away)


def test_other_actors_speak_against_one_story_by_how_rare_they_are() -> None:
    crowd = [features(TITLE, "Norland", subject=n) for n in range(30)]
    same = nearness(features(TITLE, "Norland", "Ada"), features(TITLE, "Norland", "Ada"), *crowd)
    others = nearness(features(TITLE, "Norland", "Ada"), features(TITLE, "Norland", "Eve"), *crowd)
    none = nearness(features(TITLE, "Norland", "Ada"), features(TITLE), *crowd)
    assert same.actors == none.actors == 1
    assert others.actors < 0.2
    assert same.value - others.value == pytest.approx(OTHER_ACTORS * (1 - others.actors), abs=1e-4)


def test_a_rare_word_counts_for_more_than_one_that_all_use() -> None:
    def worded(*words: str) -> Features:
        return replace(features(TITLE), wording=replace(features(TITLE).wording, words=frozenset(words)))

    crowd = [worded("crisis", f"matter{n}") for n in range(30)]
    rare = nearness(worded("kerch", "crisis"), worded("kerch", "ship"), *crowd)
    common = nearness(worded("kerch", "crisis"), worded("crisis", "ship"), *crowd)
    assert rare.words > 3 * common.words


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.data())
def test_what_came_and_went_leaves_no_trace(subjects: list[int], data: st.DataObject) -> None:
    reports = [features(f"{TITLE} {n}00", f"Actor {n}", subject=n) for n in subjects]
    common, fresh = Common(np.zeros(384)), Common(np.zeros(384))
    for report in reports:
        common.add(report)
    kept = data.draw(st.lists(st.booleans(), min_size=len(reports), max_size=len(reports)))
    for report, keep in zip(reports, kept, strict=True):
        if keep:
            fresh.add(report)
        else:
            common.remove(report)
    probe = features(TITLE, "Actor 1", subject=1)
    assert common.to(probe).of(reports) == fresh.to(probe).of(reports)
