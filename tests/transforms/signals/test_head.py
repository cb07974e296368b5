"""The shipped weights belong to the examples in the repository, and need nothing but numpy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from signal_cast import ROOT  # type: ignore[import-not-found]

from schemas.taxonomy import Taxonomy
from transforms.embedding.model import DIMENSIONS
from transforms.signals.head import load, shipped
from transforms.signals.training.labels import digest, example_files
from transforms.signals.training.sources import MORE


def test_the_weights_were_learned_from_the_examples_as_they_are() -> None:
    paths = [*example_files(ROOT / "watches" / "ukraine"), *(ROOT / path for path in MORE)]
    assert shipped().learned_from == digest(paths), "the examples have changed: run `make train`"


def test_the_head_knows_every_type_of_the_taxonomy_and_every_modality(taxonomy: Taxonomy) -> None:
    head = shipped()
    assert head.types == tuple(kind.type for kind in taxonomy.types)
    assert head.vectors.shape == (len(head.types), DIMENSIONS)
    assert len(head.mood.modalities) == 9


def test_the_weights_load_without_what_learned_them() -> None:
    code = "import sys; sys.modules.update(sklearn=None, scipy=None); from transforms.signals.head import shipped; shipped()"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_what_is_saved_is_loaded_and_saved_as_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    shipped().save(first)
    load(first).save(second)
    assert first.read_bytes() == second.read_bytes()


def test_a_pattern_makes_surer_what_the_meaning_leaves_open() -> None:
    head = shipped()
    assert head.confidence(0.2, pattern=0.0) < head.confidence(0.2, pattern=0.9) < head.confidence(0.9, pattern=0.9)


def test_no_weight_is_out_of_proportion() -> None:
    head = shipped()
    assert all(np.isfinite(part).all() for part in (head.vectors, head.word_weights, head.mood.weights))
