"""The RPCs of google.pubsub.v1.Publisher."""

from __future__ import annotations

from typing import Any

from localpubsub.broker import snapshotting
from localpubsub.protocol import pb
from localpubsub.rpc.answering import Rpcs
from localpubsub.rpc.core import Core


class Publisher:
    """Over one core."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._broker = core.broker

    def rpcs(self) -> Rpcs:
        """All of them."""
        return {
            "CreateTopic": (pb.Topic, self._broker.create_topic),
            "UpdateTopic": (pb.UpdateTopicRequest, self._update_topic),
            "GetTopic": (pb.GetTopicRequest, lambda r: self._broker.topic(r.topic).settings),
            "DeleteTopic": (pb.DeleteTopicRequest, self._delete_topic),
            "ListTopics": (pb.ListTopicsRequest, self._list_topics),
            "ListTopicSubscriptions": (pb.ListTopicSubscriptionsRequest, self._list_topic_subscriptions),
            "ListTopicSnapshots": (pb.ListTopicSnapshotsRequest, self._list_topic_snapshots),
            "DetachSubscription": (pb.DetachSubscriptionRequest, self._detach_subscription),
            "Publish": (pb.PublishRequest, self._publish),
        }

    def _update_topic(self, request: Any) -> Any:
        settings = self._broker.update_topic(request.topic, request.update_mask)
        self._core.watch(self._broker.topic(settings.name))
        return settings

    def _delete_topic(self, request: Any) -> Any:
        topic = self._broker.topic(request.topic)
        self._broker.delete_topic(request.topic)
        self._core.watch(topic)
        return pb.Empty()

    def _list_topics(self, request: Any) -> Any:
        topics, token = self._broker.list_topics(request.project, request.page_size, request.page_token)
        return pb.ListTopicsResponse(topics=topics, next_page_token=token)

    def _list_topic_subscriptions(self, request: Any) -> Any:
        found, token = self._broker.list_topic_subscriptions(request.topic, request.page_size, request.page_token)
        return pb.ListTopicSubscriptionsResponse(subscriptions=found, next_page_token=token)

    def _list_topic_snapshots(self, request: Any) -> Any:
        found, token = snapshotting.listed_of_topic(self._broker, request.topic, request.page_size, request.page_token)
        return pb.ListTopicSnapshotsResponse(snapshots=found, next_page_token=token)

    def _detach_subscription(self, request: Any) -> Any:
        self._core.waits.wake(self._broker.detach_subscription(request.subscription))
        return pb.DetachSubscriptionResponse()

    def _publish(self, request: Any) -> Any:
        return pb.PublishResponse(message_ids=self._broker.publish(request))
