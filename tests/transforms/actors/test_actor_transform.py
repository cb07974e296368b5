"""TagActors in a pipeline: reports get their actors, an entry that cannot be read becomes a failure."""

from __future__ import annotations

from dataclasses import replace

import apache_beam as beam
import pytest
from actor_entries import an_entry
from apache_beam.testing.test_pipeline import TestPipeline as BeamPipeline
from apache_beam.testing.util import assert_that, equal_to

from schemas import Entry, Failure, Report
from schemas.taxonomy import Taxonomy
from schemas.watch import ActorSpec, Gate, Relevance, Sides, Watch
from transforms.actors import ActorTagger, TagActors, tagger_for


@pytest.fixture
def watch(tmp_path) -> Watch:
    return Watch(
        name="islands",
        title="Two islands",
        sides=Sides(challenger=("Norland",), target=("Sudland",)),
        gate=Gate(),
        relevance=Relevance(description=("ships",)),
        directory=tmp_path,
        actors=(ActorSpec(name="Norland", kind="state"), ActorSpec(name="Sudland", kind="state", stands_for=("Sudish",))),
        taxonomy=Taxonomy(types=()),
    )


def test_reports_leave_with_their_actors(watch: Watch) -> None:
    reports = [Report("islands", an_entry("Norland threatens Sudish port")), Report("islands", an_entry("Rain"))]
    with BeamPipeline() as p:
        tagged = p | beam.Create(reports) | TagActors(watch)
        found = tagged.reports | beam.Map(lambda r: (r.entry.title, tuple(a.name for a in r.actors)))
        assert_that(found, equal_to([("Norland threatens Sudish port", ("Norland", "Sudland")), ("Rain", ())]), "Reports")
        assert_that(tagged.failures, equal_to([]), "Failures")


def test_what_is_not_in_the_watch_language_gets_its_outcome_and_no_actors(watch: Watch) -> None:
    headline = "Norland zieht seine Truppen an der Grenze zusammen"
    reports = [Report("islands", an_entry(headline)), Report("islands", replace(an_entry(headline), language="en"))]
    with BeamPipeline() as p:
        tagged = p | beam.Create(reports) | TagActors(watch)
        found = tagged.reports | beam.Map(lambda r: (r.outcome, r.actors))
        assert_that(found, equal_to([("unsupported language", ())] * 2))


def test_an_entry_that_cannot_be_read_is_a_failure_and_the_rest_goes_on(watch: Watch, monkeypatch) -> None:
    tag = ActorTagger.tag

    def breaks_on_rain(self: ActorTagger, entry: Entry):
        if entry.title == "Rain":
            raise RuntimeError("out of ink")
        return tag(self, entry)

    monkeypatch.setattr(ActorTagger, "tag", breaks_on_rain)
    rain = replace(an_entry("Rain"), id="wet")
    with BeamPipeline() as p:
        tagged = p | beam.Create([Report("islands", rain), Report("islands", an_entry("Norland"))]) | TagActors(watch)
        assert_that(tagged.reports | beam.Map(lambda r: r.entry.title), equal_to(["Norland"]), "Reports")
        assert_that(tagged.failures, _one_failure, "Failures")


def _one_failure(failures: list[Failure]) -> None:
    (only,) = failures
    assert (only.stage, only.reason, only.subject) == ("TagActors", "unexpected-error", "wet")
    assert "out of ink" in only.error
    assert '"title":"Rain"' in only.payload


def test_the_tagger_of_a_watch_is_made_once(watch: Watch) -> None:
    assert tagger_for(watch) is tagger_for(watch.model_copy())
