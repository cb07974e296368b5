"""When two signals are one claim, and what the watch remembers."""

from __future__ import annotations

import pytest
from factories import HOUR, NOON, a_report, a_signal, an_entry

from schemas import Claim, Signal
from transforms.stories.claims import ClaimMemory, claim_key, with_claims_of

DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (a_signal(modality="alleged"), True),
        (a_signal(evidence="ships are gathering"), True),
        (a_signal(modality="planned"), False),
        (a_signal(modality="denied"), False),
        (a_signal(modality="historical"), False),
        (a_signal("ATTACK"), False),
        (a_signal(source="Westland"), False),
        (a_signal(target=None), False),
        (a_signal(quantity=100), False),
    ],
)
def test_type_modality_class_and_sides_make_the_claim(other: Signal, same: bool) -> None:
    assert (claim_key(a_signal()) == claim_key(other)) is same


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [(100_000, 90_000, True), (100_000, 94_300, True), (100_000, 175_000, False), (3_000, 30_000, False), (0, None, True)],
)
def test_a_number_counts_by_its_size(a: int, b: int | None, same: bool) -> None:
    assert (claim_key(a_signal(quantity=a)) == claim_key(a_signal(quantity=b))) is same


def test_the_watch_remembers_for_a_while() -> None:
    memory = ClaimMemory(3 * DAY)
    assert not memory.knows(a_signal(), NOON)
    memory.hear([a_signal()], NOON)
    assert memory.knows(a_signal(), NOON + 3 * DAY)
    assert not memory.knows(a_signal(), NOON + 3 * DAY + 1)
    assert not memory.knows(a_signal("ATTACK"), NOON)


def test_what_is_said_again_is_remembered_longer() -> None:
    memory = ClaimMemory(3 * DAY)
    memory.hear([a_signal()], NOON)
    memory.hear([a_signal()], NOON + 2 * DAY)
    assert memory.knows(a_signal(), NOON + 5 * DAY)


def test_a_number_that_was_heard_is_known_without_it_too_but_not_the_other_way_round() -> None:
    memory = ClaimMemory(DAY)
    memory.hear([a_signal(quantity=100_000)], NOON)
    assert memory.knows(a_signal(), NOON)
    assert not memory.knows(a_signal(quantity=175_000), NOON)
    memory.hear([a_signal("ATTACK")], NOON)
    assert not memory.knows(a_signal("ATTACK", quantity=5), NOON)


def test_the_memory_is_bounded_by_time() -> None:
    memory = ClaimMemory(DAY)
    for n in range(100):
        memory.hear([a_signal(source=f"Island {n}")], NOON + n * HOUR)
    assert len(memory.items()) <= 2 * 26
    assert ClaimMemory(DAY, memory.items()).items() == memory.items()


def claims_after(*reports: tuple[str, str | None, Signal]) -> tuple[Claim, ...]:
    claims: tuple[Claim, ...] = ()
    memory = ClaimMemory(DAY)
    for revision, (outlet, duplicate_of, signal) in enumerate(reports, 1):
        report = a_report(an_entry(f"entry-{revision}", NOON + revision, outlet=outlet), (signal,), duplicate_of=duplicate_of)
        claims = with_claims_of(claims, report, revision, memory, NOON + revision, restated=0.2)
        memory.hear(report.signals, NOON + revision)
    return claims


def test_outlets_are_those_who_say_it_in_words_of_their_own() -> None:
    (claim,) = claims_after(
        ("Wire", None, a_signal()), ("Copyist", "entry-1", a_signal()), ("Herald", None, a_signal()), ("Wire", None, a_signal())
    )
    assert claim.outlets == ("Wire", "Herald")
    assert (claim.entry_id, claim.first_said, claim.revision, claim.novelty) == ("entry-1", NOON + 1, 1, 1.0)


def test_what_only_a_copy_says_is_its_editors_claim() -> None:
    _, added = claims_after(("Wire", None, a_signal()), ("Copyist", "entry-1", a_signal("ATTACK")))
    assert (added.outlets, added.revision, added.novelty) == (("Copyist",), 2, 1.0)


def test_what_the_watch_has_heard_is_restated() -> None:
    memory = ClaimMemory(DAY)
    memory.hear([a_signal()], NOON)
    report = a_report(signals=(a_signal(), a_signal("ATTACK")))
    known, new = with_claims_of((), report, 1, memory, NOON + HOUR, restated=0.2)
    assert (known.novelty, new.novelty) == (0.2, 1.0)
