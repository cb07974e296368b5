"""--spacy-model: which commands take it, what they say of one that cannot parse, and where the one that did is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from factories import a_watch

from pipelines import cli, detect, local, monitor
from pipelines.detect import DetectAlerts, _start
from pipelines.usage import UsageError, parsing
from transforms.checkpoints import Checkpoint

ROOT = Path(__file__).parents[2]
WATCH = ["--watch", str(ROOT / "watches" / "ukraine")]
MISSING = ["--spacy-model", "no_such_model"]
COMPLAINT = "--spacy-model no_such_model: no spaCy model of this name is installed: `python -m spacy download en_core_web_sm`"


@pytest.fixture
def model(tmp_path: Path) -> str:
    """The directory of what calls itself a parser."""
    meta = {"lang": "en", "name": "made_up", "version": "1.2", "labels": {"parser": ["conj", "nsubjpass"]}}
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    return str(tmp_path)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["backtest", "--input", __file__, "--output", "never-made"], id="backtest"),
        pytest.param(["explain", "Tanks roll north"], id="explain"),
        pytest.param(["why", "an-id", "--log", __file__], id="why"),
        pytest.param(["run"], id="run"),
    ],
)
def test_a_model_that_is_not_installed_ends_a_command(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*command, *WATCH, *MISSING]) == 2
    assert f"vedette {command[0]}: {COMPLAINT}" in capsys.readouterr().err


def test_a_model_that_is_not_installed_ends_a_detector_before_it_touches_a_topic() -> None:
    with pytest.raises(UsageError, match=COMPLAINT):
        detect.prepare(PipelineOptions([*WATCH, *MISSING]))
    with pytest.raises(UsageError, match=COMPLAINT):
        monitor.run([*WATCH, *MISSING])


def test_a_run_hands_the_model_to_its_detector(model: str) -> None:
    folder = Path(WATCH[1])
    assert local.detecting(folder, model) == [*WATCH, "--spacy-model", model]
    assert local.detecting(folder, "") == WATCH


def test_without_a_model_a_watch_is_what_it_was() -> None:
    watch = a_watch()
    assert parsing(watch, "") is watch


def test_an_alert_names_the_model_and_its_version(model: str) -> None:
    assert DetectAlerts(a_watch())._models() == ("all-MiniLM-L6-v2",)
    assert DetectAlerts(parsing(a_watch(), model))._models() == ("all-MiniLM-L6-v2", "en_made_up-1.2")


def test_a_history_that_was_read_without_the_model_is_folded_again(model: str) -> None:
    watch, position = parsing(a_watch(), model), 1_588_420_800_000_000
    then = DetectAlerts(watch)
    assert _start(Checkpoint(b"state", position, a_watch().config_hash), watch, then) is None
    assert then.mute_until == position
    assert _start(Checkpoint(b"state", position, watch.config_hash), watch, DetectAlerts(watch)) == position
