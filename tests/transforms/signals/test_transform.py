"""TagSignals in a pipeline: what the gate let pass is read, what cannot be read is a dead letter, all else goes on."""

from __future__ import annotations

import apache_beam as beam
from apache_beam.testing.util import assert_that, equal_to
from signal_cast import actors, entry  # type: ignore[import-not-found]

from schemas import Actor, Mention, Report
from schemas.watch import Watch
from transforms.reading import FAILURES, REPORTS
from transforms.signals import TagSignals

TITLE = "Russia masses troops near Ukraine"


def report(id: str, gated: bool, named: tuple[Actor, ...]) -> Report:
    from dataclasses import replace

    return Report("w", replace(entry(TITLE), id=id), actors=named, gated=gated)


def test_only_what_the_gate_let_pass_is_read_and_a_failure_stops_nothing(watches: dict[str, Watch]) -> None:
    good = actors(("title", TITLE))
    broken = (Actor("x", "X", "state", "", "", (), (Mention("headline", 0, 1, "R"),)),)
    with beam.Pipeline() as p:
        reports = p | beam.Create([report("read", True, good), report("closed", False, good), report("broken", True, broken)])
        out = reports | TagSignals(watches["build-up"])
        said = out[REPORTS] | "Said" >> beam.Map(lambda r: (r.entry.id, [s.type for s in r.signals]))
        failed = out[FAILURES] | "Failed" >> beam.Map(lambda f: (f.stage, f.reason, f.subject))
        assert_that(said, equal_to([("read", ["TROOP_BUILDUP"]), ("closed", [])]), "said")
        assert_that(failed, equal_to([("TagSignals", "unexpected-error", "broken")]), "failed")
