"""All snapshots of a broker, by name: what the RPCs do with them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from localpubsub.broker.broker import Broker
from localpubsub.broker.paging import page_of
from localpubsub.broker.snapshots import Snapshot, expiry
from localpubsub.broker.subscriptions import Subscription
from localpubsub.errors import AlreadyExists, FailedPrecondition, NotFound
from localpubsub.protocol import pb
from localpubsub.rules import names
from localpubsub.rules.settings import merged_snapshot


def create(broker: Broker, asked: Any) -> Any:
    """Takes the snapshot that a CreateSnapshotRequest asks for; the server names one without a name.

    Raises InvalidArgument, NotFound, AlreadyExists, or FailedPrecondition if it would end within the hour.
    """
    subscription = broker.subscription(asked.subscription)
    project = "/".join(asked.subscription.split("/")[:2])
    name = names.check_snapshot(asked.name or f"{project}/snapshots/snapshot-{secrets.token_hex(8)}")
    if name in broker.snapshots:
        raise AlreadyExists(f"Snapshot already exists: {name}")
    if subscription.settings.detached:
        raise FailedPrecondition(f"Subscription is detached from its topic: {asked.subscription}")
    unacknowledged = subscription.backlog.messages()
    settings = pb.Snapshot(name=name, topic=subscription.topic.name, labels=dict(asked.labels))
    settings.expire_time.FromMicroseconds(expiry(unacknowledged, broker.now()))
    snapshot = Snapshot(broker.new_id(), settings, subscription.topic, broker.position, broker.store)
    snapshot.take(unacknowledged)
    broker.snapshots[name] = snapshot
    broker.set_retention(snapshot.topic)
    return snapshot.settings


def find(broker: Broker, name: str) -> Snapshot:
    """Raises InvalidArgument or NotFound."""
    snapshot = broker.snapshots.get(names.check_snapshot(name))
    if snapshot is None:
        raise NotFound(f"Snapshot not found: {name}")
    return snapshot


def listed(broker: Broker, project: str, page_size: int, page_token: str) -> tuple[list[Any], str]:
    """One page of the project's snapshots by name, and the token of the next page or "". Raises InvalidArgument."""
    names.check_project(project)
    found = (broker.snapshots[name].settings for name in sorted(broker.snapshots) if names.in_project(name, project))
    return page_of(found, lambda snapshot: snapshot.name, page_size, page_token)


def listed_of_topic(broker: Broker, topic: str, page_size: int, page_token: str) -> tuple[list[str], str]:
    """One page of the names of the topic's snapshots. Raises InvalidArgument or NotFound."""
    of = broker.topic(topic)
    found: Iterable[str] = sorted(name for name, snapshot in broker.snapshots.items() if snapshot.topic is of)
    return page_of(found, str, page_size, page_token)


def update(broker: Broker, asked: Any, mask: Any) -> Any:
    """The snapshot after the update. Raises InvalidArgument or NotFound."""
    snapshot = find(broker, asked.name)
    snapshot.settings = merged_snapshot(snapshot.settings, asked, mask)
    snapshot.save()
    broker.set_retention(snapshot.topic)
    return snapshot.settings


def seek(broker: Broker, subscription: Subscription, name: str) -> None:
    """Puts the subscription where the snapshot was taken. Raises InvalidArgument, NotFound or FailedPrecondition."""
    snapshot = find(broker, name)
    if snapshot.topic is not subscription.topic:
        raise FailedPrecondition(
            f"Snapshot {name} is of topic {snapshot.topic.name}, not of the subscription's topic {subscription.topic.name}"
        )
    subscription.seek_to(snapshot.messages, snapshot.since)


def end(broker: Broker, snapshot: Snapshot) -> None:
    """Deletes it: what only it held goes."""
    del broker.snapshots[snapshot.settings.name]
    snapshot.end()
    broker.set_retention(snapshot.topic)
