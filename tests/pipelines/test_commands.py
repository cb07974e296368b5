"""The command: exit statuses, and for what a person can mend a sentence instead of a traceback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from cloud import Cloud

from pipelines import cli

ROOT = Path(__file__).parents[2]


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    told = capsys.readouterr().out
    assert all(f"vedette {name} " in told for name in cli.COMMANDS)


def test_no_command_and_an_unknown_one_end_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "vedette backtest" in capsys.readouterr().out
    assert cli.main(["dance"]) == 2
    assert cli.main(["watch"]) == 2
    assert "there is no command 'dance'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["backtest", "--watch", "ukraine", "--input", "none.jsonl", "--output", "out"], "none.jsonl: there is no such file"),
        (
            ["backtest", "--watch", "atlantis", "--input", __file__, "--output", "out"],
            "--watch atlantis: there is no such folder",
        ),
        (["backtest", "--watch", "ukraine", "--input", __file__, "--output", __file__], f"{__file__} is a file"),
        (["explain", "x", "--watch", "ukraine", "--html", "no/x.html"], "--html no/x.html: there is no folder no"),
        (["explain", "x", "--watch", "ukraine", "--html", str(ROOT)], f"--html {ROOT}: is a folder"),
        (
            ["backtest", "--watch", "ukraine", "--input", __file__, "--output", "out", "--model", "nowhere"],
            "--model nowhere: nowhere holds no model.safetensors",
        ),
        (
            ["explain", "Norway closes its ports", "--watch", "ukraine", "--model", "nowhere"],
            "--model nowhere: nowhere holds no model.safetensors",
        ),
        (["why", "x", "--watch", "ukraine", "--log", "none"], "none: there is no such file or directory"),
        (["why", "x", "--watch", "ukraine", "--log", str(ROOT / "tests")], "a backtest has not written here"),
        (["why", "x", "--watch", "ukraine"], "Which Pub/Sub?"),
        (["subscribe"], "Which Pub/Sub?"),
        (["subscribe", "--subscription", "s", "--filter", "f"], "--filter belongs to the subscription that this command makes"),
        (["watch", "check", "atlantis"], "there is no such folder"),
    ],
)
def test_what_a_person_can_mend_is_said_in_a_sentence(
    argv: list[str], sentence: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOOGLE_CLOUD_PROJECT", "PUBSUB_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main(argv) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"vedette {argv[0]}")
    assert sentence in told
    assert "Traceback" not in told


def test_a_local_endpoint_that_is_down_is_said_at_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{free.getsockname()[1]}")
        assert cli.main(["subscribe"]) == 2
    assert "nothing listens there" in capsys.readouterr().err


def test_a_filter_that_is_none_is_said_with_its_fault(emulator: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["subscribe", "--filter", "severity is high"]) == 2
    assert "--filter severity is high" in capsys.readouterr().err


def test_a_well_watch_is_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["watch", "check", str(ROOT / "watches/ukraine")]) == 0
    assert "Russia against Ukraine" in capsys.readouterr().out


def test_every_problem_of_a_watch_is_a_line_and_the_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "watch.yaml").write_text("name: Bad Name\n")
    (tmp_path / "feeds.opml").write_text("<opml>")
    assert cli.main(["watch", "check", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert f"{tmp_path / 'watch.yaml'}:1: name: " in told
    assert "feeds.opml" in told
    assert "problems" in told.splitlines()[-1]


@pytest.mark.parametrize("command", ["collect", "detect", "monitor"])
def test_a_pipeline_without_pubsub_ends_with_2_and_a_sentence(command: str, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("PUBSUB_EMULATOR_HOST", "GOOGLE_CLOUD_PROJECT")}
    argv = [sys.executable, "-m", "pipelines.cli", command, "--watch", "ukraine"]
    ended = subprocess.run(argv, env={**environment, "PYTHONPATH": str(ROOT)}, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 2
    assert f"vedette {command}: Which Pub/Sub?" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("collect", ["--feeds", "--tick-every", "--poll-every", "--entries-topic", "--runner"]),
        ("detect", ["--watch", "--entries-subscription", "--state-dir", "--runner"]),
        ("monitor", ["--watch", "--feeds", "--alerts-topic", "--runner"]),
    ],
)
def test_a_streaming_command_tells_its_options(command: str, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([command, "--help"]) == 0
    told = capsys.readouterr().out
    assert [option for option in options if option not in told] == []


def test_on_a_terminal_a_sentence_is_wrapped_between_words_and_a_command_to_copy_is_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    cli._say("vedette x: there is nothing:\n  gcloud pubsub topics create something --project=p")
    assert capsys.readouterr().err == ("vedette x: there is\nnothing:\n  gcloud pubsub topics create something --project=p\n")


@pytest.mark.parametrize(
    ("argv", "hint"), [(["sbscribe"], "did you mean 'subscribe'?"), (["watch", "chek"], "did you mean 'watch check'?")]
)
def test_a_name_that_is_nearly_one_is_told(argv: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(argv) == 2
    assert hint in capsys.readouterr().err


def test_a_word_that_begins_several_commands_tells_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["topics"]) == 2
    assert "vedette topics apply" in capsys.readouterr().err
    assert cli.main(["topics", "--help"]) == 0
    told = capsys.readouterr().out
    assert "vedette topics status" in told
    assert "vedette explain" not in told


def test_what_is_loaded_is_told_only_if_asked_for() -> None:
    argv = [sys.executable, "-m", "pipelines.cli", "explain", "Norway closes its ports", "--watch", "ukraine"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    quiet, told = (
        subprocess.run([*argv, *more], env=environment, capture_output=True, text=True) for more in ([], ["--verbose"])
    )
    assert (quiet.returncode, quiet.stderr) == (0, "")
    assert "reader loaded" in told.stderr
    assert quiet.stdout == told.stdout
