"""The line that says how far `vedette run` is: under the alerts on a terminal, never among them anywhere else."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from pipelines.progress import EVERY_LINE, Progress

FIRST = '{"read": 1, "relevant": 1, "stories": 1}\n'
LATER = '{"read": 1312, "relevant": 190, "stories": 45}\n'


def test_on_a_terminal_it_changes_in_its_place_and_is_gone_at_the_end() -> None:
    console = Console(force_terminal=True, width=80, file=(screen := StringIO()))
    with Progress(console, lambda: 12) as line:
        line.listen([FIRST, LATER]).join()
        console.print("an alert")
        shown = screen.getvalue()
        assert "starting" in shown
        assert "1,312 entries read, 190 relevant, 45 stories, 12 alerts" in shown
    assert "\x1b[2K" in screen.getvalue()[len(shown) :], "the line is erased"


def test_elsewhere_alerts_are_alone_and_the_line_comes_now_and_then_beside_them(capsys: pytest.CaptureFixture[str]) -> None:
    now = iter((0.0, 1.0, EVERY_LINE, EVERY_LINE, EVERY_LINE + 1)).__next__
    out = StringIO()
    with Progress(Console(file=out, width=80), lambda: 0, now) as line:
        line.listen([FIRST, LATER, FIRST]).join()
    assert out.getvalue() == ""
    assert capsys.readouterr().err.splitlines() == [
        "The pipelines are starting, loading the sentence model ...",
        "1,312 entries read, 190 relevant, 45 stories, 0 alerts",
    ]


def test_what_a_killed_detector_did_is_not_forgotten() -> None:
    line = Progress(Console(file=StringIO()), lambda: 1)
    line.listen([LATER]).join()
    line.listen([FIRST]).join()
    assert str(line) == "1,313 entries read, 191 relevant, 46 stories, 1 alert"
