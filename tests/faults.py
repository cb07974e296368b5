"""A Pub/Sub endpoint that fails on purpose: it hands calls on to a real one, except those that it was told to spoil."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc

PUBLISH = "/google.pubsub.v1.Publisher/Publish"


class Faults(grpc.GenericRpcHandler):
    """`plan` says what becomes of the next calls of `method`, one after the other; when it is used up, they are handed on.

    a grpc.StatusCode  refused with it
    "silence"          never answered; the caller gives up
    "lost answer"      handed on and carried out, but the answer is lost: the caller sees UNAVAILABLE
    """

    def __init__(self, behind: str) -> None:
        self.method = PUBLISH
        self.plan: deque[grpc.StatusCode | str] = deque()
        self.calls = 0
        self._channel = grpc.insecure_channel(behind)
        self._over = threading.Event()

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        method = details.method  # type: ignore[attr-defined]
        hand_on = self._channel.unary_unary(method)

        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            fault = None
            if method == self.method:
                self.calls += 1
                fault = self.plan.popleft() if self.plan else None
            if isinstance(fault, grpc.StatusCode):
                context.abort(fault, "spoiled on purpose")
            if fault == "silence":
                context.add_callback(self._over.set)
                self._over.wait(30)
                self._over.clear()
                context.abort(grpc.StatusCode.CANCELLED, "spoiled on purpose")
            try:
                answered = hand_on(request)
            except grpc.RpcError as e:
                context.abort(e.code(), e.details())
            if fault == "lost answer":
                context.abort(grpc.StatusCode.UNAVAILABLE, "spoiled on purpose")
            return answered

        return grpc.unary_unary_rpc_method_handler(answer)

    def close(self) -> None:
        self._over.set()
        self._channel.close()


@contextmanager
def faulty(behind: str) -> Iterator[tuple[str, Faults]]:
    """The address of such an endpoint in front of another, and its faults."""
    faults = Faults(behind)
    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=(faults,), options=(("grpc.max_receive_message_length", -1),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}", faults
    finally:
        server.stop(0)
        faults.close()
