"""The flex template: its parameters are options of the pipelines, and its launcher turns them into a command."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, WorkerOptions

from pipelines.options import CollectOptions, DetectOptions, TopicOptions

FIELDS = {"name", "label", "helpText", "isOptional", "regexes", "paramType", "enumOptions", "defaultValue"}
"""What we use of ParameterMetadata in the Dataflow API."""
LAUNCHERS_OWN = {"pipeline", "replace_running_job"}
NOT_ON_A_SERVICE = {"allow_local_addresses"}
SAMPLES = {
    "pipeline": "detect",
    "watch": "ukraine",
    "feeds": "gs://desk/feeds.opml",
    "state_dir": "gs://desk/state",
    "entries_topic": "projects/desk/topics/entries",
    "entries_subscription": "detect-ukraine",
    "poll_every": "600",
    "tick_every": "7.5",
    "poll_shards": "4",
    "poll_user_agent": "Example News (desk@example.org)",
    "ticks": "pubsub",
    "alert_on_backfill": "true",
}


@pytest.fixture(scope="session")
def parameters(root: Path) -> dict[str, dict[str, Any]]:
    found = json.loads((root / "deploy/metadata.json").read_text(encoding="utf-8"))["parameters"]
    return {p["name"]: p for p in found}


@pytest.fixture(scope="session")
def options() -> dict[str, argparse.Action]:
    parser = argparse.ArgumentParser(add_help=False)
    for group in (TopicOptions, CollectOptions, DetectOptions):
        group._add_argparse_args(parser)
    return {action.dest: action for action in parser._actions}


@pytest.fixture
def launch(script: Callable[[str], ModuleType]) -> Callable[..., list[str]]:
    def command(*argv: str, image: str = "") -> list[str]:
        return script("deploy/main.py").command(list(argv), {"VEDETTE_IMAGE": image})

    return command


def test_parameters_are_the_options_of_the_pipelines(parameters: dict[str, Any], options: dict[str, argparse.Action]) -> None:
    assert set(parameters) - LAUNCHERS_OWN == set(options) - NOT_ON_A_SERVICE


def test_template_is_described_as_the_service_wants_it(root: Path, parameters: dict[str, Any]) -> None:
    metadata = json.loads((root / "deploy/metadata.json").read_text(encoding="utf-8"))
    assert metadata["name"]
    assert metadata["description"]
    assert metadata["streaming"] is True
    assert len(metadata["parameters"]) == len(parameters)
    for parameter in parameters.values():
        assert set(parameter) <= FIELDS
        assert parameter["label"]
        assert parameter["helpText"].endswith(".")
    assert {name for name, p in parameters.items() if not p.get("isOptional")} == {"watch"}


def test_defaults_in_the_help_are_the_defaults_of_the_options(
    parameters: dict[str, Any], options: dict[str, argparse.Action]
) -> None:
    told = {name: re.search(r"Default: ([a-z0-9-]+)\.$", p["helpText"]) for name, p in parameters.items()}
    defaults = {name: option.default for name, option in options.items() if option.nargs != 0}
    numbers = {name: float(m[1]) for name, m in told.items() if m and m[1].isdigit()}
    assert numbers == {name: float(default) for name, default in defaults.items() if isinstance(default, (int, float))}
    topics = {name: m[1] for name, m in told.items() if m and name.endswith("_topic")}
    assert topics == {name: default for name, default in defaults.items() if name.endswith("_topic")}


@pytest.mark.parametrize(("name", "value"), SAMPLES.items())
def test_what_the_form_accepts_the_pipeline_understands(
    parameters: dict[str, Any], launch: Callable[..., list[str]], name: str, value: str
) -> None:
    assert all(re.fullmatch(regex, value) for regex in parameters[name].get("regexes", []))
    command = launch(f"--{name}={value}")
    if name in LAUNCHERS_OWN:
        assert command[0] == value
        return
    known = PipelineOptions(command[1:]).get_all_options()[name]
    assert known == (True if value == "true" else type(known)(value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("watch", "../etc"),
        ("feeds", "feeds.opml"),
        ("state_dir", "/tmp"),
        ("poll_shards", "0"),
        ("pipeline", "backtest"),
        ("poll_every", "often"),
        ("entries_topic", "topics/entries"),
    ],
)
def test_form_refuses_what_cannot_be(parameters: dict[str, Any], name: str, value: str) -> None:
    assert not all(re.fullmatch(regex, value) for regex in parameters[name]["regexes"])


def test_every_flag_is_turned_into_an_option_without_a_value(
    script: Callable[[str], ModuleType], options: dict[str, argparse.Action], launch: Callable[..., list[str]]
) -> None:
    flags = {name for name, option in options.items() if option.nargs == 0} - NOT_ON_A_SERVICE
    assert set(script("deploy/main.py").FLAGS) == flags
    for flag in flags:
        assert f"--{flag}" in launch(f"--{flag}=true")
        assert not [a for a in launch(f"--{flag}=false") if flag in a]


def test_launcher_makes_its_own_ticks_unless_told_otherwise(launch: Callable[..., list[str]]) -> None:
    assert "--ticks=impulse" in launch("--watch=ukraine")
    assert "--ticks=impulse" in launch("--pipeline=collect", "--ticks=")
    assert "--ticks=impulse" not in launch("--pipeline=collect", "--ticks=pubsub")
    assert not [a for a in launch("--pipeline=detect") if "ticks" in a]


def test_launcher_passes_its_own_image_to_the_workers(launch: Callable[..., list[str]]) -> None:
    command = launch("--runner=DataflowRunner", image="region-docker.pkg.dev/p/r/vedette:1")
    assert PipelineOptions(command[1:]).view_as(WorkerOptions).sdk_container_image == "region-docker.pkg.dev/p/r/vedette:1"
    assert "--sdk_container_image=other" in launch("--sdk_container_image=other", image="vedette:1")
    assert not [a for a in launch("--sdk_container_image=other", image="vedette:1") if a.endswith("vedette:1")]


def test_an_update_is_passed_on_so_that_no_subscription_is_moved(launch: Callable[..., list[str]]) -> None:
    updating = PipelineOptions(launch("--pipeline=detect", "--replace_running_job=true")[1:])
    assert updating.view_as(GoogleCloudOptions).update is True
    assert updating.get_all_options()["update"] is True
    assert not PipelineOptions(launch("--pipeline=detect")[1:]).view_as(GoogleCloudOptions).update


def test_beams_own_options_pass_as_they_are(launch: Callable[..., list[str]]) -> None:
    beams = ["--runner=DataflowRunner", "--project=p", "--template_location=gs://b/job", "--labels={}", "--streaming"]
    assert launch("--pipeline=monitor", *beams)[: len(beams) + 1] == ["monitor", *beams]


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("--pipeline=backtest", "pipeline=backtest"),
        ("--alert_on_backfill=perhaps", "true or false"),
        ("--allow_local_addresses=true", "local addresses"),
    ],
)
def test_launcher_refuses_in_words(script: Callable[[str], ModuleType], argument: str, reason: str) -> None:
    main = script("deploy/main.py")
    with pytest.raises(main.ParameterError, match=reason):
        main.command([argument], {})
