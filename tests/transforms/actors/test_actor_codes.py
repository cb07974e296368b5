"""Country and sector of an actor on a day, in the codes of CAMEO and PLOVER."""

from __future__ import annotations

import re

import pytest
from actor_entries import Ask

from transforms.actors import ActorTagger


@pytest.mark.parametrize(
    ("title", "day", "name", "code"),
    [
        ("Poland waits", "2022-01-15", "Poland", "POL"),
        ("The Kremlin waits", "2022-01-15", "Russia", "RUS"),
        ("Pentagon waits", "2022-01-15", "Pentagon", "USAGOV"),
        ("Poland's defence ministry waits", "2022-01-15", "Polish Ministry of Defence", "POLGOV"),
        ("Black Sea Fleet waits", "2022-01-15", "Black Sea Fleet", "RUSMIL"),
        ("FSB waits", "2022-01-15", "FSB", "RUSSPY"),
        ("Bundestag waits", "2022-01-15", "Bundestag", "DEULEG"),
        ("Gazprom waits", "2022-01-15", "Gazprom", "RUSBUS"),
        ("Nato waits", "2022-01-15", "NATO", "IGOWSTNAT"),
        ("European Commission waits", "2022-01-15", "European Commission", "IGOEUREEC"),
        ("Denis Pushilin waits", "2022-01-15", "Denis Pushilin", "UKRREB"),
        ("Mark Milley waits", "2022-01-15", "Mark Milley", "USAMIL"),
        ("Stoltenberg waits", "2022-01-15", "Jens Stoltenberg", "IGOWSTNAT"),
        ("Navalny waits", "2022-01-15", "Alexei Navalny", "RUSOPP"),
        ("Angela Merkel waits", "2021-12-07", "Angela Merkel", "DEUGOV"),
        ("Angela Merkel waits", "2021-12-08", "Angela Merkel", "DEUELI"),
        ("Mark Rutte waits", "2022-01-15", "Mark Rutte", "NLDGOV"),
        ("Mark Rutte waits", "2024-11-01", "Mark Rutte", "IGOWSTNAT"),
        ("Norway's ambassador Kari Roe waits", "2022-01-15", "Kari Roe", "NORGOV"),
        ("Norway's Admiral Kari Roe waits", "2022-01-15", "Kari Roe", "NORMIL"),
        ("Senator Kari Roe waits", "2022-01-15", "Kari Roe", ""),
    ],
)
def test_a_code_is_that_of_the_day(tag: Ask, title: str, day: str, name: str, code: str) -> None:
    assert {a.name: a.code for a in tag("", title, day=day)}[name] == code


@pytest.mark.parametrize(
    ("title", "sector"),
    [
        ("Foreign Minister of Norway", "GOV"),
        ("UN Secretary-General", "GOV"),
        ("US Attorney General", "GOV"),
        ("Defence Minister of Norway", "GOV"),
        ("Chief of the General Staff", "MIL"),
        ("Gen.", "MIL"),
        ("CIA Director", "SPY"),
        ("Chairman of the House Intelligence Committee", "LEG"),
        ("Speaker of the State Duma", "LEG"),
        ("Justice of the US Supreme Court", "JUD"),
        ("Shadow Foreign Secretary", "OPP"),
        ("Rebel leader", "REB"),
        ("Mayor of Oslo", "GOV"),
    ],
)
def test_the_title_of_an_office_tells_its_sector(tagger: ActorTagger, title: str, sector: str) -> None:
    assert tagger.codes.sector(title) == sector


def test_every_code_of_the_lists_is_made_of_letters_in_threes(tagger: ActorTagger) -> None:
    codes = {tagger.codes.of(s, office) for s in tagger.specs for office in (*s.offices, None)}
    assert [c for c in codes if not re.fullmatch("([A-Z]{3})*", c)] == []
    assert {"RUSGOV", "USAMIL", "UKRGOV", "IGOUNO", "IGOWSTNAT"} <= codes
