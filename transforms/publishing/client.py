"""The official Pub/Sub publisher, one per process: the runner makes its DoFns anew for every bundle.

Requests are made and awaited here, one after the other, by the client's own Publish call. Its convenience around that call
(`client.publish`) is not used, for four reasons: it takes attributes as keyword arguments, so that one called `topic` or
`retry` cannot be sent; it batches by size alone, so that one bad message refuses a hundred others; with ordering keys it
retries every message for ever; and after a failure it refuses all later messages of the key until `resume_publish`. Here a
key has no memory: what failed is sent again, in its order.
"""

from __future__ import annotations

import os
import shlex
import socket
import sys
import threading
from collections.abc import Iterable, Iterator
from functools import cache

import grpc
from google.api_core import exceptions, retry
from google.api_core.timeout import ConstantTimeout
from google.auth.exceptions import GoogleAuthError
from google.cloud import pubsub_v1
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.types import PublishRequest, PubsubMessage

from transforms.publishing.limits import Message, batches, problem

PATIENCE = 60.0
"""Seconds that a request may take with all its retries."""
ATTEMPT = 15.0
"""Seconds that the service has to answer one attempt."""
PASSING = (
    exceptions.ServiceUnavailable,
    exceptions.DeadlineExceeded,
    exceptions.Aborted,
    exceptions.Cancelled,
    exceptions.InternalServerError,
    exceptions.ResourceExhausted,
    exceptions.Unknown,
)
"""What Google's client retries when it publishes, too."""
LOCAL_CHANNEL = (
    ("grpc.max_receive_message_length", -1),
    # A laptop's server is back in a second: without this a client that has failed for a while looks only every 2 minutes.
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


class PublishError(Exception):
    """A message that the service did not take, and will not."""


class Unavailable(Exception):
    """Messages could not be published, whatever they were."""


@cache
def publisher(endpoint: str) -> PublisherClient:
    """The process's client for an endpoint: "" is Google's service, else the address of a local server."""
    if not endpoint:
        return pubsub_v1.PublisherClient()
    return pubsub_v1.PublisherClient(transport=PublisherGrpcTransport(channel=local_channel(endpoint)))


def local_channel(endpoint: str) -> grpc.Channel:
    """A channel to a local server, without encryption, that is soon back when the server is."""
    return grpc.insecure_channel(endpoint, options=LOCAL_CHANNEL)


def endpoint() -> str:
    """The local server that PUBSUB_EMULATOR_HOST names, "" for Google's service."""
    return os.environ.get("PUBSUB_EMULATOR_HOST", "")


def check_endpoint(timeout: float = 3.0) -> None:
    """Raises ConnectionError, with what to do, if PUBSUB_EMULATOR_HOST names a server that does not listen.

    The official client would retry for minutes in silence.
    """
    address = endpoint()
    if not address:
        return
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]") or "127.0.0.1", int(port)), timeout):
            pass
    except (OSError, ValueError) as e:
        raise ConnectionError(
            f"PUBSUB_EMULATOR_HOST={address}, but nothing listens there ({e}). "
            f"Start the embedded server with `{shlex.quote(sys.executable)} -m localpubsub`, "
            "or unset the variable to use Google's service."
        ) from None


def publish_all(
    topic: str, messages: Iterable[Message], patience: float = PATIENCE, attempt: float = ATTEMPT
) -> Iterator[tuple[Message, PublishError | None]]:
    """Publish the messages to a topic ("projects/P/topics/T"), in their order: each, once the service has answered for it.

    A message that is wrong in itself comes back with its error, and the others go on. `patience`: seconds for a request
    with its retries; `attempt`: for one of them. Raises Unavailable if the service cannot take any message (it does not
    answer, the topic is gone, a permission is missing): those that have not come back are to be tried again.
    """
    for batch in batches(messages):
        wrong = problem(batch[0]) if len(batch) == 1 else ""
        if wrong:
            yield batch[0], PublishError(wrong)
        else:
            yield from _publish(topic, batch, patience, attempt)


def _publish(topic: str, batch: list[Message], patience: float, attempt: float) -> Iterator[tuple[Message, PublishError | None]]:
    sent = [PubsubMessage(data=m.data, attributes=m.attributes, ordering_key=m.ordering_key) for m in batch]
    again = retry.Retry(retry.if_exception_type(*PASSING), initial=0.1, multiplier=2.0, maximum=5.0, timeout=patience)
    try:
        PublisherClient.publish(
            publisher(endpoint()),
            request=PublishRequest(topic=topic, messages=sent),
            retry=again,
            timeout=ConstantTimeout(attempt),
        )
    except exceptions.InvalidArgument as e:
        if len(batch) == 1:
            yield batch[0], PublishError(f"{type(e).__name__}: {e.message}")
            return
        half = len(batch) // 2  # the service does not say which message it means
        yield from _publish(topic, batch[:half], patience, attempt)
        yield from _publish(topic, batch[half:], patience, attempt)
    except (exceptions.GoogleAPIError, GoogleAuthError) as e:
        raise Unavailable(f"{topic} cannot be published to: {type(e).__name__}: {e}") from e
    else:
        for message in batch:
            yield message, None


class SentIds:
    """Ids that a topic already holds: known from its retained messages at the start, or sent by this process."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._lock = threading.Lock()

    def add(self, *ids: str) -> None:
        with self._lock:
            self._ids.update(ids)

    def __contains__(self, id_: str) -> bool:
        return id_ in self._ids


@cache
def sent_ids(endpoint: str, topic: str) -> SentIds:
    """The process's memory of what a topic holds."""
    return SentIds()
