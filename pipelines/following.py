"""What a detector has done so far, told to the process that started it (see progress.py).

Not Beam's own counters: the local runner, streaming, commits those of each step's first bundle and no more (2.77; its state
sampler keeps the first bundle's container). So a step of our own counts the reports that have been through the graph.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter

import apache_beam as beam

from pipelines.progress import READ, RELEVANT, STORIES, VARIABLE
from schemas.report import Report

EVERY = 1.0
"""Seconds between two looks at what was counted."""
_counts: Counter[str] = Counter()


class _Count(beam.DoFn):
    def process(self, report: Report) -> None:
        _counts[READ] += 1
        _counts[RELEVANT] += report.relevant
        _counts[STORIES] += report.relation == "new"


def follow(reports: beam.PCollection[Report], loading: threading.Thread) -> None:
    """Count the reports and tell, if a parent listens: VEDETTE_PROGRESS names the pipe. For a runner in this process.

    loading  what loads the model; nothing is told before it has ended
    """
    descriptor = os.environ.pop(VARIABLE, "")  # not for a child of ours
    if descriptor:
        _ = reports | "Follow" >> beam.ParDo(_Count())
        threading.Thread(target=_tell, args=(int(descriptor), loading), name="progress", daemon=True).start()


def _tell(descriptor: int, loading: threading.Thread) -> None:
    loading.join()
    pause, told = threading.Event(), ""
    with os.fdopen(descriptor, "w", encoding="utf-8") as pipe:
        while not pause.wait(EVERY):
            line = json.dumps({name: _counts[name] for name in (READ, RELEVANT, STORIES)})
            if line != told:
                try:
                    print(line, file=pipe, flush=True)
                except OSError:  # nobody listens any more
                    return
            told = line
