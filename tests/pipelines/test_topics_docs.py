"""docs/pubsub.md says what is so: options, attributes, filters, topics and the example file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from localpubsub.__main__ import main as localpubsub_main
from localpubsub.rules.filters import parse_filter
from pipelines import cli
from pipelines.topics.declaration import SubscriptionSpec, TopicSpec, packaged_declaration, read_declaration

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/pubsub.md").read_text(encoding="utf-8")
CODE = (ROOT / "transforms/publishing/messages.py").read_text(encoding="utf-8")


def part(heading: str) -> str:
    return next(text for text in TEXT.split("\n## ") if text.startswith(heading.removeprefix("## ") + "\n"))


def first_column(heading: str) -> list[str]:
    rows = re.findall(r"^\| (`.*?) \|", part(heading), re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        cli.main([*command.split(), "--help"])
    return capsys.readouterr().out


def test_options_of_subscribe_are_all_told_and_none_more(capsys: pytest.CaptureFixture[str]) -> None:
    known = set(re.findall(r"--[a-z][a-z-]+", help_of("subscribe", capsys))) - {"--help"}
    assert set(re.findall(r"--[a-z][a-z-]+", part("## Subscribe to alerts"))) == known


def test_options_of_topics_are_those_of_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    known = set(re.findall(r"--[a-z][a-z-]+", help_of("topics apply", capsys) + help_of("topics status", capsys)))
    assert set(re.findall(r"--[a-z][a-z-]+", part("## Topics and subscriptions"))) - {"--full-text"} <= known


def test_options_of_the_embedded_server_are_all_told_and_none_more(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        localpubsub_main(["--help"])
    known = set(re.findall(r"--[a-z]+", capsys.readouterr().out)) - {"--help"}
    assert set(re.findall(r"--[a-z]+", part("## The embedded server"))) == known


def test_attributes_are_those_of_an_alert() -> None:
    written = set(re.findall(r'^        "([a-z_-]+)":', CODE, re.MULTILINE)) | {"trimmed"}
    told = set(first_column("## What a message carries"))
    assert {name for name in told if not re.match(r"sev_ge|signal_|actor_", name)} == written
    assert {"signal_TYPE", "actor_NAME", "sev_ge_low", "sev_ge_critical"} <= told


def test_filters_that_are_shown_are_filters_and_name_types_that_exist() -> None:
    shown = re.findall(r"^    ((?:attributes|NOT).*)$", part("## What a message carries"), re.MULTILINE)
    shown += re.findall(r"--filter '(.*?)'", TEXT)
    assert len(shown) > 3
    signals = (ROOT / "watches/shared/signals.yaml").read_text(encoding="utf-8")
    types = {f"signal_{name}" for name in re.findall(r"^ *- type: ([A-Z_]+)$", signals, re.MULTILINE)}
    for text in shown:
        parse_filter(text)
        assert set(re.findall(r"signal_[A-Z_]+", text)) <= types


def test_topics_and_subscriptions_are_those_that_are_declared() -> None:
    declared = packaged_declaration()
    rows = re.findall(r"^\| `([a-z-]+)` \|.*\| (.*) \|$", part("## Topics and subscriptions"), re.MULTILINE)
    assert [name for name, _ in rows] == list(declared.topics)
    for name, cell in rows:
        told = set(re.findall(r"`([A-Za-z-]+)`", cell))
        assert told == {n.replace("{watch}", "WATCH") for t, n, _ in declared.subscriptions(["{watch}"]) if t == name}


def test_the_example_can_be_applied_and_says_everything_that_can_be_said(tmp_path: Path) -> None:
    file = tmp_path / "example.yaml"
    example: Any = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    file.write_text(example[1], encoding="utf-8")
    declared = read_declaration(file)
    topic = declared.topic("alerts")
    assert topic
    assert topic.model_fields_set == set(TopicSpec.model_fields)
    spec = topic.subscriptions["pager-{watch}"]
    assert spec
    assert spec.model_fields_set == set(SubscriptionSpec.model_fields)
    ours = packaged_declaration().topic("alerts")
    assert ours
    assert (topic.retention, topic.binding) == (ours.retention, ours.binding)
