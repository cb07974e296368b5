"""Each watch that comes with the package alerts on its own sample, for the right reasons, and not on what is beside the point."""

from __future__ import annotations

import io
import json
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipelines.alert_text import print_alert
from pipelines.backtest import backtest
from pipelines.detect import DetectAlerts
from pipelines.recording import Recording, entries
from schemas.watch import load_watch

WATCHES = Path(__file__).parents[2] / "watches"


class Said:
    """What the detector says of a watch's sample."""

    def __init__(self, watch: str, directory: Path) -> None:
        self.recording = Recording.load(WATCHES / watch / "sample")
        log = directory / "log.jsonl"
        log.write_text("".join(json.dumps(line) + "\n" for line in entries(self.recording)), encoding="utf-8")
        backtest(DetectAlerts(load_watch(WATCHES / watch), in_order=True), log, directory / "out")
        self.entries, self.alerts = (
            [json.loads(line) for line in (directory / "out" / f"{name}.jsonl").open("rb")] for name in ("entries", "alerts")
        )
        self.failures = (directory / "out" / "failures.jsonl").read_text(encoding="utf-8")

    def decoys(self) -> set[str]:
        return {version.id for version in self.recording.versions if version.decoy}

    def alerted(self) -> set[str]:
        return {e["id"] for e in self.entries if e["judgement"] and e["judgement"]["alert"]}

    def new_signals(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for alert in self.alerts:
            for signal in alert["signals"]:
                if signal["new"]:
                    yield alert["severity"], signal


def as_arrives(alert: dict[str, Any]) -> list[str]:
    """The lines of an alert as `vedette subscribe` writes them into a file."""
    out = io.StringIO()
    print_alert(Console(file=out), alert)
    return textwrap.dedent(out.getvalue()).strip("\n").splitlines()


@pytest.fixture(scope="session")
def said(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Said]:
    held: dict[str, Said] = {}

    def of(watch: str) -> Said:
        if watch not in held:
            held[watch] = Said(watch, tmp_path_factory.mktemp(watch))
        return held[watch]

    return of


@pytest.mark.parametrize("watch", ["ukraine", "taiwan-strait"])
def test_alerts_come_and_none_of_them_is_about_a_decoy(watch: str, said: Callable[[str], Said]) -> None:
    what = said(watch)
    assert what.alerts
    assert not what.failures
    assert not what.alerted() & what.decoys()


def test_the_alert_in_the_readme_is_one_of_the_recording(said: Callable[[str], Said]) -> None:
    readme = (WATCHES.parent / "README.md").read_text(encoding="utf-8")
    block = readme.split("## An alert as it arrives\n")[1].split("\n\nThe message itself")[0].strip("\n")
    shown = textwrap.dedent(block).splitlines()
    url = shown[-1].split()[-1]
    now = [as_arrives(alert) for alert in said("ukraine").alerts if alert["entries"][-1]["url"] == url]
    assert now, f"no alert ends with {url}: choose another for the README"
    assert shown in now, "the README's alert is now:\n\n" + "\n\n".join(textwrap.indent("\n".join(a), "    ") for a in now)


@pytest.mark.parametrize("watch", ["ukraine", "taiwan-strait"])
def test_copies_do_not_alert(watch: str, said: Callable[[str], Said]) -> None:
    copies = {e["id"] for e in said(watch).entries if e["relation"] == "duplicate"}
    assert copies
    # An entry that was edited later may be a copy in one version and the first report in another.
    edited = {v.id for v in said(watch).recording.versions if v.number > 1}
    assert not (said(watch).alerted() & copies) - edited


@pytest.mark.parametrize("watch", ["ukraine", "taiwan-strait"])
def test_the_evidence_of_an_alert_stands_in_its_entry(watch: str, said: Callable[[str], Said]) -> None:
    texts: dict[str, list[Any]] = {}
    for version in said(watch).recording.versions:
        texts.setdefault(version.id, []).append(version)
    for _, signal in said(watch).new_signals():
        fields = [getattr(version, signal["field"]) for version in texts[signal["entry_id"]]]
        assert signal["evidence"] in [text[signal["start"] : signal["end"]] for text in fields]


def test_the_second_watch_sees_drills_and_crossings(said: Callable[[str], Said]) -> None:
    types = {signal["type"] for _, signal in said("taiwan-strait").new_signals()}
    assert {"EXERCISE_SHOW_OF_FORCE", "BORDER_INCIDENT"} <= types
