"""What TagActors does to one report."""

from __future__ import annotations

from dataclasses import replace

from schemas.report import Report
from schemas.watch import Watch
from transforms.actors.tagger import tagger_for
from transforms.language import UNSUPPORTED_LANGUAGE, is_read


def tagged(report: Report, watch: Watch) -> Report:
    """The report with its actors, or with its outcome if its entry is in a language that the watch does not read."""
    if not is_read(report.entry, watch.languages):
        return replace(report, outcome=UNSUPPORTED_LANGUAGE)
    return replace(report, actors=tagger_for(watch).tag(report.entry))
