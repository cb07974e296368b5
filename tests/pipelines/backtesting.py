"""A few recorded entries of our own writing, and a backtest with the real model of what a test makes of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.backtest import backtest
from pipelines.detect import DetectAlerts
from schemas.watch import load_watch

ROOT = Path(__file__).parents[2]
WATCH = ROOT / "watches/ukraine"


def line(id: str, published: str, title: str, summary: str, outlet: str = "Harbour Wire", **fields: Any) -> dict[str, Any]:
    slug = outlet.lower().replace(" ", "-")
    feed, url = f"https://{slug}.example/feed", f"https://{slug}.example/{id}"
    return {
        "id": id,
        "feed": feed,
        "outlet": outlet,
        "url": url,
        "title": title,
        "summary": summary,
        "published": published,
        **fields,
    }


BUILDUP = (
    "Russia masses 90,000 troops near the Ukrainian border",
    "Moscow has massed 90,000 troops near Ukraine, Kyiv said on Friday.",
)
ENTRIES = (
    line("buildup", "2021-12-03T08:00Z", *BUILDUP),
    line("buildup-copy", "2021-12-03 09:00:00", *BUILDUP, outlet="Wexcombe Echo"),
    line("buildup-again", "2021-12-03T09:30:00+01:00", *BUILDUP),
    line(
        "sanctions",
        "2021-12-03T12:00Z",
        "Biden threatens Russia with severe sanctions if it invades Ukraine",
        "The United States will impose severe economic sanctions on Russia in the event of an attack on Ukraine, Biden said.",
        outlet="Amberline",
    ),
    line(
        "warning",
        "2021-12-04T06:00Z",
        "Russia could invade Ukraine as early as next month, US intelligence officials warn",
        "Russia is planning an offensive with as many as 175,000 soldiers, American officials said.",
        outlet="Amberline",
    ),
    line(
        "denial",
        "2021-12-04T10:00Z",
        "Kremlin denies plans to invade Ukraine",
        "Russia has no plans to attack Ukraine, the Kremlin spokesman said.",
        outlet="Arbat Chronicle",
    ),
    line(
        "known",
        "2021-12-04T11:00Z",
        "Russian troops shell a village in eastern Ukraine",
        "Two soldiers were killed.",
        backfill=True,
    ),
    line(
        "football",
        "2021-12-04T18:00Z",
        "Shakhtar Donetsk beat Dynamo Kyiv with a late goal",
        "The striker scored twice in the derby.",
    ),
    line(
        "climate",
        "2021-12-04T19:00Z",
        "Storm closes schools along the coast",
        "Heavy rain is expected until Monday.",
        outlet="Wexcombe Echo",
    ),
    line(
        "deutsch",
        "2021-12-04T20:00Z",
        "Russland zieht Truppen an der Grenze zusammen",
        "Kiew warnt.",
        outlet="Spreeblatt",
        language="de",
    ),
)
EDIT = {
    **ENTRIES[0],
    "version": 2,
    "title": "Russia masses 94,000 troops near the Ukrainian border",
    "time": "2021-12-03T13:00:00Z",
}
REPLAY = dict(ENTRIES[3])
UNREADABLE = (
    b"not json at all",
    b'["a", "list"]',
    b'{"feed": "f", "outlet": "o", "published": "2021-12-03"}',
    b'{"id": "x", "feed": "f", "outlet": "o", "title": "no time"}',
    b'{"id": "x", "feed": "f", "outlet": "o", "published": "the day before"}',
    b'{"id": "x", "feed": "f", "outlet": "o", "published": 5}',
    b'{"id": "x", "feed": "f", "outlet": "o", "published": "2021-12-03", "title": 5}',
    b'{"id": "x", "feed": "f", "outlet": "o", "published": "2021-12-03", "title": "half a pair \\ud800"}',
    b'{"id": "x", "feed": "f", "outlet": "o", "published": "2021-12-03", "version": 1e40}',
    b'{"id": "x", "feed": "f", "outlet": "o", "published": "2021-12-03", "title": "\xff\xfe"}',
)


def jsonl(lines: Any) -> bytes:
    return b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)


@dataclass(frozen=True)
class Results:
    """What a backtest wrote."""

    directory: Path

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.directory / name).read_bytes().splitlines()]

    @property
    def entries(self) -> dict[str, dict[str, Any]]:
        return {entry["id"]: entry for entry in self.lines("entries.jsonl")}

    @property
    def alerts(self) -> list[dict[str, Any]]:
        return self.lines("alerts.jsonl")

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.directory.iterdir())}


def run_backtest(directory: Path, lines: Any, **options: Any) -> Results:
    source, output = directory / "entries.jsonl", directory / "results"
    directory.mkdir(exist_ok=True)
    source.write_bytes(jsonl(lines))
    backtest(DetectAlerts(load_watch(WATCH), in_order=True, **options), source, output)
    return Results(output)
