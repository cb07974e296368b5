"""The watch over Ukraine with the real model: headlines of our own that it must take and leave."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from factories import an_entry

from schemas import Report
from schemas.watch import Watch, load_watch
from transforms.actors import tagger_for
from transforms.embedding.lead import title_and_lead
from transforms.embedding.model import embedder
from transforms.relevance.stage import gated, scored

WATCHES = Path(__file__).parents[3] / "watches"


@pytest.fixture(scope="module")
def watch() -> Watch:
    return load_watch(WATCHES / "ukraine")


def outcome(watch: Watch, title: str, summary: str = "") -> str:
    entry = an_entry(title=title, summary=summary)
    report = gated(Report(watch.name, entry, actors=tagger_for(watch).tag(entry)), watch)
    if report.gated:
        report = replace(report, vector=embedder().embed([title_and_lead(entry)])[0].astype("<f4").tobytes())
    return scored(report, watch).outcome


@pytest.mark.parametrize(
    "title",
    [
        "More Russian tanks are seen on trains heading for the Ukrainian border",
        "Nato allies weigh what to do if Moscow attacks",
        "Zelensky says nobody should pack a suitcase yet",
        "Peskov calls talk of an attack on Ukraine empty and groundless",
        "Fresh shelling reported along the front line in Donbas",
        "Embassy in Kyiv sends families of its diplomats home",
        "Mariupol under fire for a fifth day",
        "Women and children from Ukraine fill trains to Poland",
        "London freezes assets of Russian oligarchs over the war",
        "Oil climbs to a seven-year high on fears of war in Ukraine",
        "Berlin puts Nord Stream 2 on hold after Russian move on Donetsk and Luhansk",
        "Russian clubs thrown out of European football over invasion",
    ],
)
def test_the_crisis_and_what_follows_from_it_is_relevant(watch: Watch, title: str) -> None:
    assert outcome(watch, title) == "relevant"


@pytest.mark.parametrize(
    "title",
    [
        "Shakhtar Donetsk lose late in the Champions League",
        "Usyk keeps his belts after twelve rounds",
        "Moscow hospitals fill up as Covid spreads",
        "Navalny's lawyer visits him in prison",
        "Migrants spend another freezing night at the Polish border with Belarus",
        "Protesters storm the town hall in Almaty",
        "Chinese jets fly past Taiwan again",
        "Russian skater wins gold in Beijing",
        "Ukraine picks its song for Eurovision",
        "Cosmonauts leave the space station for a walk",
        "Bakers fear a poor rye harvest",
        "Taylor Swift adds dates to her tour",
    ],
)
def test_what_only_sounds_like_it_is_not(watch: Watch, title: str) -> None:
    assert outcome(watch, title) == "not relevant"
