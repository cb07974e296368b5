"""Commands start at once: what takes a second to import is imported by those that need it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.release import release

ROOT = Path(__file__).parents[2]
WATCH = str(ROOT / "watches/taiwan-strait")
BEAM, TORCH, PUBSUB = "apache_beam", "torch", "google.cloud.pubsub_v1"
CODE = """
import json, sys
from pipelines.cli import main
try:
    status = main(sys.argv[1:])
except SystemExit as e:
    status = e.code
print(json.dumps([status, sorted({"apache_beam", "torch", "google.cloud.pubsub_v1"} & sys.modules.keys())]))
"""


def imported(*argv: str, **environment: str) -> tuple[int, set[str], str]:
    """The exit status of a command in a process of its own, the slow packages it has imported, and what it printed."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PUBSUB_EMULATOR_HOST", "GOOGLE_CLOUD_PROJECT")}
    command = [sys.executable, "-c", CODE, *argv]
    done = subprocess.run(
        command, env={**kept, "PYTHONPATH": str(ROOT), **environment}, cwd=ROOT, capture_output=True, text=True, check=True
    )
    *told, last = done.stdout.splitlines()
    status, found = json.loads(last)
    return status, set(found), "\n".join(told)


@pytest.mark.parametrize(
    "argv",
    [
        ["--help"],
        ["--version"],
        ["watch", "--help"],
        ["watch", "check", WATCH],
        ["watch", "new", "--help"],
        ["feeds", "check", "--help"],
        ["why", "--help"],
        ["explain", "--help"],
    ],
)
def test_what_only_reads_and_tells_imports_nothing_slow(argv: list[str]) -> None:
    assert imported(*argv)[:2] == (0, set())


def test_feeds_are_checked_without_beam(tmp_path: Path) -> None:
    feeds = tmp_path / "feeds.opml"
    feeds.write_text('<opml version="2.0"><body><outline type="rss" text="x" xmlUrl="http://127.0.0.1:9/"/></body></opml>')
    status, found, told = imported("feeds", "check", str(feeds))
    assert (status, found) == (1, set())
    assert "0 of 1 feed" in told


@pytest.mark.parametrize("command", ["subscribe", "topics status", "topics apply", "run"])
def test_what_speaks_to_pubsub_imports_its_client_and_no_more(command: str) -> None:
    assert imported(*command.split(), "--help")[:2] == (0, {PUBSUB})


def test_a_text_is_explained_without_beam() -> None:
    status, found, told = imported("explain", "Chinese warplanes cross the median line of the Taiwan Strait", "--watch", WATCH)
    assert status == 0
    assert BEAM not in found
    assert "Relevant" in told


def test_why_needs_beam_only_where_something_is_detected(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("")
    status, found, _ = imported("why", "nobody", "--watch", WATCH, "--log", str(log))
    assert (status, found) == (2, set())


def test_the_version_is_the_installed_one() -> None:
    assert imported("--version")[2] == f"vedette {release()}"


ROWS = """
import pipelines.detect
from transforms.stories.ledger import trace_coder
print(type(trace_coder().coders()[0]).__name__)
"""


def test_a_detector_writes_reports_as_rows_whatever_was_imported_first() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ROWS], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "RowCoder"
