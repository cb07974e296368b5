"""What README.md and docs/ tell people to type is so: the commands, their options, the targets of make, the subscriber."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
import threading
from contextlib import redirect_stdout, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from cloud import PROJECT, Cloud
from factories import NOON, a_claim, a_signal, a_story, a_story_entry, a_watch

from localpubsub.__main__ import main as localpubsub_main
from pipelines import cli
from pipelines.pubsub import LocalOrReal
from schemas.alert import SEVERITIES
from transforms.alerts import AlertPolicy, alert_of
from transforms.publishing.client import publish_all
from transforms.publishing.limits import Message
from transforms.publishing.messages import alert_message

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in FILES}
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
PATIENCE = 60.0


def spans(text: str) -> list[str]:
    """What is set as code: indented lines without their comments, and words between backticks."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    lines = re.findall(r"^    (\S.*)$", text, re.MULTILINE)
    return [re.split(r"\s{2,}#|\s# ", line)[0] for line in lines] + [" ".join(s.split()) for s in re.findall(r"`([^`]+)`", text)]


def told(start: str) -> list[tuple[str, str]]:
    """(file, command line) for each command line that begins so, without what follows in a pipe."""
    found = [(name, span) for name, text in TEXTS.items() for span in spans(text) if span.startswith(start)]
    return [(name, re.split(r" \|(?= )| >> ", line)[0].strip()) for name, line in found]


def command_of(line: str) -> str:
    first, second = [*line.split()[1:3], "", ""][:2]
    return f"{first} {second}" if f"{first} {second}" in cli.COMMANDS else first


@cache
def options_of(command: str) -> frozenset[str]:
    """The options that `--help` of a command tells."""
    with redirect_stdout(io.StringIO()) as out, suppress(SystemExit):
        if command == "localpubsub":
            localpubsub_main(["--help"])
        else:
            cli.main([*command.split(), "--help"])
    return frozenset(OPTION.findall(out.getvalue()))


def an_alert(severity: str) -> Message:
    claim = a_claim(a_signal(evidence="ships gather"))
    story = a_story(claim, entries=(a_story_entry(title="Norland gathers ships"),), id=f"story-{severity}")
    judged = replace(story, judgement=AlertPolicy(a_watch())(story, NOON), alerts=1)
    return alert_message(replace(alert_of(judged, a_watch()), severity=severity, severity_rank=SEVERITIES.index(severity)))


@pytest.mark.parametrize(("file", "line"), told("vedette "))
def test_a_command_that_is_told_is_there_with_its_options(file: str, line: str) -> None:
    command = command_of(line)
    assert command in cli.COMMANDS or line.split()[1].startswith("-"), line
    assert set(OPTION.findall(line)) <= options_of(command if command in cli.COMMANDS else ""), line


@pytest.mark.parametrize(("file", "line"), told("python -m localpubsub"))
def test_an_option_of_the_local_server_that_is_told_is_there(file: str, line: str) -> None:
    assert set(OPTION.findall(line)) <= options_of("localpubsub")


def test_the_readme_tells_every_command_and_every_command_is_told_once_in_its_list() -> None:
    listing = TEXTS["README.md"].split("## Commands\n")[1].split("\n\n`make run`")[0]
    lines = re.findall(r"^    (vedette .*)$", listing, re.MULTILINE)
    assert sorted(map(command_of, lines)) == sorted(cli.COMMANDS)


@pytest.mark.parametrize(("file", "line"), told("make "))
def test_a_target_of_make_that_is_told_is_there_with_its_variables(file: str, line: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    target, *rest = [word for word in shlex.split(line)[1:] if word != "..."]
    assert re.search(rf"^{target.replace('*', '[a-z-]+')}:", makefile, re.MULTILINE), line
    assert [v for v in (word.partition("=")[0] for word in rest if "=" in word) if f"$({v})" not in makefile] == []


def test_paths_that_the_readme_tells_are_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", TEXTS["README.md"])
    paths = {span for span in spans(TEXTS["README.md"]) if re.fullmatch(r"(deploy|watches|docs|schemas|transforms)/\S*", span)}
    assert min(len(links), len(paths)) > 3
    assert [path for path in {*links, *paths} if not (ROOT / path).exists()] == []


def test_the_subscriber_of_the_readme_shows_what_its_filter_lets_through(emulator: Cloud) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", TEXTS["README.md"], re.DOTALL)
    assert "127.0.0.1:8085" in snippet
    topic = f"projects/{PROJECT}/topics/alerts"
    LocalOrReal().ensure_topics(topic)
    command = [sys.executable, "-u", "-c", snippet.replace("127.0.0.1:8085", emulator.server.address)]
    for _ in range(2):  # a second run finds its subscription there
        assert first_line(command, topic, emulator) == "HIGH Norland gathers ships ['ships gather']\n"


def first_line(command: list[str], topic: str, emulator: Cloud) -> str:
    """What a subscriber prints first of a minor and a grave alert that are published once it is there."""
    process = subprocess.Popen(command, env={**os.environ}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    guard = threading.Timer(PATIENCE, process.kill)
    guard.start()
    try:
        pause = threading.Event()
        while not list(emulator.publisher.list_topic_subscriptions(topic=topic)):  # it makes its own
            assert process.poll() is None, process.stderr and process.stderr.read()
            pause.wait(0.05)
        minor, grave = (an_alert(severity) for severity in ("MEDIUM", "HIGH"))
        assert [error for _, error in publish_all(topic, [minor, grave])] == [None, None]
        assert process.stdout
        return process.stdout.readline()
    finally:
        guard.cancel()
        process.kill()
        process.communicate()
