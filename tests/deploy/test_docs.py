"""docs/deploy.md says what is so: targets, options, roles, parameters and files that it names are there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

GCLOUDS = {"--transform-name-mappings", "--status", "--topic", "--limit", "--auto-ack"}
VEDETTES = {"--watch", "--project", "--region"}


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    return (root / "docs/deploy.md").read_text(encoding="utf-8")


def test_targets_are_in_the_makefile(root: Path, text: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    told = set(re.findall(r"(?:`|=\S+ |^    )make ([a-z]+)", text, re.MULTILINE))
    assert {"infrastructure", "template", "deploy", "run"} <= told
    assert told <= targets


def test_options_are_those_of_the_command(root: Path, text: str) -> None:
    known = set(re.findall(r'"(--[a-z-]+)"', (root / "deploy/arguments.py").read_text(encoding="utf-8")))
    told = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) - GCLOUDS - VEDETTES - {"--help"}
    assert {"--update", "--set", "--dry-run", "--pipeline"} <= told
    assert told <= known


def test_parameters_are_those_of_the_template(root: Path, text: str) -> None:
    known = {p["name"] for p in json.loads((root / "deploy/metadata.json").read_text(encoding="utf-8"))["parameters"]}
    told = set(re.findall(r'--set "?([a-z_]+)=', text)) | set(re.findall(r"`([a-z]+_[a-z_]+)`", text)) - {"_"}
    assert {"feeds", "poll_shards", "poll_user_agent"} <= told
    assert told <= known


def test_roles_are_those_that_are_granted(text: str, script: Callable[[str], ModuleType]) -> None:
    resources = script("deploy/resources.py")
    place = resources.Place("example-project", "europe-west1", "bucket", "ukraine", "detect")
    granted = {a.removeprefix("--role=") for call in resources.grants(place) for a in call if a.startswith("--role=")}
    table = text[text.index("## Permissions") : text.index("## Where state lives")]
    rows = [row for row in table.splitlines() if row.startswith("|")]
    assert set(re.findall(r"roles/[a-zA-Z.]+", "\n".join(rows))) == {r for r in granted if r.startswith("roles/")}
    assert resources.READER_ROLE in table
    assert f"{resources.ACCOUNT}@" in table


def test_files_are_there(root: Path, text: str) -> None:
    told = re.findall(r"`((?:deploy|tests|transforms|watches|docs)/[\w./]*)`", text)
    assert len(told) >= 4
    assert [name for name in told if not (root / name).exists()] == []


def test_counters_are_counted(root: Path, text: str) -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (root / "transforms").rglob("*.py"))
    told = re.findall(r"`([a-z.]+)/([A-Za-z_-]+)`", text[text.index("## Monitoring") : text.index("Worth an alarm")])
    assert len(told) > 8
    for namespace, name in told:
        assert f'"{namespace}"' in code
        stem = {"raised": "raised_", "not": "not relevant", "PublishAlerts": "_refused"}.get(name.split("_")[0], name)
        assert stem in code, name
