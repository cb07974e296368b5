"""One entry through the stages of `detect`, by itself and without Beam: what `vedette explain` shows.

The stages are the graph's own, one after the other. A test holds what comes out to what the graph says of the same entry.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from schemas.entry import Entry
from schemas.report import Report
from schemas.story import Story
from schemas.watch import Watch
from transforms.actors.stage import tagged
from transforms.alerts.policy import AlertPolicy
from transforms.embedding.model import ModelError, embedder
from transforms.embedding.stage import vectors
from transforms.relevance.stage import gated, scored
from transforms.signals.stage import signalled
from transforms.stories.ledger import StoryLedger

logger = logging.getLogger(__name__)
TORCH_THREADS = 1
"""Of each process: texts are short and processes share cores, so more threads wait for each other (7 times slower, measured)."""


class StageError(Exception):
    """A stage failed on an entry. The text names the stage and says what it said."""


def detect_alone(entry: Entry, watch: Watch, model: str = "") -> tuple[Report, Story | None]:
    """The report on an entry that nothing came before, and its story, judged, if it is relevant.

    model  as of `detect`
    Raises ModelError if the model cannot be loaded, StageError if a stage fails on the entry.
    """
    with _stage("TagActors"):
        report = tagged(Report(watch.name, entry), watch)
    with _stage("Gate"):
        report = gated(report, watch)
    if report.gated:
        with _stage("EmbedEntries"):
            (vector,) = vectors(embedder(model, TORCH_THREADS), [report])
        with _stage("TagSignals"):
            report = signalled(replace(report, vector=vector), watch, model)
    with _stage("ScoreRelevance"):
        report = scored(report, watch, model, TORCH_THREADS)
    if not report.relevant:
        return report, None
    with _stage("FoldStories"):
        return StoryLedger(watch, AlertPolicy(watch)).fold(report)


@contextmanager
def _stage(name: str) -> Iterator[None]:
    try:
        yield
    except ModelError:
        raise
    except Exception as e:  # where the graph makes a dead letter, whatever one entry does
        logger.info("%s failed", name, exc_info=True)
        raise StageError(f"{name} failed on it: {type(e).__name__}: {e}") from e
