"""One entry through the stages of `detect`, by itself and without Beam: what `vedette explain` shows.

The stages are the graph's own, one after the other. A test holds what comes out to what the graph says of the same entry.
"""

from __future__ import annotations

from dataclasses import replace

from schemas.entry import Entry
from schemas.report import Report
from schemas.story import Story
from schemas.watch import Watch
from transforms.actors.stage import tagged
from transforms.alerts.policy import AlertPolicy
from transforms.embedding.model import embedder
from transforms.embedding.stage import vectors
from transforms.relevance.stage import gated, scored
from transforms.signals.stage import signalled
from transforms.stories.ledger import StoryLedger

TORCH_THREADS = 1
"""Of each process: texts are short and processes share cores, so more threads wait for each other (7 times slower, measured)."""


def detect_alone(entry: Entry, watch: Watch, model: str = "") -> tuple[Report, Story | None]:
    """The report on an entry that nothing came before, and its story, judged, if it is relevant.

    model  as of `detect`
    Raises ModelError if the model cannot be loaded.
    """
    report = gated(tagged(Report(watch.name, entry), watch), watch)
    if report.gated:
        (vector,) = vectors(embedder(model, TORCH_THREADS), [report])
        report = signalled(replace(report, vector=vector), watch, model)
    report = scored(report, watch, model, TORCH_THREADS)
    if not report.relevant:
        return report, None
    return StoryLedger(watch, AlertPolicy(watch)).fold(report)
