"""The RPCs of google.pubsub.v1.Publisher and Subscriber over a Broker.

Everything runs on the event loop of one thread, so the state needs no lock, and a waiting stream costs a coroutine
rather than a thread of a pool that many subscribers would use up. Waiting is woken by events (waiting.py): the only
timers are the end of a wait, of a lease, and of retention.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from localpubsub import pb
from localpubsub.broker import Broker
from localpubsub.deliveries import Consumer, Delivery
from localpubsub.errors import InvalidArgument, NotFound, PubSubError, Unavailable, Unimplemented
from localpubsub.settings import check_ack_deadline
from localpubsub.subscriptions import Subscription
from localpubsub.waiting import Alarm, Waits

_log = logging.getLogger(__name__)

RESPONSE_BYTES = 4 * 1024 * 1024 - 4096  # a client on PUBSUB_EMULATOR_HOST refuses more than 4 MiB
STREAM_BATCH = 1000  # messages in one response of a stream
PULL_WAIT = 20.0
PULL_MARGIN = 1.0  # a Pull answers this long before the client's deadline


class Service:
    """`handlers()` is what a grpc.aio server registers. `pull_wait` is how long a Pull without messages waits, in
    seconds, unless its client gives up sooner."""

    def __init__(self, broker: Broker, pull_wait: float = PULL_WAIT) -> None:
        self._broker = broker
        self._pull_wait = pull_wait
        self._closing = False
        self._waits = Waits(broker.now)
        self._retention = Alarm(broker.now, broker.sweep)

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """The two services, and an answer that says so for every RPC that this server does not offer."""
        return [
            _service("google.pubsub.v1.Publisher", self._publisher_rpcs()),
            _service("google.pubsub.v1.Subscriber", self._subscriber_rpcs(), StreamingPull=self._streaming_pull_handler()),
            _NotOffered(),
        ]

    def close(self) -> None:
        """Ends every wait: pulls answer empty, streams end with UNAVAILABLE."""
        self._closing = True
        self._retention.cancel()
        self._waits.wake_all()

    def _publisher_rpcs(self) -> dict[str, tuple[Any, Any]]:
        return {
            "CreateTopic": (pb.Topic, self._broker.create_topic),
            "UpdateTopic": (pb.UpdateTopicRequest, lambda r: self._broker.update_topic(r.topic, r.update_mask)),
            "GetTopic": (pb.GetTopicRequest, lambda r: self._broker.topic(r.topic).settings),
            "DeleteTopic": (pb.DeleteTopicRequest, self._delete_topic),
            "ListTopics": (pb.ListTopicsRequest, self._list_topics),
            "ListTopicSubscriptions": (pb.ListTopicSubscriptionsRequest, self._list_topic_subscriptions),
            "Publish": (pb.PublishRequest, self._publish),
        }

    def _subscriber_rpcs(self) -> dict[str, tuple[Any, Any]]:
        return {
            "CreateSubscription": (pb.Subscription, self._broker.create_subscription),
            "UpdateSubscription": (pb.UpdateSubscriptionRequest, self._update_subscription),
            "GetSubscription": (pb.GetSubscriptionRequest, lambda r: self._broker.subscription(r.subscription).describe()),
            "DeleteSubscription": (pb.DeleteSubscriptionRequest, self._delete_subscription),
            "ListSubscriptions": (pb.ListSubscriptionsRequest, self._list_subscriptions),
            "Pull": (pb.PullRequest, self._pull),
            "Acknowledge": (pb.AcknowledgeRequest, self._acknowledge),
            "ModifyAckDeadline": (pb.ModifyAckDeadlineRequest, self._modify_ack_deadline),
            "Seek": (pb.SeekRequest, self._seek),
        }

    def _streaming_pull_handler(self) -> grpc.RpcMethodHandler:
        return grpc.stream_stream_rpc_method_handler(
            _answering(self._streaming_pull),
            pb.StreamingPullRequest.FromString,
            pb.StreamingPullResponse.SerializeToString,
        )

    def _delete_topic(self, request: Any) -> Any:
        self._broker.delete_topic(request.topic)
        return pb.Empty()

    def _list_topics(self, request: Any) -> Any:
        topics, token = self._broker.list_topics(request.project, request.page_size, request.page_token)
        return pb.ListTopicsResponse(topics=topics, next_page_token=token)

    def _list_topic_subscriptions(self, request: Any) -> Any:
        found, token = self._broker.list_topic_subscriptions(request.topic, request.page_size, request.page_token)
        return pb.ListTopicSubscriptionsResponse(subscriptions=found, next_page_token=token)

    def _publish(self, request: Any) -> Any:
        ids = self._broker.publish(request)
        topic = self._broker.topic(request.topic)
        for subscription in self._broker.subscriptions_of(topic):
            self._waits.wake(subscription)
        self._retention.set(self._broker.next_expiry(topic))
        return pb.PublishResponse(message_ids=ids)

    def _update_subscription(self, request: Any) -> Any:
        return self._broker.update_subscription(request.subscription, request.update_mask)

    def _delete_subscription(self, request: Any) -> Any:
        self._waits.wake(self._broker.delete_subscription(request.subscription))
        return pb.Empty()

    def _list_subscriptions(self, request: Any) -> Any:
        found, token = self._broker.list_subscriptions(request.project, request.page_size, request.page_token)
        return pb.ListSubscriptionsResponse(subscriptions=found, next_page_token=token)

    def _acknowledge(self, request: Any) -> Any:
        subscription = self._broker.subscription(request.subscription)
        if not request.ack_ids:
            raise InvalidArgument("No ack ids specified.")
        subscription.backlog.acknowledge(request.ack_ids)
        self._waits.wake(subscription)
        return pb.Empty()

    def _modify_ack_deadline(self, request: Any) -> Any:
        subscription = self._broker.subscription(request.subscription)
        if not request.ack_ids:
            raise InvalidArgument("No ack ids specified.")
        lease = _lease("ack_deadline_seconds", request.ack_deadline_seconds)
        subscription.backlog.modify_deadline(request.ack_ids, lease, self._broker.now())
        self._waits.wake(subscription)
        return pb.Empty()

    def _seek(self, request: Any) -> Any:
        subscription = self._broker.subscription(request.subscription)
        if request.WhichOneof("target") == "snapshot":
            raise Unimplemented("This server keeps no snapshots: seek to a time")
        if request.WhichOneof("target") is None:
            raise InvalidArgument("Seek to a time: none is given")
        subscription.seek(pb.timestamp_micros(request.time), self._broker.now())
        self._waits.wake(subscription)
        return pb.SeekResponse()

    async def _pull(self, request: Any, context: Any) -> Any:
        subscription = self._broker.subscription(request.subscription)
        if request.max_messages <= 0:
            raise InvalidArgument("No max_messages specified: it must be at least 1")
        remaining = context.time_remaining()
        patience = self._pull_wait if remaining is None else min(self._pull_wait, remaining - PULL_MARGIN)
        loop = asyncio.get_running_loop()
        until = loop.time() + (0 if request.return_immediately else patience)
        consumer = Consumer()
        while True:
            now = self._broker.now()
            taken = subscription.backlog.take(consumer, request.max_messages, RESPONSE_BYTES, subscription.ack_deadline, now)
            left = until - loop.time()
            if taken or left <= 0 or self._closing:
                response = pb.PullResponse()
                _add_received(response, taken)
                return response
            await self._waits.wait(subscription, left)
            self._check_exists(subscription)

    async def _streaming_pull(self, requests: AsyncIterator[Any], context: Any) -> None:
        first = await anext(aiter(requests), None)
        if first is None:
            raise InvalidArgument("The first request of a stream must name a subscription")
        subscription = self._broker.subscription(first.subscription)
        check_ack_deadline("stream_ack_deadline_seconds", first.stream_ack_deadline_seconds)
        stream = _Stream(subscription, first)
        self._obey(stream, first)
        reader = asyncio.create_task(self._read(stream, requests))
        try:
            while not reader.done():
                await self._send(stream, context)
            await reader
        finally:
            reader.cancel()

    async def _send(self, stream: _Stream, context: Any) -> None:
        """Writes what there is, or waits until something has changed."""
        if self._closing:
            raise Unavailable("The server is stopping")
        subscription = stream.subscription
        self._check_exists(subscription)
        now = self._broker.now()
        taken = subscription.backlog.take(stream.consumer, STREAM_BATCH, RESPONSE_BYTES, stream.lease, now)
        if not taken:
            await self._waits.wait(subscription)
            return
        response = pb.StreamingPullResponse()
        _add_received(response, taken)
        response.subscription_properties.message_ordering_enabled = subscription.settings.enable_message_ordering
        await context.write(response)

    async def _read(self, stream: _Stream, requests: AsyncIterator[Any]) -> None:
        """Obeys the stream's later requests until the client has no more."""
        try:
            async for request in requests:
                if request.subscription or request.client_id:
                    raise InvalidArgument("subscription and client_id belong in the first request of a stream only")
                if request.max_outstanding_messages or request.max_outstanding_bytes:
                    raise InvalidArgument("max_outstanding_messages and _bytes belong in the first request of a stream only")
                self._obey(stream, request)
        finally:
            self._waits.wake(stream.subscription)

    def _obey(self, stream: _Stream, request: Any) -> None:
        backlog, now = stream.subscription.backlog, self._broker.now()
        if request.stream_ack_deadline_seconds:
            check_ack_deadline("stream_ack_deadline_seconds", request.stream_ack_deadline_seconds)
            stream.lease = request.stream_ack_deadline_seconds * 1_000_000
        if len(request.modify_deadline_ack_ids) != len(request.modify_deadline_seconds):
            raise InvalidArgument("modify_deadline_ack_ids and modify_deadline_seconds must have the same length")
        leases = [_lease("modify_deadline_seconds", seconds) for seconds in request.modify_deadline_seconds]
        backlog.acknowledge(request.ack_ids)
        for ack_id, lease in zip(request.modify_deadline_ack_ids, leases, strict=True):
            backlog.modify_deadline([ack_id], lease, now)
        if request.ack_ids or leases:
            self._waits.wake(stream.subscription)

    def _check_exists(self, subscription: Subscription) -> None:
        """Raises NotFound if the subscription was deleted, even if another has its name now."""
        name = subscription.settings.name
        if self._broker.subscription(name) is not subscription:
            raise NotFound(f"Subscription was deleted: {name}")


class _Stream:
    """One StreamingPull: who takes, and for how long it leases."""

    def __init__(self, subscription: Subscription, first: Any) -> None:
        self.subscription = subscription
        self.consumer = Consumer(first.max_outstanding_messages, first.max_outstanding_bytes)
        self.lease = first.stream_ack_deadline_seconds * 1_000_000


class _NotOffered(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers every other RPC with a sentence instead of gRPC's bare UNIMPLEMENTED."""

    def service(self, handler_call_details: Any) -> grpc.RpcMethodHandler:
        method = handler_call_details.method.lstrip("/")

        async def refuse(request: bytes, context: Any) -> None:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"This local Pub/Sub server does not offer {method}")

        return grpc.unary_unary_rpc_method_handler(refuse)


def _service(name: str, rpcs: dict[str, tuple[Any, Any]], **others: grpc.RpcMethodHandler) -> grpc.GenericRpcHandler:
    handlers = {
        rpc: grpc.unary_unary_rpc_method_handler(_answering(act), request.FromString, lambda message: message.SerializeToString())
        for rpc, (request, act) in rpcs.items()
    }
    return grpc.method_handlers_generic_handler(name, handlers | others)


def _answering(act: Callable[..., Any]) -> Callable[[Any, Any], Awaitable[Any]]:
    """An RPC from a function of the request, or a coroutine function of request and context: what is raised becomes a
    gRPC status."""

    async def answer(request: Any, context: Any) -> Any:
        try:
            return await act(request, context) if inspect.iscoroutinefunction(act) else act(request)
        except PubSubError as refusal:
            await context.abort(grpc.StatusCode[refusal.status], str(refusal))
        except Exception as error:
            _log.exception("a request failed")
            await context.abort(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")

    return answer


def _lease(field: str, seconds: int) -> int:
    if not 0 <= seconds <= 600:
        raise InvalidArgument(f"{field} must be between 0 and 600, not {seconds}")
    return seconds * 1_000_000


def _add_received(response: Any, taken: list[tuple[str, Delivery]]) -> None:
    for ack_id, delivery in taken:
        received = response.received_messages.add(ack_id=ack_id)
        received.message.MergeFromString(delivery.message.raw)
