"""Gate and ScoreRelevance in a pipeline: every report leaves with an outcome or as a dead letter."""

from __future__ import annotations

from dataclasses import replace

import apache_beam as beam
import pytest
from apache_beam.testing.test_pipeline import TestPipeline as BeamPipeline
from apache_beam.testing.util import assert_that, equal_to
from factories import a_report, a_watch, an_entry, vector
from test_relevance_score import Axes

from schemas import Report
from schemas.watch import Relevance
from transforms.relevance import Gate, ScoreRelevance, stage, transform
from transforms.relevance.score import RelevanceScorer

WATCH = a_watch().model_copy(update={"relevance": Relevance(description=("0",), decoys=("1",))})


def unread(id: str, **fields: str) -> Report:
    return Report("islands", an_entry(id, **fields))


@pytest.mark.parametrize(
    ("all_topics", "expected"),
    [
        (False, [("ships", True, ""), ("bread", False, ""), ("foreign", False, "unsupported language")]),
        (True, [("ships", True, ""), ("bread", True, ""), ("foreign", True, "")]),
    ],
)
def test_the_gate_marks_what_may_be_meant(all_topics: bool, expected: list[tuple[str, bool, str]]) -> None:
    reports = [
        unread("ships"),
        unread("bread", title="Rye bread wins", summary=""),
        replace(unread("foreign"), outcome="unsupported language"),
    ]
    with BeamPipeline() as p:
        marked = p | beam.Create(reports) | Gate(WATCH, all_topics)
        assert_that(marked.reports | beam.Map(lambda r: (r.entry.id, r.gated, r.outcome)), equal_to(expected), "Reports")
        assert_that(marked.failures, equal_to([]), "Failures")


@pytest.mark.parametrize("all_topics", [False, True])
def test_every_report_gets_its_outcome(all_topics: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (transform, stage):
        monkeypatch.setattr(module, "scorer_for", lambda watch, model, threads: RelevanceScorer(watch, Axes()))
    reports = [
        a_report(an_entry("near"), vector=vector(0), outcome="", relevance=0.0),
        a_report(an_entry("decoy"), vector=vector(1), outcome="", relevance=0.0),
        a_report(an_entry("shut"), gated=False, vector=b"", outcome="", relevance=0.0),
        a_report(an_entry("foreign"), gated=False, vector=b"", outcome="unsupported language", relevance=0.0),
        a_report(an_entry("vectorless"), vector=b"", outcome="", relevance=0.0),
    ]
    decoy = "relevant" if all_topics else "not relevant"
    with BeamPipeline() as p:
        scored = p | beam.Create(reports) | ScoreRelevance(WATCH, all_topics=all_topics)
        outcomes = scored.reports | beam.Map(lambda r: (r.entry.id, r.outcome, r.relevance > 0.5))
        expected = [
            ("near", "relevant", True),
            ("decoy", decoy, False),
            ("shut", "not relevant", False),
            ("foreign", "unsupported language", False),
        ]
        assert_that(outcomes, equal_to(expected), "Outcomes")
        assert_that(
            scored.failures | beam.Map(lambda f: (f.stage, f.subject)), equal_to([("ScoreRelevance", "vectorless")]), "Dead"
        )
