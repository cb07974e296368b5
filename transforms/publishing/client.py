"""The official Pub/Sub publisher, one per process: the runner makes its DoFns anew for every bundle."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterable
from concurrent import futures
from functools import cache

from google.api_core.exceptions import InvalidArgument
from google.cloud import pubsub_v1

from transforms.publishing.messages import Message

PATIENCE = 60.0
"""Seconds that a publish may take with all of the client's retries."""


WRONG_IN_ITSELF = (InvalidArgument, TypeError, ValueError)
"""What a message is refused with; the client's own MessageTooLargeError is a ValueError."""


class PublishError(Exception):
    """A message that the service did not take, and will not."""


class Unavailable(Exception):
    """Messages could not be published, whatever they were."""


@cache
def publisher(endpoint: str) -> pubsub_v1.PublisherClient:
    """The process's client for an endpoint: "" is Google's service, else the address of a local server."""
    return pubsub_v1.PublisherClient()


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
            "Start the embedded server with `python -m localpubsub`, or unset the variable to use Google's service."
        ) from None


def publish_all(topic: str, messages: Iterable[Message]) -> list[tuple[Message, PublishError | None]]:
    """Publish the messages to a topic ("projects/P/topics/T") and wait for the service's word on each.

    The client batches and retries. A message that is wrong in itself comes back with its error. It makes the service refuse
    its whole batch, so a refused message is tried once alone. Raises Unavailable if the service cannot take any message
    (it does not answer, the topic is gone, a permission is missing): then the same messages are to be tried again.
    """
    client = publisher(endpoint())
    pending = [(m, _publish(client, topic, m)) for m in messages]
    first = [(m, _outcome(future)) for m, future in pending]
    return [(m, error and _outcome(_publish(client, topic, m))) for m, error in first]


def _publish(client: pubsub_v1.PublisherClient, topic: str, message: Message) -> futures.Future[str]:
    try:
        return client.publish(topic, message.data, timeout=PATIENCE, **message.attributes)
    except WRONG_IN_ITSELF as e:  # some limits the client checks by itself
        refused: futures.Future[str] = futures.Future()
        refused.set_exception(e)
        return refused


def _outcome(future: futures.Future[str]) -> PublishError | None:
    try:
        future.result(timeout=PATIENCE + 5)
    except WRONG_IN_ITSELF as e:
        return PublishError(f"{type(e).__name__}: {e}")
    except Exception as e:  # the client raises errors of several libraries
        raise Unavailable(f"{type(e).__name__}: {e}") from e
    return None


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
