"""The unary RPCs of google.pubsub.v1.Subscriber."""

from __future__ import annotations

import asyncio
from typing import Any

from localpubsub.broker import snapshotting
from localpubsub.broker.deliveries import Consumer
from localpubsub.broker.subscriptions import Subscription
from localpubsub.errors import InvalidArgument, StaleAckIds
from localpubsub.protocol import pb
from localpubsub.rpc.answering import Rpcs
from localpubsub.rpc.core import RESPONSE_BYTES, Core, lease

PULL_MARGIN = 1.0  # a Pull answers this long before the client's deadline


class Subscriber:
    """Over one core."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._broker = core.broker

    def rpcs(self) -> Rpcs:
        """All but StreamingPull."""
        broker = self._broker
        return {
            "CreateSubscription": (pb.Subscription, self._create_subscription),
            "UpdateSubscription": (pb.UpdateSubscriptionRequest, self._update_subscription),
            "GetSubscription": (pb.GetSubscriptionRequest, lambda r: broker.subscription(r.subscription).describe()),
            "DeleteSubscription": (pb.DeleteSubscriptionRequest, self._delete_subscription),
            "ListSubscriptions": (pb.ListSubscriptionsRequest, self._list_subscriptions),
            "ModifyPushConfig": (pb.ModifyPushConfigRequest, self._modify_push_config),
            "Pull": (pb.PullRequest, self._pull),
            "Acknowledge": (pb.AcknowledgeRequest, self._acknowledge),
            "ModifyAckDeadline": (pb.ModifyAckDeadlineRequest, self._modify_ack_deadline),
            "Seek": (pb.SeekRequest, self._seek),
            "CreateSnapshot": (pb.CreateSnapshotRequest, lambda r: self._lasting(snapshotting.create(broker, r))),
            "GetSnapshot": (pb.GetSnapshotRequest, lambda r: snapshotting.find(broker, r.snapshot).settings),
            "ListSnapshots": (pb.ListSnapshotsRequest, self._list_snapshots),
            "UpdateSnapshot": (
                pb.UpdateSnapshotRequest,
                lambda r: self._lasting(snapshotting.update(broker, r.snapshot, r.update_mask)),
            ),
            "DeleteSnapshot": (pb.DeleteSnapshotRequest, self._delete_snapshot),
        }

    def _create_subscription(self, request: Any) -> Any:
        described = self._broker.create_subscription(request)
        self._changed(self._broker.subscription(described.name))
        return described

    def _update_subscription(self, request: Any) -> Any:
        described = self._broker.update_subscription(request.subscription, request.update_mask)
        self._changed(self._broker.subscription(described.name))
        return described

    def _delete_subscription(self, request: Any) -> Any:
        self._changed(self._broker.delete_subscription(request.subscription))
        return pb.Empty()

    def _list_subscriptions(self, request: Any) -> Any:
        found, token = self._broker.list_subscriptions(request.project, request.page_size, request.page_token)
        return pb.ListSubscriptionsResponse(subscriptions=found, next_page_token=token)

    def _modify_push_config(self, request: Any) -> Any:
        changed = pb.Subscription(name=request.subscription, push_config=request.push_config)
        described = self._broker.update_subscription(changed, pb.FieldMask(paths=["push_config"]))
        self._changed(self._broker.subscription(described.name))
        return pb.Empty()

    async def _pull(self, request: Any, context: Any) -> bytes:
        subscription = self._broker.subscription(request.subscription)
        if request.max_messages <= 0:
            raise InvalidArgument("No max_messages specified: it must be at least 1")
        remaining = context.time_remaining()
        patience = self._core.pull_wait if remaining is None else min(self._core.pull_wait, remaining - PULL_MARGIN)
        loop = asyncio.get_running_loop()
        until = loop.time() + (0 if request.return_immediately else patience)
        consumer = Consumer()
        while True:
            self._core.check_attached(subscription)
            now = self._broker.now()
            taken = subscription.backlog.take(consumer, request.max_messages, RESPONSE_BYTES, subscription.ack_deadline, now)
            left = until - loop.time()
            if taken or left <= 0 or self._core.closing:
                return self._core.framed(subscription, taken)
            await self._core.waits.wait(subscription, left)

    def _acknowledge(self, request: Any) -> Any:
        subscription = self._broker.subscription(request.subscription)
        if not request.ack_ids:
            raise InvalidArgument("No ack ids specified.")
        stale = subscription.backlog.acknowledge(request.ack_ids, self._broker.now())
        return self._obeyed(subscription, stale)

    def _modify_ack_deadline(self, request: Any) -> Any:
        subscription = self._broker.subscription(request.subscription)
        if not request.ack_ids:
            raise InvalidArgument("No ack ids specified.")
        length = lease("ack_deadline_seconds", request.ack_deadline_seconds)
        stale = subscription.backlog.modify_deadline(request.ack_ids, length, self._broker.now())
        return self._obeyed(subscription, stale)

    def _obeyed(self, subscription: Subscription, stale: list[str]) -> Any:
        self._core.waits.wake(subscription)
        if stale and subscription.backlog.exactly_once:
            raise StaleAckIds(stale)
        return pb.Empty()

    def _seek(self, request: Any) -> Any:
        subscription = self._broker.subscription(request.subscription)
        self._core.check_attached(subscription)
        if request.WhichOneof("target") == "snapshot":
            snapshotting.seek(self._broker, subscription, request.snapshot)
        elif request.WhichOneof("target") == "time":
            subscription.seek(pb.timestamp_micros(request.time), self._broker.now())
        else:
            raise InvalidArgument("Seek to a time or to a snapshot: none is given")
        self._changed(subscription)
        return pb.SeekResponse()

    def _lasting(self, snapshot: Any) -> Any:
        """The snapshot, whose end is watched for."""
        self._core.alarm.set(pb.timestamp_micros(snapshot.expire_time))
        return snapshot

    def _list_snapshots(self, request: Any) -> Any:
        found, token = snapshotting.listed(self._broker, request.project, request.page_size, request.page_token)
        return pb.ListSnapshotsResponse(snapshots=found, next_page_token=token)

    def _delete_snapshot(self, request: Any) -> Any:
        snapshot = snapshotting.find(self._broker, request.snapshot)
        snapshotting.end(self._broker, snapshot)
        self._core.watch(snapshot.topic)
        return pb.Empty()

    def _changed(self, subscription: Subscription) -> None:
        self._core.waits.wake(subscription)
        self._core.watch(subscription.topic)
        self._core.followed(subscription)
