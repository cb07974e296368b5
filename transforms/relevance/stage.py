"""What Gate and ScoreRelevance do to one report."""

from __future__ import annotations

from dataclasses import replace

from schemas.report import Report
from schemas.watch import Watch
from transforms.relevance.gate import gate_for
from transforms.relevance.score import NOT_RELEVANT, RELEVANT, scorer_for


def gated(report: Report, watch: Watch, all_topics: bool = False) -> Report:
    """The report with `gated`. One that has its outcome already stays as it is, unless every topic is wanted."""
    if all_topics:
        return replace(report, gated=True, outcome="")
    return report if report.outcome else replace(report, gated=gate_for(watch).passes(report))


def scored(report: Report, watch: Watch, model: str = "", threads: int = 0, all_topics: bool = False) -> Report:
    """The report with `relevance` and `outcome`. One that has its outcome already stays as it is.

    Raises ValueError if a gated report has no vector, ModelError if the model cannot be loaded.
    """
    if report.outcome:
        return report
    if not report.gated:
        return replace(report, outcome=NOT_RELEVANT)
    scorer = scorer_for(watch, model, threads)
    relevance = scorer.score(report)
    return replace(report, relevance=relevance, outcome=RELEVANT if all_topics else scorer.outcome(relevance))
