"""Options: what follows from them, and a sentence with a way out for those that cannot work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

from pipelines import collect
from pipelines.options import (
    LOCAL_RUNNER,
    CollectOptions,
    DetectOptions,
    TopicOptions,
    feeds_file,
    is_local,
    project_of,
    state_dir_of,
    subscription_name,
    topics_of,
)
from pipelines.running import pin_runner
from pipelines.usage import LOCAL_PROJECT, UsageError, watch_directory

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a project nor a local endpoint, unless a test sets one."""
    for name in ("GOOGLE_CLOUD_PROJECT", "PUBSUB_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)


def options(*argv: str) -> PipelineOptions:
    return PipelineOptions(list(argv))


def test_topics_live_in_the_project_unless_they_are_full_names() -> None:
    topics = topics_of(options("--project", "newsroom", "--alerts-topic", "projects/other/topics/bells"))
    assert topics.entries == "projects/newsroom/topics/entries"
    assert topics.dead_letters == "projects/newsroom/topics/dead-letters"
    assert topics.alerts == "projects/other/topics/bells"
    assert subscription_name(options("--project", "newsroom"), "s") == "projects/newsroom/subscriptions/s"
    assert subscription_name(options(), "projects/p/subscriptions/s") == "projects/p/subscriptions/s"


@pytest.mark.parametrize("spelling", ["--state-dir", "--state_dir"])
def test_options_may_be_spelled_as_here_or_as_beam_does(spelling: str) -> None:
    assert options(spelling, "x").view_as(TopicOptions).state_dir == "x"


def test_the_project_is_the_one_given_else_the_environments_else_the_local_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"Give --project .* or set PUBSUB_EMULATOR_HOST"):
        project_of(options())
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
    assert project_of(options()) == LOCAL_PROJECT
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "newsroom")
    assert project_of(options()) == "newsroom"
    assert project_of(options("--project", "given")) == "given"


@pytest.mark.parametrize("name", ["watches/ukraine", "ukraine", "anywhere/ukraine"])
def test_a_watch_is_a_folder_or_the_name_of_one_that_came_with_the_package(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert watch_directory(name) == ROOT / "watches/ukraine"
    (tmp_path / "mine").mkdir()
    assert watch_directory("mine") == Path("mine")


@pytest.mark.parametrize("name", ["", "atlantis"])
def test_a_watch_that_is_not_there_is_told_with_those_that_are(name: str) -> None:
    with pytest.raises(UsageError, match="taiwan-strait, ukraine"):
        watch_directory(name)


def test_feeds_come_from_the_option_else_from_the_watch(tmp_path: Path) -> None:
    opml = tmp_path / "mine.opml"
    opml.write_text("<opml/>")
    assert feeds_file(options("--feeds", str(opml), "--watch", "ukraine")) == str(opml)
    assert feeds_file(options("--feeds", "gs://bucket/feeds.opml")) == "gs://bucket/feeds.opml"
    assert feeds_file(options("--watch", "ukraine")) == str(ROOT / "watches/ukraine/feeds.opml")
    with pytest.raises(UsageError, match=r"--feeds .*: there is no such file"):
        feeds_file(options("--feeds", str(tmp_path / "none.opml")))
    with pytest.raises(UsageError, match="Give --feeds"):
        feeds_file(options())
    with pytest.raises(UsageError, match=r"has no feeds\.opml"):
        feeds_file(options("--watch", str(tmp_path)))


@pytest.mark.parametrize("runner", [None, "DirectRunner", LOCAL_RUNNER])
def test_the_local_engine_is_pinned_and_said(runner: str | None, caplog: pytest.LogCaptureFixture) -> None:
    given = options(*(["--runner", runner] if runner else []))
    with caplog.at_level("INFO"):
        pin_runner(given)
    assert is_local(given)
    assert given.view_as(StandardOptions).runner == LOCAL_RUNNER
    assert given.view_as(StandardOptions).streaming
    assert LOCAL_RUNNER in caplog.text
    assert state_dir_of(given) == ".vedette/state"


def test_another_runner_is_left_as_it_is_and_keeps_its_own_state() -> None:
    given = options("--runner", "DataflowRunner")
    pin_runner(given)
    assert not is_local(given)
    assert given.view_as(StandardOptions).runner == "DataflowRunner"
    assert state_dir_of(given) == ""
    assert state_dir_of(options("--runner", "DataflowRunner", "--state-dir", "gs://b/s")) == "gs://b/s"


def test_a_batch_runner_cannot_stream() -> None:
    with pytest.raises(UsageError, match="batch runner"):
        pin_runner(options("--runner", "FnApiRunner"))


def test_impulse_ticks_are_refused_where_they_would_crash() -> None:
    with pytest.raises(UsageError, match="--ticks impulse"):
        collect.prepare(options("--ticks", "impulse", "--project", "p", "--watch", "ukraine"))


@pytest.mark.parametrize(
    ("view", "argv"),
    [
        (CollectOptions, ("--tick-every", "0")),
        (CollectOptions, ("--tick-every", "nan")),
        (CollectOptions, ("--poll-every", "-5")),
        (CollectOptions, ("--poll-longest", "-1")),
        (CollectOptions, ("--poll-deadline", "soon")),
        (CollectOptions, ("--poll-shards", "0")),
        (CollectOptions, ("--ticks", "sometimes")),
        (DetectOptions, ("--checkpoint-every", "0")),
        (DetectOptions, ("--checkpoint-every", "1.5")),
    ],
)
def test_a_number_that_cannot_work_is_refused_by_name(
    view: Any, argv: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        options(*argv).view_as(view)
    assert ended.value.code == 2
    assert argv[0] in capsys.readouterr().err


@pytest.mark.parametrize("tick", [b"", b"[]", b"{}", b'{"time": "soon"}', b'{"time": NaN}', b'{"time": Infinity}', b"\xff"])
def test_a_tick_that_cannot_be_read_is_a_dead_letter(tick: bytes) -> None:
    (dead,) = collect.ToShards(3).process(tick)
    assert (dead.tag, dead.value.stage, dead.value.reason) == ("failures", "ToShards", "unreadable-tick")


def test_a_tick_goes_to_every_shard() -> None:
    wanted = [("0", 1_500_000), ("1", 1_500_000)]
    assert list(collect.ToShards(2).process(b'{"time": 1.5}')) == list(collect.ToShards(2).process(1.5)) == wanted
