"""A broker as it was: what a store holds, taken up again when the server starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localpubsub.broker.deliveries import Delivery
from localpubsub.broker.snapshots import Snapshot
from localpubsub.broker.subscriptions import Subscription
from localpubsub.broker.topics import Topic
from localpubsub.protocol import pb
from localpubsub.store import Store

Forward = Callable[[Subscription, Delivery], bool]


class Restored:
    """All topics by id (the deleted ones too), and the subscriptions and snapshots with what they hold."""

    def __init__(self, store: Store, retained_bytes: int, forward: Forward) -> None:
        self.topics: dict[int, Topic] = {}
        self.subscriptions: list[Subscription] = []
        self.snapshots: list[Snapshot] = []
        for id_, settings in store.rows("topics"):
            topic = Topic(id_, pb.Topic.FromString(settings or b""), store, retained_bytes)
            topic.deleted = settings is None
            topic.restore()
            self.topics[id_] = topic
        for id_, topic_id, since, epoch, settings in store.rows("subscriptions"):
            settings = pb.Subscription.FromString(settings)
            subscription = Subscription(id_, settings, self._topic(topic_id, store), since, store, forward)
            subscription.restore(epoch)
            self.subscriptions.append(subscription)
        for id_, topic_id, since, settings in store.rows("snapshots"):
            snapshot = Snapshot(id_, pb.Snapshot.FromString(settings), self._topic(topic_id, store), since, store)
            snapshot.restore()
            self.snapshots.append(snapshot)

    def _topic(self, id_: int, store: Store) -> Topic:
        """A topic that is gone with all its messages still has a name to show."""
        if id_ not in self.topics:
            self.topics[id_] = gone = Topic(id_, pb.Topic(), store, 0)
            gone.deleted = True
        return self.topics[id_]


def by_name(resources: list[Any]) -> dict[str, Any]:
    """Subscriptions or snapshots by their names."""
    return {resource.settings.name: resource for resource in resources}
