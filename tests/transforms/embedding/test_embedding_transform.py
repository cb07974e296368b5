"""EmbedEntries in a pipeline: gated reports get their vector, the others pass, a failing one becomes a dead letter."""

from __future__ import annotations

from collections.abc import Sequence

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.testing.test_pipeline import TestPipeline as BeamPipeline
from apache_beam.testing.util import assert_that, equal_to
from factories import a_report, an_entry

from transforms.embedding import EmbedEntries, transform
from transforms.embedding.model import DIMENSIONS, ModelError, Vectors


class CountsLetters:
    def embed(self, texts: Sequence[str]) -> Vectors:
        if any("unreadable" in text for text in texts):
            raise RuntimeError("out of ink")
        return np.array([[len(text)] + [0] * (DIMENSIONS - 1) for text in texts], np.float32)


def test_gated_reports_get_the_vector_of_title_and_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transform, "embedder", lambda model, threads: CountsLetters())
    reports = [
        a_report(an_entry("a", title="Ships", summary="Many."), vector=b""),
        a_report(an_entry("b", title="Bread", summary="Rye."), vector=b"", gated=False),
        a_report(an_entry("c", title="unreadable"), vector=b""),
    ]
    with BeamPipeline() as p:
        embedded = p | beam.Create(reports) | EmbedEntries()
        lengths = embedded.reports | beam.Map(lambda r: (r.entry.id, np.frombuffer(r.vector, "<f4")[:1].tolist()))
        assert_that(lengths, equal_to([("a", [len("Ships. Many.")]), ("b", [])]), "Vectors")
        dead = embedded.failures | beam.Map(lambda f: (f.stage, f.subject, "out of ink" in f.error))
        assert_that(dead, equal_to([("EmbedEntries", "c", True)]), "Failures")


def test_a_batch_is_embedded_together_and_leaves_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    class CountsTexts(CountsLetters):
        def embed(self, texts: Sequence[str]) -> Vectors:
            sizes.append(len(texts))
            return super().embed(texts)

    sizes: list[int] = []
    monkeypatch.setattr(transform, "embedder", lambda model, threads: CountsTexts())
    monkeypatch.setattr(transform, "BATCH", 3)
    dofn = transform._Read("", 1)
    dofn.setup()
    dofn.start_bundle()
    reports = [a_report(an_entry(str(n), title="x" * n), vector=b"", gated=n != 2) for n in range(5)]
    out = [w.value for report in reports for w in dofn.process(report, 0, None)]
    out += [w.value for w in dofn.finish_bundle()]
    assert [report.entry.id for report in out] == ["0", "1", "2", "3", "4"]
    assert [bool(report.vector) for report in out] == [True, True, False, True, True]
    assert sizes == [2, 2]


def test_without_a_model_the_pipeline_stops(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_model(directory: str, threads: int) -> None:
        raise ModelError(f"{directory} holds no model.safetensors")

    monkeypatch.setattr(transform, "embedder", no_model)
    with pytest.raises(Exception, match=r"holds no model\.safetensors"), BeamPipeline() as p:
        _ = p | beam.Create([a_report()]) | EmbedEntries(str(tmp_path))
