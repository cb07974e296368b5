"""Whatever was done to a broker, one that starts on what a kill leaves of its store is the same one."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from official_clients import ManualClock

from localpubsub.broker import Broker, snapshotting
from localpubsub.broker.deliveries import Consumer
from localpubsub.broker.snapshots import Snapshot
from localpubsub.broker.subscriptions import Subscription
from localpubsub.broker.sweeping import sweep
from localpubsub.errors import PubSubError
from localpubsub.protocol import pb
from localpubsub.store import Store

SECOND = 1_000_000
TOPICS = [f"projects/p/topics/topic-{n}" for n in range(2)]
SUBSCRIPTIONS = [f"projects/p/subscriptions/sub-{n}" for n in range(3)]
SNAPSHOTS = [f"projects/p/snapshots/snap-{n}" for n in range(2)]


class Restarts(RuleBasedStateMachine):
    """Random requests, and a crash now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.clock = ManualClock()
        self.lives = 0
        self.store = Store(self.directory / "0")
        self.broker = Broker(self.clock, store=self.store)
        self.leased: list[tuple[str, str]] = []  # subscription and ack id

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.directory)

    def named(self, names: list[str], known: Any) -> list[str]:
        return [name for name in names if name in known]

    @rule(topic=st.sampled_from(TOPICS), retention=st.sampled_from([0, 600, 3600]))
    def create_or_change_topic(self, topic: str, retention: int) -> None:
        asked = pb.Topic(name=topic)
        if retention:
            asked.message_retention_duration.seconds = retention
        if topic in self.broker.topics:
            self.broker.update_topic(asked, pb.FieldMask(paths=["message_retention_duration"]))
        else:
            self.broker.create_topic(asked)

    @rule(
        name=st.sampled_from(SUBSCRIPTIONS),
        topic=st.sampled_from(TOPICS),
        ordered=st.booleans(),
        retain=st.booleans(),
        filtered=st.booleans(),
        grave=st.booleans(),
    )
    def create_subscription(self, name: str, topic: str, ordered: bool, retain: bool, filtered: bool, grave: bool) -> None:
        asked = pb.Subscription(name=name, topic=topic, enable_message_ordering=ordered, retain_acked_messages=retain)
        asked.filter = "attributes:even" if filtered else ""
        if grave:
            asked.dead_letter_policy.dead_letter_topic = TOPICS[0]
        self.attempt(lambda: self.broker.create_subscription(asked))

    @rule(topic=st.sampled_from(TOPICS), count=st.integers(1, 5), key=st.sampled_from(["", "a", "b"]))
    def publish(self, topic: str, count: int, key: str) -> None:
        messages = [
            pb.PubsubMessage(data=b"x" * n, ordering_key=key, attributes={"even": ""} if n % 2 == 0 else {"odd": ""})
            for n in range(1, count + 1)
        ]
        self.attempt(lambda: self.broker.publish(pb.PublishRequest(topic=topic, messages=messages)))

    @rule(name=st.sampled_from(SUBSCRIPTIONS), most=st.integers(1, 4))
    def pull(self, name: str, most: int) -> None:
        if name in self.broker.subscriptions:
            backlog = self.broker.subscriptions[name].backlog
            taken = backlog.take(Consumer(), most, 10**9, 10 * SECOND, self.broker.now())
            self.leased += [(name, ack_id) for ack_id, _ in taken]

    @precondition(lambda self: self.leased)
    @rule(data=st.data(), lease=st.sampled_from([None, None, 0, 30]))
    def acknowledge_nack_or_extend(self, data: st.DataObject, lease: int | None) -> None:
        name, ack_id = self.leased.pop(data.draw(st.integers(0, len(self.leased) - 1)))
        if name not in self.broker.subscriptions:
            return
        backlog = self.broker.subscriptions[name].backlog
        if lease is None:
            backlog.acknowledge([ack_id], self.broker.now())
        else:
            backlog.modify_deadline([ack_id], lease * SECOND, self.broker.now())

    @rule(seconds=st.sampled_from([1, 11, 700, 4000, 8 * 24 * 3600]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)
        while sweep(self.broker) == 0:
            pass

    @rule(name=st.sampled_from(SUBSCRIPTIONS), back=st.sampled_from([-60, 0, 300, 10**6]))
    def seek(self, name: str, back: int) -> None:
        if name in self.broker.subscriptions:
            self.broker.subscriptions[name].seek(self.broker.now() - back * SECOND, self.broker.now())

    @rule(name=st.sampled_from(SUBSCRIPTIONS), snapshot=st.sampled_from(SNAPSHOTS))
    def take_seek_to_or_end_a_snapshot(self, name: str, snapshot: str) -> None:
        if snapshot not in self.broker.snapshots:
            self.attempt(lambda: snapshotting.create(self.broker, pb.CreateSnapshotRequest(name=snapshot, subscription=name)))
        elif name in self.broker.subscriptions:
            self.attempt(lambda: snapshotting.seek(self.broker, self.broker.subscriptions[name], snapshot))
        else:
            snapshotting.end(self.broker, self.broker.snapshots[snapshot])

    @rule(name=st.sampled_from([*TOPICS, *SUBSCRIPTIONS]), detach=st.booleans())
    def delete_or_detach(self, name: str, detach: bool) -> None:
        if "/topics/" in name:
            self.attempt(lambda: self.broker.delete_topic(name))
        elif detach:
            self.attempt(lambda: self.broker.detach_subscription(name))
        else:
            self.attempt(lambda: self.broker.delete_subscription(name))

    @rule()
    def crash(self) -> None:
        self.store.commit()
        before = self.told()
        remains = self.directory / str(self.lives + 1)
        shutil.copytree(self.directory / str(self.lives), remains)
        self.store.close()
        self.lives += 1
        self.store = Store(remains)
        self.broker = Broker(self.clock, store=self.store)
        assert self.told() == before

    def attempt(self, act: Any) -> None:
        with contextlib.suppress(PubSubError):
            act()

    def told(self) -> dict[str, Any]:
        """All that clients could ask for, and in which order."""
        broker = self.broker
        return {
            "topics": {name: topic.settings.SerializeToString(deterministic=True) for name, topic in broker.topics.items()},
            "subscriptions": {name: self.owed(each) for name, each in broker.subscriptions.items()},
            "snapshots": {
                name: ([message.position for message in each.messages], each.since) for name, each in broker.snapshots.items()
            },
            "position": broker.position,
        }

    def owed(self, subscription: Subscription) -> tuple[bytes, list[int], list[int]]:
        described = subscription.describe().SerializeToString(deterministic=True)
        positions = [message.position for message in subscription.backlog.messages(acknowledged=True)]
        failures = [
            subscription.backlog._deliveries[position].failures if subscription.most_attempts else 0 for position in positions
        ]
        return described, positions, failures

    @invariant()
    def the_store_has_what_is_held_or_retained_and_nothing_else(self) -> None:
        self.store.commit()
        for topic in self.broker.all_topics():
            rows = self.store.log(topic.id, 0)
            assert (topic.messages, topic.bytes) == (len(rows), sum(row.size for row in rows))
            assert topic.held.keys() <= {row.position for row in rows}
            if not topic.retains and topic.next_due() is None:  # else there is something to sweep
                assert topic.held.keys() == {row.position for row in rows}
            for row in rows:
                assert self.store.raw(row.position)
        holders: list[Subscription | Snapshot] = [*self.broker.subscriptions.values(), *self.broker.snapshots.values()]
        for holder in holders:
            held = holder.backlog.messages(acknowledged=True) if isinstance(holder, Subscription) else holder.messages
            assert [row.position for row, _ in self.store.owed(holder.id, holder.topic.id)] == [m.position for m in held]


Restarts.TestCase.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
TestRestarts = Restarts.TestCase
