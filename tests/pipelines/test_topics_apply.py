"""`vedette topics apply`: a project becomes what the file declares, by Google's client; what cannot be is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from cloud import PROJECT, Cloud
from faults import faulty
from google.api_core.exceptions import InvalidArgument
from google.pubsub_v1 import SchemaServiceClient, types

from pipelines import cli
from pipelines.pubsub import LocalOrReal

MINE = f"projects/{PROJECT}"
BELLS = """
topics:
  bells:
    retention: 1d
    subscriptions:
      pager-{watch}:
        filter: attributes.watch = "{watch}" AND attributes:sev_ge_high
        ack_deadline: 30s
        retention: 2d
        retain_acknowledged: true
        ordering: true
        dead_letter: {topic: bells-dead, attempts: 7}
        retry: {least: 5s, most: 2m}
        exactly_once: true
  bells-dead:
    subscriptions:
      bells-dead-reader:
        expiration: 2d
"""


class Applied:
    """What the command said and how it ended."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        self.status = cli.main(["topics", "apply", *arguments])
        printed = capsys.readouterr()
        self.text = printed.out + printed.err
        self.steps = [line for line in printed.out.splitlines() if line[:2] in ("+ ", "~ ", "! ")]


@pytest.fixture
def bells(tmp_path: Path) -> Path:
    file = tmp_path / "bells.yaml"
    file.write_text(BELLS, encoding="utf-8")
    return file


def change(file: Path, *pairs: tuple[str, str]) -> str:
    text = file.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    return str(file)


def subscription(cloud: Cloud, name: str) -> types.Subscription:
    return cloud.subscriber.get_subscription(subscription=f"{MINE}/subscriptions/{name}")


def test_a_new_project_gets_all_and_a_second_run_finds_nothing_to_do(emulator: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    first = Applied(capsys, "--watch", "islands")
    assert first.status == 0, first.text
    assert [line.split(":")[0] for line in first.steps] == [
        "+ schema vedette-alert",
        "+ topic ticks",
        "+ topic entries",
        "+ topic fetches",
        "+ topic alerts",
        "+ topic dead-letters",
        "+ topic alerts-undelivered",
        "+ subscription collect",
        "+ subscription detect-islands",
        "+ subscription collect-fetches",
        "+ subscription dead-letters-reader",
        "+ subscription alerts-undelivered-reader",
    ]
    second = Applied(capsys, "--watch", "islands")
    assert second.steps == []
    assert second.status == 0
    assert "nothing to do (1 schema, 6 topics, 5 subscriptions declared)" in second.text


def test_another_watch_adds_its_subscription_and_nothing_else(emulator: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    without = Applied(capsys)
    assert "no --watch was given, so this is left out: detect-{watch}" in without.text
    assert "detect-" not in "".join(without.steps)
    added = Applied(capsys, "--watch", "islands", "--watch", "watches/mountains", "--watch", "islands")
    assert [line.split(":")[0] for line in added.steps] == ["+ subscription detect-islands", "+ subscription detect-mountains"]
    assert subscription(emulator, "detect-mountains").topic == f"{MINE}/topics/entries"


def test_every_setting_arrives(emulator: Cloud, bells: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Applied(capsys, str(bells), "--watch", "islands").status == 0
    pager = subscription(emulator, "pager-islands")
    assert pager.topic == f"{MINE}/topics/bells"
    assert pager.filter == 'attributes.watch = "islands" AND attributes:sev_ge_high'
    assert pager.ack_deadline_seconds == 30
    assert pager.message_retention_duration.days == 2
    assert pager.retain_acked_messages
    assert pager.enable_message_ordering
    assert pager.enable_exactly_once_delivery
    assert pager.dead_letter_policy.dead_letter_topic == f"{MINE}/topics/bells-dead"
    assert pager.dead_letter_policy.max_delivery_attempts == 7
    assert (pager.retry_policy.minimum_backoff.seconds, pager.retry_policy.maximum_backoff.seconds) == (5, 120)
    assert not types.Subscription.pb(pager).expiration_policy.HasField("ttl"), "never"
    assert subscription(emulator, "bells-dead-reader").expiration_policy.ttl.days == 2
    assert emulator.publisher.get_topic(topic=f"{MINE}/topics/bells").message_retention_duration.days == 1
    assert Applied(capsys, str(bells), "--watch", "islands").steps == []


def test_what_can_be_changed_is_changed(emulator: Cloud, bells: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Applied(capsys, str(bells), "--watch", "islands")
    change(bells, ("30s", "40s"), ("retention: 2d", "retention: 3d"), ("most: 2m", "most: 3m"), ("attempts: 7", "attempts: 9"))
    change(bells, ("exactly_once: true", "exactly_once: false"), ("retain_acknowledged: true", "retain_acknowledged: false"))
    file = change(bells, ("retention: 1d", "retention: 4d"), ("expiration: 2d", "expiration: never"))
    changed = Applied(capsys, file, "--watch", "islands")
    assert changed.status == 0, changed.text
    assert changed.steps == [
        "~ topic bells: retention: 1d -> 4d",
        "~ subscription pager-islands: ack_deadline: 30s -> 40s, retention: 2d -> 3d, retain_acknowledged: true -> false, "
        "dead_letter: bells-dead after 7 -> bells-dead after 9, retry: 5s to 2m -> 5s to 3m, exactly_once: true -> false",
        "~ subscription bells-dead-reader: expiration: 2d -> never",
    ]
    assert Applied(capsys, file, "--watch", "islands").steps == []
    assert subscription(emulator, "pager-islands").ack_deadline_seconds == 40


def test_what_is_left_out_of_the_file_is_taken_back(emulator: Cloud, bells: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Applied(capsys, str(bells), "--watch", "islands")
    change(bells, ("dead_letter: {topic: bells-dead, attempts: 7}", ""), ("retry: {least: 5s, most: 2m}", ""))
    file = change(bells, ("retention: 1d", ""))
    assert Applied(capsys, file, "--watch", "islands").status == 0
    pager = subscription(emulator, "pager-islands")
    assert "dead_letter_policy" not in pager
    assert "retry_policy" not in pager
    assert Applied(capsys, file, "--watch", "islands").steps == []


def test_what_pubsub_cannot_change_is_said_and_left_alone(
    emulator: Cloud, bells: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Applied(capsys, str(bells), "--watch", "islands")
    file = change(bells, ("sev_ge_high", "sev_ge_low"), ("ordering: true", "ordering: false"), ("30s", "50s"))
    told = Applied(capsys, file, "--watch", "islands")
    assert told.status == 1
    assert "AND attributes:sev_ge_high -> attributes.watch" in told.text
    assert "ordering: true -> false: Pub/Sub cannot change that" in told.text
    deletion = f"delete_subscription(subscription='{MINE}/subscriptions/pager-islands')"
    assert deletion in told.text, "by Google's client: gcloud does not speak to a local server"
    assert "1 done, 1 not as declared" in told.text
    assert subscription(emulator, "pager-islands").ack_deadline_seconds == 50, "the rest is done"
    assert subscription(emulator, "pager-islands").filter.endswith("sev_ge_high")


def test_a_subscription_that_is_on_another_topic_is_not_touched(
    emulator: Cloud, bells: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = emulator.topic("other")
    emulator.subscriber.create_subscription(name=f"{MINE}/subscriptions/bells-dead-reader", topic=other)
    told = Applied(capsys, str(bells))
    assert told.status == 1
    assert "topic: other -> bells-dead" in told.text
    assert subscription(emulator, "bells-dead-reader").topic == other


def test_a_dry_run_only_tells(emulator: Cloud, bells: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = Applied(capsys, str(bells), "--watch", "islands", "--dry-run")
    assert [line.split(":")[0] for line in told.steps] == [
        "+ topic bells",
        "+ topic bells-dead",
        "+ subscription pager-islands",
        "+ subscription bells-dead-reader",
    ]
    assert "4 to do" in told.text
    assert list(emulator.publisher.list_topics(project=MINE)) == []


def test_what_the_file_does_not_name_is_left_alone(emulator: Cloud, bells: Path, capsys: pytest.CaptureFixture[str]) -> None:
    topic = emulator.topic("mine")
    assert Applied(capsys, str(bells)).status == 0
    assert emulator.publisher.get_topic(topic=topic).message_retention_duration.days == 7


def test_a_refusal_is_said_and_the_rest_goes_on(
    emulator: Cloud, bells: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with faulty(emulator.server.address) as (address, faults):
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)
        faults.method = "/google.pubsub.v1.Publisher/CreateTopic"
        faults.plan.append(grpc.StatusCode.PERMISSION_DENIED)
        told = Applied(capsys, str(bells))
    assert told.status == 1
    assert told.steps[0] == "! topic bells: refused: spoiled on purpose"
    assert [line.split(":")[0] for line in told.steps[1:]] == ["+ topic bells-dead", "+ subscription bells-dead-reader"]
    assert "2 done, 1 not as declared" in told.text


def test_wrong_files_and_watches_are_told_in_a_sentence(
    emulator: Cloud, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    told = Applied(capsys, str(tmp_path / "none.yaml"))
    assert told.status == 2
    assert "none.yaml: the file is missing" in told.text
    told = Applied(capsys, "--watch", "two words")
    assert told.status == 2
    assert "--watch two words: give the name of a watch" in told.text


def schema_file(folder: Path, **fields: Any) -> str:
    """A topics.yaml with a topic whose schema has a field `id` and those given, each with its default."""
    more = [{"name": name, "type": "string", **({} if value is None else {"default": value})} for name, value in fields.items()]
    record = {"type": "record", "name": "Bell", "fields": [{"name": "id", "type": "string"}, *more]}
    (folder / "bell.avsc").write_text(json.dumps(record))
    file = folder / "topics.yaml"
    file.write_text(
        "schemas: {bell: {definition: bell.avsc}}\ntopics:\n  bells: {schema: {name: bell, encoding: JSON}, retention: 1d}\n"
    )
    return str(file)


def test_a_topic_is_held_to_its_schema_and_a_compatible_change_is_a_new_revision(
    emulator: Cloud, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert Applied(capsys, schema_file(tmp_path)).status == 0
    topic = f"{MINE}/topics/bells"
    emulator.publisher.publish(topic, b'{"id": "1"}').result(timeout=20)
    with pytest.raises(InvalidArgument):
        emulator.publisher.publish(topic, b'{"id": 1}').result(timeout=20)

    changed = Applied(capsys, schema_file(tmp_path, tone="low"))
    assert changed.status == 0, changed.text
    assert [line.partition(" after")[0] for line in changed.steps] == ["~ schema bell: a revision"]
    emulator.publisher.publish(topic, b'{"id": "1"}').result(timeout=20)
    emulator.publisher.publish(topic, b'{"id": "1", "tone": "high"}').result(timeout=20)
    revisions = list(SchemaServiceClient().list_schema_revisions(name=f"{MINE}/schemas/bell"))
    assert len(revisions) == 2
    assert Applied(capsys, schema_file(tmp_path, tone="low")).steps == []


def test_an_incompatible_change_of_a_schema_is_refused_with_the_reason(
    emulator: Cloud, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    Applied(capsys, schema_file(tmp_path))
    told = Applied(capsys, schema_file(tmp_path, tone=None))
    assert told.status == 1
    assert "do not read each other's messages" in told.text
    assert "tone" in told.text
    assert len(list(SchemaServiceClient().list_schema_revisions(name=f"{MINE}/schemas/bell"))) == 1


def test_the_layout_of_a_definition_is_no_change(emulator: Cloud, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = schema_file(tmp_path)
    Applied(capsys, file)
    definition = tmp_path / "bell.avsc"
    definition.write_text(json.dumps(json.loads(definition.read_text()), indent=4))
    assert Applied(capsys, file).steps == []


@pytest.fixture
def googles(emulator: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the endpoint were Google's."""
    made = LocalOrReal.__init__

    def real(self: LocalOrReal) -> None:
        made(self)
        self.local = False

    monkeypatch.setattr(LocalOrReal, "__init__", real)


def test_in_a_project_gcloud_deletes_what_cannot_be_changed(
    googles: None, bells: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Applied(capsys, str(bells), "--watch", "islands")
    told = Applied(capsys, change(bells, ("ordering: true", "ordering: false")), "--watch", "islands").text
    assert "gcloud pubsub subscriptions delete pager-islands --project=vedette-local" in told


def test_pubsubs_own_account_must_be_allowed_to_move_dead_letters(
    googles: None, bells: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Applied(capsys, str(bells), "--watch", "islands").text
    assert "gcloud pubsub topics add-iam-policy-binding bells-dead --project=vedette-local" in told
    assert "gcloud pubsub subscriptions add-iam-policy-binding pager-islands --project=vedette-local" in told
    assert "gcp-sa-pubsub.iam.gserviceaccount.com" in told
