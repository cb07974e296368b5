"""What TagSignals does to one report."""

from __future__ import annotations

from dataclasses import replace

from schemas.report import Report
from schemas.watch import Watch
from transforms.signals.tagger import tagger_for


def signalled(report: Report, watch: Watch, model: str = "") -> Report:
    """The report with its signals if the gate let it pass, else as it is. Raises ModelError if the model cannot be loaded."""
    if not report.gated:
        return report
    return replace(report, signals=tagger_for(watch, model).tag(report.entry, report.actors))
