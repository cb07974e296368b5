"""StreamingPull: messages one way; acknowledgements and longer leases the other.

A stream may hold as many messages and bytes as its first request says; more come as it acknowledges. Under exactly-once
delivery the stream confirms, once it is durable, which acknowledgements counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from localpubsub.broker.deliveries import Consumer
from localpubsub.broker.subscriptions import Subscription
from localpubsub.errors import InvalidArgument, Unavailable
from localpubsub.protocol import pb
from localpubsub.rpc.core import RESPONSE_BYTES, Core, lease
from localpubsub.rules.settings import check_ack_deadline

BATCH = 1000  # messages in one response


class Stream:
    """One StreamingPull: who takes, for how long it leases, and what is to be confirmed to it."""

    def __init__(self, subscription: Subscription, first: Any) -> None:
        self.subscription = subscription
        self.consumer = Consumer(first.max_outstanding_messages, first.max_outstanding_bytes)
        self.lease = first.stream_ack_deadline_seconds * 1_000_000
        self.confirmations: list[bytes] = []


class Streaming:
    """Over one core."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._broker = core.broker

    async def streaming_pull(self, requests: AsyncIterator[Any], context: Any) -> None:
        """The RPC. Raises what ends the stream with an error; returns when the client has no more requests."""
        first = await anext(aiter(requests), None)
        if first is None:
            raise InvalidArgument("The first request of a stream must name a subscription")
        subscription = self._broker.subscription(first.subscription)
        check_ack_deadline("stream_ack_deadline_seconds", first.stream_ack_deadline_seconds)
        stream = Stream(subscription, first)
        self._obey(stream, first)
        reader = asyncio.create_task(self._read(stream, requests))
        subscription.streams += 1
        try:
            while not reader.done():
                await self._send(stream, context)
            await reader
        finally:
            reader.cancel()
            subscription.streams -= 1
            subscription.used = self._broker.now()
            self._core.watch(subscription.topic)

    async def _send(self, stream: Stream, context: Any) -> None:
        """Writes what there is, or waits until something has changed."""
        if self._core.closing:
            raise Unavailable("The server is stopping")
        subscription = stream.subscription
        self._core.check_attached(subscription)
        confirmations, stream.confirmations = stream.confirmations, []
        taken = subscription.backlog.take(stream.consumer, BATCH, RESPONSE_BYTES, stream.lease, self._broker.now())
        if not taken and not confirmations:
            await self._core.waits.wait(subscription)
            return
        response = self._core.framed(subscription, taken)
        await self._core.commits.settled()
        for confirmation in confirmations:
            await context.write(confirmation + _properties(subscription))
        if taken:
            await context.write(response + _properties(subscription))

    async def _read(self, stream: Stream, requests: AsyncIterator[Any]) -> None:
        """Obeys the stream's later requests until the client has no more."""
        try:
            async for request in requests:
                if request.subscription or request.client_id:
                    raise InvalidArgument("subscription and client_id belong in the first request of a stream only")
                if request.max_outstanding_messages or request.max_outstanding_bytes:
                    raise InvalidArgument("max_outstanding_messages and _bytes belong in the first request of a stream only")
                self._obey(stream, request)
        finally:
            self._core.waits.wake(stream.subscription)

    def _obey(self, stream: Stream, request: Any) -> None:
        backlog, now = stream.subscription.backlog, self._broker.now()
        if request.stream_ack_deadline_seconds:
            check_ack_deadline("stream_ack_deadline_seconds", request.stream_ack_deadline_seconds)
            stream.lease = request.stream_ack_deadline_seconds * 1_000_000
        if len(request.modify_deadline_ack_ids) != len(request.modify_deadline_seconds):
            raise InvalidArgument("modify_deadline_ack_ids and modify_deadline_seconds must have the same length")
        leases = [lease("modify_deadline_seconds", seconds) for seconds in request.modify_deadline_seconds]
        stale = backlog.acknowledge(request.ack_ids, now)
        for ack_id, length in zip(request.modify_deadline_ack_ids, leases, strict=True):
            stale += backlog.modify_deadline([ack_id], length, now)
        if backlog.exactly_once and (request.ack_ids or leases):
            stream.confirmations.append(_confirmation(request, set(stale)))
        if request.ack_ids or leases:
            self._core.waits.wake(stream.subscription)


def _confirmation(request: Any, stale: set[str]) -> bytes:
    response = pb.StreamingPullResponse()
    for asked, told in (
        (request.ack_ids, response.acknowledge_confirmation),
        (request.modify_deadline_ack_ids, response.modify_ack_deadline_confirmation),
    ):
        told.ack_ids.extend(ack_id for ack_id in asked if ack_id not in stale)
        told.invalid_ack_ids.extend(ack_id for ack_id in asked if ack_id in stale)
    serialized: bytes = response.SerializeToString()
    return serialized


def _properties(subscription: Subscription) -> bytes:
    """What a client is told of the subscription, to append to a response."""
    properties = pb.StreamingPullResponse()
    properties.subscription_properties.exactly_once_delivery_enabled = subscription.settings.enable_exactly_once_delivery
    properties.subscription_properties.message_ordering_enabled = subscription.settings.enable_message_ordering
    serialized: bytes = properties.SerializeToString()
    return serialized
