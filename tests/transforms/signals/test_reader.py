"""The shipped weights belong to the examples in the repository, and read a passage for itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from signal_cast import ROOT, actors, entry  # type: ignore[import-not-found]

from schemas.taxonomy import Modality, Taxonomy
from schemas.watch import Watch
from transforms.embedding.model import ModelError, find_model
from transforms.signals.lines import lines
from transforms.signals.passages import Passage, Stretch, passages
from transforms.signals.reader import Change, Reader, load, reader, shipped
from transforms.signals.rules import rules_of
from transforms.signals.tagger import SignalTagger
from transforms.signals.training.labels import digest, example_files
from transforms.signals.training.sources import MORE

HEADINGS = (
    "Russia masses troops near Ukraine",
    "Talks",
    "US and Russian envoys meet in Geneva as fears of an invasion of Ukraine grow and allies prepare sanctions against Moscow",
    "Belarus and Russia begin drills",
    "Kyiv denies it shelled the rebels",
)


@pytest.fixture(scope="module")
def read(taxonomy: Taxonomy) -> list[Passage]:
    rules, out = rules_of(taxonomy), []
    for title in HEADINGS:
        texts, named = {"title": title, "summary": ""}, actors(("title", title))
        found = [(line, tuple(rules.hits(line))) for line in lines("title", title, named, rules.grammar)]
        out += passages(texts, found, named, reader().tokenizer)
    return out


def test_the_weights_were_learned_from_the_examples_as_they_are() -> None:
    paths = [*example_files(ROOT / "watches" / "ukraine"), *(ROOT / path for path in MORE)]
    assert shipped().learned_from == digest(paths), "the examples have changed: run `make train`"


def test_the_reader_knows_every_type_of_the_taxonomy_and_every_modality(taxonomy: Taxonomy) -> None:
    assert shipped().types == tuple(kind.type for kind in taxonomy.types)
    assert shipped().modalities == get_args(Modality)


def test_the_weights_are_read_without_what_learned_them() -> None:
    without = "import sys; sys.modules.update(sklearn=None, scipy=None, transformers=None)"
    code = f"{without}; from transforms.signals.reader import reader; reader()"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_what_is_saved_is_loaded_and_saved_as_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    shipped().save(first)
    load(first).save(second)
    assert first.read_bytes() == second.read_bytes()


def test_weights_that_do_not_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from transforms.signals import reader as module

    broken = replace(shipped(), types=shipped().types[1:])
    with pytest.raises(RuntimeError):
        Reader(find_model(), broken)
    monkeypatch.setattr(module, "shipped", lambda: broken)
    module._reader.cache_clear()
    with pytest.raises(ModelError, match=r"reader\.npz"):
        module.reader()
    module._reader.cache_clear()


def test_every_weight_is_a_number_of_moderate_size() -> None:
    assert all((np.abs(part) < 100).all() for part in shipped().layers.values())  # half precision ends at 65,504
    assert all((np.abs(change.values) < 1).all() for change in shipped().changes.values())


def test_a_change_is_kept_to_a_step_of_its_row() -> None:
    change = np.random.default_rng(1).normal(0, 0.01, (6, 40)).astype(np.float32)
    change[3] = 0
    kept = Change.of(change)
    assert kept.steps.dtype == np.int8
    assert (np.abs(kept.values - change) <= kept.scales[:, None] / 2 + 1e-9).all()


def test_a_type_that_was_not_learned_is_read_by_its_patterns(taxonomy: Taxonomy, watches: dict[str, Watch]) -> None:
    kinds = tuple(
        kind.model_copy(update={"type": "MASSING"}) if kind.type == "TROOP_BUILDUP" else kind for kind in taxonomy.types
    )
    watch = watches["build-up"].model_copy(update={"taxonomy": taxonomy.model_copy(update={"types": kinds})})
    found = SignalTagger(watch, reader()).tag(entry(HEADINGS[0]), actors(("title", HEADINGS[0])))
    assert [s.type for s in found] == ["MASSING"]


def test_what_stands_behind_the_first_256_pieces_of_a_summary_is_read(watches: dict[str, Watch]) -> None:
    summary = "Bread was dear again. " * 80 + "Russia has massed 100,000 troops near Ukraine."
    found = SignalTagger(watches["build-up"], reader()).tag(entry("Prices", summary), actors(("summary", summary)))
    assert [(s.type, s.source, s.target) for s in found] == [("TROOP_BUILDUP", "Russia", "Ukraine")]
    assert summary[found[0].start : found[0].end] == found[0].evidence


def test_a_passage_is_read_the_same_alone_and_beside_any_others(read: list[Passage]) -> None:
    alone = [reader().seen([passage])[0] for passage in read]
    together = reader().seen(read)
    backwards = reader().seen(read[::-1])[::-1]
    for one, other, third in zip(alone, together, backwards, strict=True):
        assert one.confidence.tolist() == other.confidence.tolist() == third.confidence.tolist()
        assert one.pieces.tolist() == other.pieces.tolist() == third.pieces.tolist()


def test_a_stretch_is_read_the_same_alone_and_beside_any_others(read: list[Passage]) -> None:
    (seen,) = reader().seen(read[:1])
    stretches = [Stretch(0, kind, (1, 2, 3)) for kind in range(5)]
    together = reader().roles(read[0], seen, stretches)
    alone = [reader().roles(read[0], seen, [s])[0] for s in stretches]
    for one, other in zip(together, alone, strict=True):
        assert one.modality.tolist() == other.modality.tolist()
        assert (one.sources.tolist(), one.targets.tolist()) == (other.sources.tolist(), other.targets.tolist())
    assert [len(r.sources) for r in together] == [1 + len(read[0].names)] * 5
