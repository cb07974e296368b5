"""A server on a directory: what it holds when it starts again, after an orderly end or none.

A kill leaves the files as they are on disk; so a copy of them, taken while the server runs, is what a kill leaves.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.protobuf import duration_pb2, field_mask_pb2
from google.pubsub_v1 import PublisherClient as RawPublisher
from google.pubsub_v1 import types
from official_clients import Cloud, ManualClock

import localpubsub
from localpubsub.errors import StoreError
from localpubsub.protocol import pb
from localpubsub.store import Row, Store

AVRO = '{"type": "record", "name": "Note", "fields": [{"name": "text", "type": "string"}]}'


class Lives:
    """One store and the servers that run on it one after the other."""

    def __init__(self, directory: Path, make_cloud: Callable[..., Cloud], clock: ManualClock) -> None:
        self.directory = directory
        self.clock = clock
        self._make_cloud = make_cloud
        self.cloud = self._start()

    def _start(self, **options: Any) -> Cloud:
        return self._make_cloud(data=self.directory, clock=self.clock, **options)

    def restart(self, **options: Any) -> Cloud:
        """An orderly end and a new start."""
        self.cloud.server.stop()
        self.cloud = self._start(**options)
        return self.cloud

    def crash(self) -> Cloud:
        """What a kill leaves, and a new server on that."""
        remains = self.directory.with_name(f"{self.directory.name}+")
        shutil.copytree(self.directory, remains)
        self.directory = remains
        self.cloud = self._start()
        return self.cloud


@pytest.fixture
def lives(tmp_path: Path, make_cloud: Callable[..., Cloud], clock: ManualClock) -> Lives:
    return Lives(tmp_path / "pubsub", make_cloud, clock)


@pytest.fixture(params=["restart", "crash"])
def again(request: pytest.FixtureRequest, lives: Lives) -> Callable[[], Cloud]:
    """Goes on with another server, in both ways."""
    return lives.restart if request.param == "restart" else lives.crash


Again = Callable[[], Cloud]


def test_what_was_published_is_there_what_was_acknowledged_is_not_and_the_rest_comes_again(lives: Lives, again: Again) -> None:
    topic = lives.cloud.topic()
    subscription = lives.cloud.subscription(topic)
    lives.cloud.publish(topic, b"1", b"2", b"3", kind="report")
    first, second, _ = lives.cloud.pull(subscription)
    lives.cloud.subscriber.acknowledge(subscription=subscription, ack_ids=[first.ack_id])
    cloud = again()
    assert cloud.pull(subscription)[0].message == second.message
    cloud.subscriber.acknowledge(subscription=subscription, ack_ids=[second.ack_id])
    assert [each.message.data for each in again().pull(subscription)] == [b"3"], "an ack id outlives the server"


def test_ids_and_publish_times_go_on_rising_though_the_clock_goes_back_and_the_log_is_empty(lives: Lives, again: Again) -> None:
    topic = lives.cloud.topic()
    subscription = lives.cloud.subscription(topic)
    lives.cloud.publish(topic, b"1", b"2")
    before = lives.cloud.pull(subscription)[-1].message
    lives.cloud.subscriber.seek(request=types.SeekRequest(subscription=subscription, time=pb.Timestamp(seconds=2**33)))
    lives.clock.advance(-3600)
    cloud = again()
    cloud.publish(topic, b"3")
    after = cloud.pull(subscription)[0].message
    assert int(after.message_id) > int(before.message_id)
    assert after.publish_time > before.publish_time


def test_settings_of_topics_and_subscriptions_outlive_the_server(lives: Lives, again: Again) -> None:
    topic = lives.cloud.topic(labels={"a": "b"}, message_retention_duration=duration_pb2.Duration(seconds=600))
    subscription = lives.cloud.subscription(topic, filter="attributes:x", enable_message_ordering=True)
    update = types.UpdateSubscriptionRequest(
        subscription=types.Subscription(name=subscription, ack_deadline_seconds=77),
        update_mask=field_mask_pb2.FieldMask(paths=["ack_deadline_seconds"]),
    )
    lives.cloud.subscriber.update_subscription(request=update)
    before = lives.cloud.publisher.get_topic(topic=topic), lives.cloud.subscriber.get_subscription(subscription=subscription)
    cloud = again()
    assert (cloud.publisher.get_topic(topic=topic), cloud.subscriber.get_subscription(subscription=subscription)) == before
    assert before[1].ack_deadline_seconds == 77


def test_what_was_deleted_stays_deleted(lives: Lives, again: Again) -> None:
    kept, gone = lives.cloud.topic(), lives.cloud.topic()
    orphan, doomed = lives.cloud.subscription(gone), lives.cloud.subscription(kept)
    lives.cloud.publish(gone, b"still owed")
    lives.cloud.publisher.delete_topic(topic=gone)
    lives.cloud.subscriber.delete_subscription(subscription=doomed)
    cloud = again()
    assert [topic.name for topic in cloud.publisher.list_topics(project=cloud.project)] == [kept]
    assert [each.name for each in cloud.subscriber.list_subscriptions(project=cloud.project)] == [orphan]
    assert cloud.subscriber.get_subscription(subscription=orphan).topic == "_deleted-topic_"
    assert cloud.pull_and_ack(orphan) == [b"still owed"]
    assert again().subscriber.get_subscription(subscription=orphan).topic == "_deleted-topic_"


def test_the_retained_log_can_be_replayed_by_a_later_server(lives: Lives, again: Again) -> None:
    topic = lives.cloud.topic(message_retention_duration=duration_pb2.Duration(seconds=3600))
    subscription = lives.cloud.subscription(topic)
    lives.cloud.publish(topic, b"1", b"2")
    assert lives.cloud.pull_and_ack(subscription) == [b"1", b"2"]
    cloud = again()
    late = cloud.subscription(topic)
    for name in (subscription, late):
        cloud.subscriber.seek(request=types.SeekRequest(subscription=name, time=pb.Timestamp(seconds=1)))
        assert cloud.pull_and_ack(name) == [b"1", b"2"]
    lives.clock.advance(3601)
    cloud = again()
    cloud.subscriber.seek(request=types.SeekRequest(subscription=late, time=pb.Timestamp(seconds=1)))
    assert cloud.pull_and_ack(late) == [], "retention ends though no server ran"


def test_a_snapshot_keeps_what_it_held_and_what_came_after(lives: Lives, again: Again) -> None:
    topic = lives.cloud.topic()
    subscription = lives.cloud.subscription(topic)
    lives.cloud.publish(topic, b"done", b"open")
    done, _ = lives.cloud.pull(subscription)
    lives.cloud.subscriber.acknowledge(subscription=subscription, ack_ids=[done.ack_id])
    name = f"{lives.cloud.project}/snapshots/before"
    lives.cloud.subscriber.create_snapshot(request={"name": name, "subscription": subscription})
    cloud = again()
    cloud.publish(topic, b"later")
    lives.clock.advance(11)
    assert cloud.pull_and_ack(subscription) == [b"open", b"later"]
    cloud = again()
    cloud.subscriber.seek(request=types.SeekRequest(subscription=subscription, snapshot=name))
    assert cloud.pull_and_ack(subscription) == [b"open", b"later"]


def test_failed_deliveries_are_counted_across_servers(lives: Lives, again: Again) -> None:
    grave = lives.cloud.topic()
    watch = lives.cloud.subscription(grave)
    topic = lives.cloud.topic()
    policy = types.DeadLetterPolicy(dead_letter_topic=grave, max_delivery_attempts=5)
    subscription = lives.cloud.subscription(topic, dead_letter_policy=policy)
    lives.cloud.publish(topic, b"poison")
    cloud = lives.cloud
    for attempt in range(1, 6):
        (received,) = cloud.pull(subscription)
        assert received.delivery_attempt == attempt
        cloud.subscriber.modify_ack_deadline(subscription=subscription, ack_ids=[received.ack_id], ack_deadline_seconds=0)
        cloud = again() if attempt % 2 else cloud
    assert cloud.pull(subscription) == []
    assert cloud.pull_and_ack(watch) == [b"poison"]


def test_schemas_and_the_topics_bound_to_them_outlive_the_server(
    lives: Lives, again: Again, schemas: Callable[[Cloud], Any]
) -> None:
    client = schemas(lives.cloud)
    schema = types.Schema(type_=types.Schema.Type.AVRO, definition=AVRO)
    made = client.create_schema(request={"parent": lives.cloud.project, "schema": schema, "schema_id": "note"})
    topic = lives.cloud.topic(schema_settings=types.SchemaSettings(schema=made.name, encoding=types.Encoding.JSON))
    subscription = lives.cloud.subscription(topic)
    cloud = again()
    assert list(schemas(cloud).list_schema_revisions(name=made.name)) == [made]
    with pytest.raises(exceptions.InvalidArgument):
        cloud.publish(topic, b"{}")
    cloud.publish(topic, b'{"text": "x"}')
    assert cloud.pull(subscription)[0].message.attributes["googclient_schemarevisionid"] == made.revision_id


def test_under_exactly_once_delivery_ack_ids_end_with_the_server(lives: Lives, again: Again) -> None:
    topic = lives.cloud.topic()
    subscription = lives.cloud.subscription(topic, enable_exactly_once_delivery=True)
    lives.cloud.publish(topic, b"x")
    (before,) = lives.cloud.pull(subscription)
    cloud = again()
    with pytest.raises(exceptions.InvalidArgument):
        cloud.subscriber.acknowledge(subscription=subscription, ack_ids=[before.ack_id])
    assert cloud.pull_and_ack(subscription) == [b"x"]


def test_a_second_server_on_the_same_directory_is_told_so(lives: Lives) -> None:
    with pytest.raises(StoreError, match="in use by another server"):
        localpubsub.Server(data=lives.directory).start()
    lives.cloud.server.stop()
    with localpubsub.Server(data=lives.directory):
        pass


def test_a_fresh_server_begins_with_nothing_and_takes_nothing_from_another(lives: Lives) -> None:
    topic = lives.cloud.topic()
    with pytest.raises(StoreError):
        localpubsub.Server(data=lives.directory, fresh=True).start()
    assert lives.restart().publisher.get_topic(topic=topic)
    cloud = lives.restart(fresh=True)
    assert list(cloud.publisher.list_topics(project=cloud.project)) == []


def test_an_orderly_end_leaves_one_tidy_file(lives: Lives) -> None:
    lives.cloud.publish(lives.cloud.topic(message_retention_duration=duration_pb2.Duration(seconds=600)), b"x")
    lives.cloud.server.stop()
    assert sorted(path.name for path in lives.directory.iterdir()) == ["lock", "pubsub.db"]


def test_what_is_no_store_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "pubsub.db").write_bytes(b"not a database, but long enough to be taken for one" * 10)
    with pytest.raises(StoreError, match="cannot be used as a store"):
        localpubsub.Server(data=tmp_path).start()
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used as a store"):
        localpubsub.Server(data=tmp_path / "file").start()


def test_a_store_of_another_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with sqlite3.connect(tmp_path / "pubsub.db") as sql:
        sql.execute("PRAGMA user_version = 99")
    before = (tmp_path / "pubsub.db").read_bytes()
    with pytest.raises(StoreError, match="another version"):
        Store(tmp_path)
    assert (tmp_path / "pubsub.db").read_bytes() == before


def test_when_the_store_fails_nothing_is_acknowledged_and_the_server_ends(
    lives: Lives, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    topic = lives.cloud.topic()
    subscription = lives.cloud.subscription(topic)

    def full(self: Store) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Store, "commit", full)
    request = types.PublishRequest(topic=topic, messages=[types.PubsubMessage(data=b"x")])
    with pytest.raises(exceptions.ServiceUnavailable, match="disk is full"):
        RawPublisher.publish(lives.cloud.publisher, request=request, retry=None)
    lives.cloud.server.wait()
    errors = [record.getMessage() for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]
    assert len(errors) == 1, "one sentence, no traceback"
    assert "disk is full" in errors[0]
    monkeypatch.undo()
    assert lives.restart().pull(subscription) == []


class TestTables:
    """The store alone."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        store = Store(tmp_path)
        yield store
        store.close()

    def test_nothing_of_a_transaction_is_there_before_its_commit(self, store: Store, tmp_path: Path) -> None:
        store.add(1, Row(1, 10, 3, ""), b"raw")
        assert store.raw(1) == b"raw", "the writer itself reads it"
        with sqlite3.connect(tmp_path / "pubsub.db") as other:
            assert other.execute("SELECT count(*) FROM bodies").fetchone() == (0,)
            store.commit()
            assert other.execute("SELECT count(*) FROM bodies").fetchone() == (1,)

    def test_a_change_is_announced_once_for_each_commit(self, store: Store) -> None:
        announced = []
        store.on_change = lambda: announced.append(True)
        for position in (1, 2):
            store.add(1, Row(position, 10, 3, ""), b"raw")
        assert len(announced) == 1
        store.commit()
        store.forget(1, 1)
        assert len(announced) == 2

    def test_the_write_ahead_log_does_not_grow_without_end(
        self, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("localpubsub.store.wal.CHECKPOINT_BYTES", 100_000)
        monkeypatch.setattr("localpubsub.store.wal.WAL_BYTES", 1_000_000)
        for position in range(1, 5_001):
            store.add(1, Row(position, 10, 3, ""), b"x" * 2_000)
            store.commit()
        assert (tmp_path / "pubsub.db-wal").stat().st_size < 4_000_000
        monkeypatch.setattr("localpubsub.store.wal.CHECKPOINT_ROWS", 100)
        for position in range(1, 5_001):
            store.forget(1, position)
            store.commit()
        assert (tmp_path / "pubsub.db-wal").stat().st_size < 4_000_000


def test_a_disk_that_is_full_when_the_store_is_closed_costs_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.count("position", 7)

    class Full:
        """A connection that cannot move the log into the file."""

        def __init__(self, sql: sqlite3.Connection) -> None:
            self.close = sql.close
            self.executemany = sql.executemany
            self._execute = sql.execute

        def execute(self, statement: str) -> sqlite3.Cursor:
            if "checkpoint" in statement:
                raise sqlite3.OperationalError("database or disk is full")
            return self._execute(statement)

        @property
        def total_changes(self) -> int:
            return 0

    store._sql = Full(store._sql)  # type: ignore[assignment]
    store.close()
    with closing(Store(tmp_path)) as again:
        assert again.counters() == {"position": 7}
