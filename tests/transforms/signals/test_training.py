"""What the reader learns from: lessons are the labelled entries as it will see them, and what is learned is what reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from signal_cast import ROOT  # type: ignore[import-not-found]

from schemas.watch import Watch, load_watch
from transforms.embedding.encoder import tokenizer
from transforms.embedding.model import find_model
from transforms.signals.network import found_in
from transforms.signals.passages import NOWHERE
from transforms.signals.reader import Reader, Weights
from transforms.signals.training import learning
from transforms.signals.training.calibration import fitted, threshold_of
from transforms.signals.training.labels import UNKNOWN, Lesson, lessons, rows
from transforms.signals.training.learning import Learner, joined, learned, mean

MODALITIES = ("asserted", "planned", "denied")


def row(title: str, summary: str, *signals: tuple[str, str, str | None, str | None, str]) -> dict[str, Any]:
    said = [dict(zip(("type", "modality", "source", "target", "evidence"), s, strict=True)) for s in signals]
    return {"title": title, "summary": summary, "published": "2022-01-20", "signals": said}


MASSES = row("Russia masses troops near Ukraine", "", ("TROOP_BUILDUP", "asserted", "Russia", "Ukraine", "masses troops"))
MEET = row("Envoys gather", "Biden is to meet Putin.", ("TALKS", "planned", "United States", "Russia", "is to meet Putin"))
SILENT = row("Bread prices rise in Kyiv", "")


@pytest.fixture(scope="module")
def watch() -> Watch:
    return load_watch(ROOT / "watches" / "ukraine")


@pytest.fixture(scope="module")
def types(watch: Watch) -> tuple[str, ...]:
    return tuple(kind.type for kind in watch.taxonomy.types)


@pytest.fixture(scope="module")
def taught(watch: Watch, types: tuple[str, ...]) -> list[Lesson]:
    return lessons([MASSES, MEET, SILENT], watch, types, MODALITIES, tokenizer(find_model()))


def evidence(lesson: Lesson, number: int) -> str:
    read = tokenizer(find_model())
    return str(read.decode([lesson.passage.ids[i] for i in lesson.labels[number].stretch.pieces]))


def test_a_lesson_has_the_pieces_of_each_signal_and_its_parties(taught: list[Lesson], types: tuple[str, ...]) -> None:
    masses, meet, silent = taught
    assert evidence(masses, 0) == "masses troops"
    assert evidence(meet, 0) == "is to meet putin"
    label = meet.labels[0]
    assert (types[label.stretch.type], MODALITIES[label.modality]) == ("TALKS", "planned")
    assert (meet.passage.names[label.source], meet.passage.names[label.target]) == ("United States", "Russia")
    assert silent.labels == ()


def test_nobody_and_an_actor_that_was_not_found_are_told_apart(watch: Watch, types: tuple[str, ...]) -> None:
    unheard = row("Troops mass", "", ("TROOP_BUILDUP", "asserted", None, "Atlantis", "Troops mass"))
    (lesson,) = lessons([unheard], watch, types, MODALITIES, tokenizer(find_model()))
    assert (lesson.labels[0].source, lesson.labels[0].target) == (NOWHERE, UNKNOWN)


def test_one_row_in_ten_is_held_out_by_its_text_alone(watch: Watch, types: tuple[str, ...]) -> None:
    many = [row(f"Report number {n}", "") for n in range(300)]
    read = tokenizer(find_model())
    once = [x.held_out for x in lessons(many, watch, types, MODALITIES, read)]
    assert once == [x.held_out for x in lessons(many[::-1], watch, types, MODALITIES, read)][::-1]
    assert 15 <= sum(once) <= 45


def test_joined_lessons_say_what_both_say_in_the_same_words(taught: list[Lesson]) -> None:
    both = joined(taught[0], taught[1])
    assert [evidence(both, n) for n in range(2)] == ["masses troops", "is to meet putin"]
    assert set(both.passage.names) == {"Russia", "Ukraine", "United States"}
    parties = [(both.passage.names[x.source], both.passage.names[x.target]) for x in both.labels]
    assert parties == [("Russia", "Ukraine"), ("United States", "Russia")]
    russia = both.passage.mentions[both.passage.index("Russia")]
    assert len(russia) == 2, "named in the first and, as Putin, in the second"


def test_what_is_too_long_together_stays_alone(taught: list[Lesson], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "LONGEST", 10)
    assert joined(taught[0], taught[1]) is taught[0]


def test_what_is_learned_is_what_reads(
    taught: list[Lesson], types: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A few lessons, learned by heart; the reader over its own encoder then says the same as the learner, and it is right."""
    monkeypatch.setattr(learning, "EPOCHS", 60)
    monkeypatch.setattr(learning, "JOINED", 0.0)
    learner = learned(find_model(), taught, types, MODALITIES)
    weights = Weights(types, MODALITIES, learner.changes(), learner.layers(), (1.0, 0.0), 0.5, "")
    reader = Reader(find_model(), weights)
    learner.eval()
    for lesson in taught:
        (seen,) = reader.seen([lesson.passage])
        with torch.inference_mode():
            ids = torch.tensor([list(lesson.passage.ids)])
            states = learner.states(ids, torch.ones(ids.shape))
            _, said = learner.network.spans(states, torch.ones(ids.shape), found_in([lesson.passage], types, ids.shape[1]))
        assert np.allclose(seen.confidence, torch.sigmoid(said[0]).numpy(), atol=0.05)
        assert {types[i] for i in np.flatnonzero(seen.confidence > 0.5)} == {types[x.stretch.type] for x in lesson.labels}
        for label in lesson.labels:
            (roles,) = reader.roles(lesson.passage, seen, [label.stretch])
            assert int(roles.modality.argmax()) == label.modality
            assert (int(roles.sources.argmax()) - 1, int(roles.targets.argmax()) - 1) == (label.source, label.target)


def test_orders_learned_side_by_side_give_the_same_as_in_turn(taught: list[Lesson], types: tuple[str, ...]) -> None:
    alone, beside = (learned(find_model(), taught, types, MODALITIES, processes) for processes in (1, 2))
    for name, values in alone.layers().items():
        assert np.array_equal(values, beside.layers()[name])
    for name, change in alone.changes().items():
        assert np.array_equal(change.values, beside.changes()[name].values)


def test_the_mean_of_learners_changes_every_weight_by_the_mean_of_their_changes(types: tuple[str, ...]) -> None:
    torch.manual_seed(1)
    learners = [Learner(find_model(), len(types), len(MODALITIES)) for _ in range(2)]
    for learner in learners:
        for parameter in learner.parameters():
            if parameter.requires_grad:
                torch.nn.init.normal_(parameter, std=0.1)
    each = [(learner.changes(), learner.layers()) for learner in learners]
    found = mean(learners)
    for name, change in found.changes().items():
        assert np.allclose(change.values, (each[0][0][name].values + each[1][0][name].values) / 2, atol=1e-2), name
    for name, values in found.layers().items():
        assert np.allclose(values, (each[0][1][name] + each[1][1][name]) / 2, atol=1e-3), name


def test_confidence_is_how_often_a_logit_is_right() -> None:
    chance = np.random.default_rng(1)
    logits = chance.normal(0, 3, (400, 5))
    right = chance.random(logits.shape) < 1 / (1 + np.exp(-(0.5 * logits - 1)))
    slope, offset = fitted(logits, right)
    assert slope == pytest.approx(0.5, abs=0.1)
    assert offset == pytest.approx(-1, abs=0.3)


def test_of_thresholds_that_do_as_well_the_most_precise_is_taken() -> None:
    sure, right = np.array([[0.9], [0.9], [0.2]]), np.array([[True], [True], [False]])
    assert threshold_of(sure, right) == (0.7, 1.0)


def test_rows_of_every_kind_of_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(
        "- {text: Shells fall., says: [[BORDER_INCIDENT, asserted, null, null]]}\n", encoding="utf-8"
    )
    (case,) = rows([tmp_path / "cases.yaml"])
    assert (case["summary"], case["signals"][0]["evidence"]) == ("Shells fall.", "Shells fall.")
