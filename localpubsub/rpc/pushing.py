"""Push: messages of a subscription with an endpoint, delivered by HTTP POST.

A response with status 102, 200, 201, 202 or 204 acknowledges; everything else, and none within the ack deadline, gives the
message back, and the subscription pauses, longer with each failure in a row (a tenth of a second to a minute). Wrapped, the
body is JSON; unwrapped, it is the message's data, with attributes as headers if the subscription asks for metadata. Source:
pages "Push subscriptions" and "Payload unwrapping". Requests carry no token: there is nobody here to sign one.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import logging
from typing import Any

import aiohttp

from localpubsub.broker.deliveries import Consumer, Delivery
from localpubsub.broker.subscriptions import Subscription
from localpubsub.protocol import pb
from localpubsub.rpc.core import RESPONSE_BYTES, Core

_log = logging.getLogger(__name__)

ACKNOWLEDGED = (102, 200, 201, 202, 204)
ROUND = 100  # requests of a subscription at a time
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 60.0


class Pushing:
    """Pushes for the subscriptions of one core that have an endpoint. `follow` tells it which may have changed."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._tasks: dict[Subscription, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Takes up the subscriptions that there are, once the event loop runs."""
        for subscription in self._core.broker.subscriptions.values():
            self.follow(subscription)

    def follow(self, subscription: Subscription) -> None:
        """Begins to push if the subscription has an endpoint now; whether it still has is asked before each round."""
        if self._wanted(subscription) and subscription not in self._tasks:
            self._tasks[subscription] = task = asyncio.create_task(self._push(subscription))
            task.add_done_callback(functools.partial(self._ended, subscription))

    async def stop(self) -> None:
        """Ends all that runs."""
        running = list(self._tasks.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _wanted(self, subscription: Subscription) -> bool:
        settings = subscription.settings
        known = self._core.broker.subscriptions.get(settings.name) is subscription
        return known and not settings.detached and not self._core.closing and bool(settings.push_config.push_endpoint)

    def _ended(self, subscription: Subscription, task: asyncio.Task[None]) -> None:
        del self._tasks[subscription]
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            _log.error("subscription %s is not pushed any more", subscription.settings.name, exc_info=error)
        else:
            self.follow(subscription)  # it may have got an endpoint again in the meantime

    async def _push(self, subscription: Subscription) -> None:
        """Rounds of requests that run side by side, one at a time to an endpoint that fails or where order matters."""
        consumer = Consumer()
        pause = 0.0
        async with aiohttp.ClientSession() as session:
            while self._wanted(subscription):
                most = 1 if pause or subscription.settings.enable_message_ordering else ROUND
                lease, now = subscription.ack_deadline, self._core.broker.now()
                taken = subscription.backlog.take(consumer, most, RESPONSE_BYTES, lease, now)
                if not taken:
                    await self._core.waits.wait(subscription)
                    continue
                requests = [(ack_id, self._request(subscription, delivery)) for ack_id, delivery in taken]
                await self._core.commits.settled()
                told = await asyncio.gather(*(self._post(session, subscription, *request) for request in requests))
                failures = [failure for failure in told if failure]
                if failures and not pause:
                    _log.warning("subscription %s: push failed (%s), it goes on trying", subscription.settings.name, failures[0])
                pause = min(LONGEST_PAUSE, max(FIRST_PAUSE, 2 * pause)) if failures else 0.0
                await asyncio.sleep(pause)

    async def _post(
        self, session: aiohttp.ClientSession, subscription: Subscription, ack_id: str, request: tuple[bytes, dict[str, str]]
    ) -> str:
        """Acknowledges the message or gives it back. Returns why it failed, or ""."""
        data, headers = request
        timeout = aiohttp.ClientTimeout(total=subscription.ack_deadline / 1_000_000)
        url = subscription.settings.push_config.push_endpoint
        failure = ""
        try:
            async with session.post(url, data=data, headers=headers, timeout=timeout, allow_redirects=False) as response:
                if response.status not in ACKNOWLEDGED:
                    failure = f"status {response.status}"
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            failure = f"{type(error).__name__}: {error}"
        now = self._core.broker.now()
        if failure:
            subscription.backlog.modify_deadline([ack_id], 0, now)
        else:
            subscription.backlog.acknowledge([ack_id], now)
        self._core.waits.wake(subscription)
        return failure

    def _request(self, subscription: Subscription, delivery: Delivery) -> tuple[bytes, dict[str, str]]:
        body = pb.PubsubMessage.FromString(self._core.broker.store.raw(delivery.message.position))
        return _request(subscription.settings, body, delivery.failures + 1 if subscription.most_attempts else 0)


def _request(settings: Any, body: Any, attempt: int) -> tuple[bytes, dict[str, str]]:
    """Body and headers."""
    published = body.publish_time.ToJsonString()
    if settings.push_config.HasField("no_wrapper"):
        headers = {"Content-Type": "application/octet-stream"}
        if settings.push_config.no_wrapper.write_metadata:
            headers |= dict(body.attributes)
            headers["x-goog-pubsub-subscription-name"] = settings.name
            headers["x-goog-pubsub-message-id"] = body.message_id
            headers["x-goog-pubsub-publish-time"] = published
            if body.ordering_key:
                headers["x-goog-pubsub-ordering-key"] = body.ordering_key
        return body.data, headers
    message: dict[str, Any] = {
        "data": base64.b64encode(body.data).decode(),
        "attributes": dict(body.attributes),
        "messageId": body.message_id,
        "message_id": body.message_id,
        "publishTime": published,
        "publish_time": published,
    }
    if body.ordering_key:
        message["orderingKey"] = body.ordering_key
    wrapped: dict[str, Any] = {"message": message, "subscription": settings.name}
    if attempt:
        wrapped["deliveryAttempt"] = attempt
    return json.dumps(wrapped).encode(), {"Content-Type": "application/json"}
