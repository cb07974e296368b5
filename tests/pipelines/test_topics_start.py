"""What a launcher finds and makes before a pipeline runs: topics as declared, and the place in the log to start from."""

from __future__ import annotations

import json

import pytest
from cloud import PROJECT, Cloud
from google.api_core.exceptions import InvalidArgument
from google.pubsub_v1 import SchemaServiceClient, types

from pipelines.pubsub import LocalOrReal
from pipelines.usage import UsageError
from schemas.alert import alert_schema

MINE = f"projects/{PROJECT}"


def test_what_a_topic_retains_is_read_from_the_beginning_and_by_filter(emulator: Cloud) -> None:
    topic = emulator.topic("alerts")
    watch = ("mountains", "islands", "islands")
    sent = [emulator.publisher.publish(topic, b"x", alert_id=str(n), watch=watch[n % 3]) for n in range(1200)]
    assert all(future.result(timeout=20) for future in sent)
    assert len(emulator.received(topic)) == 1200, "a subscription that has had them all does not matter"
    pubsub = LocalOrReal()
    assert len(list(pubsub.retained(topic))) == 1200
    assert pubsub.retained_alert_ids(topic, "mountains") == {str(n) for n in range(0, 1200, 3)}
    assert pubsub.retained_alert_ids(topic, "nothing") == frozenset()


def test_reading_what_is_retained_leaves_no_subscription_behind(emulator: Cloud) -> None:
    topic = emulator.topic("alerts")
    emulator.publisher.publish(topic, b"x").result()
    assert [m.data for m in LocalOrReal().retained(topic)] == [b"x"]
    assert list(emulator.publisher.list_topic_subscriptions(topic=topic)) == [emulator.subscription(topic)]


def test_what_is_missing_is_made_as_declared_on_a_local_endpoint(emulator: Cloud) -> None:
    pubsub = LocalOrReal()
    topic, name = f"{MINE}/topics/entries", f"{MINE}/subscriptions/detect-islands"
    pubsub.ensure_topics(topic)
    pubsub.ensure_topics(topic)
    assert pubsub.ensure_subscription(name, topic)
    assert not pubsub.ensure_subscription(name, topic)
    assert emulator.publisher.get_topic(topic=topic).message_retention_duration.days == 7
    found = emulator.subscriber.get_subscription(subscription=name)
    assert found.ack_deadline_seconds == 60
    pubsub.ensure_topics(f"{MINE}/topics/ticks")
    pubsub.ensure_subscription(f"{MINE}/subscriptions/collect", f"{MINE}/topics/ticks")
    ticks = emulator.subscriber.get_subscription(subscription=f"{MINE}/subscriptions/collect")
    assert ticks.message_retention_duration.seconds == 600


def test_alerts_of_a_local_endpoint_are_held_to_their_schema(emulator: Cloud) -> None:
    topic = f"{MINE}/topics/alerts"
    LocalOrReal().ensure_topics(topic)
    assert emulator.publisher.get_topic(topic=topic).schema_settings.schema == f"{MINE}/schemas/vedette-alert"
    with pytest.raises(InvalidArgument):
        emulator.publisher.publish(topic, b'{"alert_id": "half"}').result(timeout=20)


def test_a_schema_that_is_older_than_the_code_is_brought_up_to_date(emulator: Cloud) -> None:
    name, topic = f"{MINE}/schemas/vedette-alert", f"{MINE}/topics/alerts"
    now = json.dumps(alert_schema())
    before = {**alert_schema(), "fields": alert_schema()["fields"][:-1]}
    older = types.Schema(type_=types.Schema.Type.AVRO, definition=json.dumps(before))
    service = SchemaServiceClient()
    service.create_schema(request={"parent": MINE, "schema": older, "schema_id": "vedette-alert"})
    settings = types.SchemaSettings(schema=name, encoding=types.Encoding.JSON)
    emulator.publisher.create_topic(request=types.Topic(name=topic, schema_settings=settings))
    for _ in range(2):
        LocalOrReal().ensure_topics(topic)
    assert json.loads(service.get_schema(name=name).definition) == json.loads(now)
    assert len(list(service.list_schema_revisions(name=name))) == 2


def test_names_that_nobody_declared_become_a_log(emulator: Cloud) -> None:
    pubsub = LocalOrReal()
    topic, name = f"{MINE}/topics/bells", f"{MINE}/subscriptions/pager"
    pubsub.ensure_topics(topic)
    assert pubsub.ensure_subscription(name, topic)
    assert emulator.publisher.get_topic(topic=topic).message_retention_duration.days == 7
    assert emulator.subscriber.get_subscription(subscription=name).ack_deadline_seconds == 60


def test_a_subscription_on_another_topic_is_not_used(emulator: Cloud) -> None:
    topic = emulator.topic("entries")
    with pytest.raises(UsageError, match=r"is a subscription on .*/topics/entries, not on .*/topics/bells"):
        LocalOrReal().ensure_subscription(emulator.subscription(topic), f"{MINE}/topics/bells")


@pytest.mark.parametrize(
    ("kind", "name", "commands"),
    [
        ("topics", "entries", ["  vedette topics apply --project=newsroom"]),
        ("topics", "bells", ["  gcloud pubsub topics create bells --project=newsroom --message-retention-duration=604800s"]),
        ("subscriptions", "detect-islands", ["  vedette topics apply --project=newsroom --watch=islands"]),
        ("subscriptions", "collect", ["  vedette topics apply --project=newsroom"]),
        ("subscriptions", "pager", ["  gcloud pubsub subscriptions create pager --project=newsroom --topic=projects/newsroom/t"]),
    ],
)
def test_against_a_real_project_nothing_is_made_and_the_command_is_told(
    emulator: Cloud, kind: str, name: str, commands: list[str]
) -> None:
    pubsub = LocalOrReal()
    pubsub.local = False  # as if the endpoint were Google's
    full = f"projects/newsroom/{kind}/{name}"
    with pytest.raises(UsageError) as caught:
        pubsub.ensure_topics(full) if kind == "topics" else pubsub.ensure_subscription(full, "projects/newsroom/topics/entries")
    first, *rest = str(caught.value).splitlines()
    assert first == f"The project lacks {kind} that the pipeline needs: {name}. Create them with:"
    assert [line[: len(told)] for line, told in zip(rest, commands, strict=True)] == commands
    assert list(emulator.publisher.list_topics(project="projects/newsroom")) == []


def test_a_subscription_is_moved_to_a_position_less_a_margin_or_to_the_beginning(emulator: Cloud) -> None:
    topic = emulator.topic("entries")
    for n in range(3):
        emulator.publisher.publish(topic, str(n).encode()).result()
    name = emulator.subscription(topic)
    pubsub = LocalOrReal()
    emulator.received(topic)
    for position in (None, 0):
        pubsub.seek(name, position)
        assert [m.data for m in emulator.received(topic)] == [b"0", b"1", b"2"]
