"""topics.yaml: what it says, and every mistake in it told with its line before anything is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.options import DetectOptions, TopicOptions
from pipelines.topics.declaration import DEFAULT_FILE, NEVER, SubscriptionSpec, packaged_declaration, read_declaration
from pipelines.topics.durations import seconds, words
from schemas.config import ConfigError

ROOT = Path(__file__).parents[2]


def problems(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "topics.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_declaration(file)
    return [str(problem).removeprefix(f"{file}:") for problem in caught.value.problems]


def test_the_file_of_the_project_is_the_one_of_the_package() -> None:
    assert (ROOT / "deploy/topics.yaml").samefile(DEFAULT_FILE)
    assert (ROOT / "deploy/topics.yaml").read_bytes() == DEFAULT_FILE.read_bytes()


def test_it_declares_what_the_pipelines_use_by_default() -> None:
    from apache_beam.options.pipeline_options import PipelineOptions

    view = PipelineOptions([]).view_as(TopicOptions)
    names = [view.entries_topic, view.alerts_topic, view.dead_letters_topic, view.ticks_topic, view.fetches_topic]
    declared = packaged_declaration()
    assert all(declared.topic(name) for name in names)
    assert all(declared.subscription(name) for name in ("collect", "collect-fetches", "detect-anything"))
    assert PipelineOptions([]).view_as(DetectOptions).entries_subscription == ""


def test_alerts_are_held_to_the_schema_of_an_alert() -> None:
    declared = packaged_declaration()
    alerts = declared.topic("alerts")
    assert alerts
    assert alerts.binding
    assert alerts.binding.encoding == "JSON"
    assert declared.schemas[alerts.binding.name].definition == "schemas/alert.avsc"


def test_no_dead_letter_is_lost_for_want_of_a_subscription() -> None:
    heard = {topic for topic, _, _ in packaged_declaration().subscriptions()}
    assert {"dead-letters", "alerts-undelivered"} <= heard


def test_subscriptions_of_a_watch_are_made_once_for_each() -> None:
    declared = packaged_declaration()
    names = {name for _, name, _ in declared.subscriptions(["islands", "mountains"])}
    assert {"detect-islands", "detect-mountains", "collect"} <= names
    assert not any("{" in name for name in names)
    assert not [name for _, name, _ in declared.subscriptions() if name.startswith("detect-")]
    found = declared.subscription("detect-islands")
    assert found
    assert found[1] == "islands"
    assert declared.subscription("detect") is None


def test_a_filter_is_filled_in_with_the_watch(tmp_path: Path) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text("""topics: {bells: {subscriptions: {"on-{watch}": {filter: 'attributes.watch = "{watch}"'}}}}""")
    declared = read_declaration(file)
    assert [spec.filter for _, _, spec in declared.subscriptions(["a", "b"])] == [
        'attributes.watch = "a"',
        'attributes.watch = "b"',
    ]
    found = declared.subscription("on-islands")
    assert found
    assert found[0].filter == 'attributes.watch = "islands"'


def test_what_is_left_out_is_what_pubsub_takes_for_it_except_that_nothing_expires() -> None:
    spec = SubscriptionSpec.model_validate({})
    assert (spec.ack_deadline, spec.retention, spec.expiration) == (10, seconds("7d"), NEVER)
    assert (spec.filter, spec.dead_letter, spec.retry, spec.ordering, spec.exactly_once) == ("", None, None, False, False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("topics:\n  goog-x:\n", "2: topics.goog-x"),
        ("topics:\n  ab:\n", "is no name for Pub/Sub"),
        ("topics:\n  bells: {retention: 5}\n", "5 is no length of time: write 90s, 10m, 12h or 7d"),
        ("topics:\n  bells: {retention: 32d}\n", "32d is not between 10m and 31d"),
        ("topics:\n  bells: {retention: 5m}\n", "5m is not between 10m and 31d"),
        ("topics:\n  bells:\n    colour: red\n", "3: topics.bells.colour: unknown field: there are retention, "),
        ("topics:\n  bells{watch}:\n", "only a subscription can have {watch} in its name"),
        (
            "topics:\n  bells:\n    schema: {name: none, encoding: JSON}\n",
            "topics.bells.schema.name: schemas declares no none",
        ),
        ("topics:\n  bells:\n    schema: {name: none, encoding: XML}\n", "Input should be 'JSON' or 'BINARY'"),
        ("schemas:\n  abc: {definition: none.avsc}\ntopics: {}\n", "2: schemas.abc.definition: there is no file none.avsc"),
        ("schemas:\n  abc: {definition: topics.yaml}\ntopics: {}\n", "2: schemas.abc.definition: topics.yaml: "),
        ("schemas: {}\n", "topics: is missing"),
        ("topics:\n  bells:\n  bells:\n", "3: bells: stands twice"),
    ],
)
def test_a_mistake_in_a_topic_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    assert told in "\n".join(problems(tmp_path, text))


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("{ack_deadline: 9s}", "4: topics.bells.subscriptions.pager.ack_deadline: 9s is not between 10s and 10m"),
        ("{filter: attributes.severity > 2}", "Invalid filter"),
        ("{filter: 'attributes.watch = \"{watch}\"'}", "{watch} in a filter needs {watch} in the name"),
        ("{expiration: 5h}", "5h is less than the least, 1d: or write never"),
        ("{retry: {least: 5m, most: 1m}}", "least is more than most"),
        ("{retry: {least: 5m, most: 11m}}", "11m is not between 0s and 10m"),
        ("{dead_letter: {topic: gone}}", "topics declares no gone"),
        ("{dead_letter: {topic: mute}}", "mute has no subscription: what goes there would be lost"),
        ("{dead_letter: {topic: bells, attempts: 4}}", "greater than or equal to 5"),
        ("{dead_letter: {topic: bells, attempts: 101}}", "less than or equal to 100"),
    ],
)
def test_a_mistake_in_a_subscription_is_told_with_its_line(tmp_path: Path, spec: str, told: str) -> None:
    text = f"topics:\n  bells:\n    subscriptions:\n      pager: {spec}\n  mute:\n"
    assert told in "\n".join(problems(tmp_path, text))


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = "topics:\n  bells:\n    subscriptions: {pager: , other: {ack_deadline: 1s}}\n  a:\n  more: {retention: 1s}\n"
    assert [line.partition(":")[0] for line in problems(tmp_path, text)] == ["3", "4", "5"]


def test_a_subscription_has_one_topic(tmp_path: Path) -> None:
    text = "topics:\n  bells: {subscriptions: {pager: }}\n  more:\n    subscriptions:\n      pager:\n"
    assert problems(tmp_path, text) == [
        "5: topics.more.subscriptions.pager: topic bells has a subscription of that name: names are unique in a project"
    ]


@pytest.mark.parametrize("text", ["90s", "10m", "36h", "7d", "0s"])
def test_lengths_of_time_are_said_as_they_are_written(text: str) -> None:
    assert words(seconds(text)) == text


@pytest.mark.parametrize("text", ["", "7", "7 days", "-1s", "1.5h", "d"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no length of time"):
        seconds(text)
