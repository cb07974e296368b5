"""From a function to a gRPC handler: what it raises becomes a status, and no answer leaves before it is durable."""

from __future__ import annotations

import inspect
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from localpubsub.committing import GroupCommit
from localpubsub.errors import PubSubError, StaleAckIds

_log = logging.getLogger(__name__)

MAX_TOLD = 60  # stale ack ids told in one answer: a client takes 8 KB of metadata

Rpcs = Mapping[str, tuple[Any, Callable[..., Any]]]
"""For each RPC its request type and what carries it out: a function of the request, or a coroutine function of request and
context."""


def service(name: str, rpcs: Rpcs, commits: GroupCommit, **others: grpc.RpcMethodHandler) -> grpc.GenericRpcHandler:
    """A gRPC service of unary RPCs, and of `others`."""
    handlers = {
        rpc: grpc.unary_unary_rpc_method_handler(answering(act, commits), request.FromString, _serialized)
        for rpc, (request, act) in rpcs.items()
    }
    return grpc.method_handlers_generic_handler(name, handlers | others)


def answering(act: Callable[..., Any], commits: GroupCommit) -> Callable[[Any, Any], Awaitable[Any]]:
    """`act` as gRPC calls it. What it did is durable when it answers, with a refusal too."""
    waits = inspect.iscoroutinefunction(act)

    async def answer(request: Any, context: Any) -> Any:
        try:
            try:
                return await act(request, context) if waits else act(request)
            finally:
                await commits.settled()
        except StaleAckIds as stale:
            context.set_trailing_metadata((("grpc-status-details-bin", _details(stale)),))
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(stale))
        except PubSubError as refusal:
            await context.abort(grpc.StatusCode[refusal.status], str(refusal))
        except sqlite3.Error as error:
            commits.fail(error)
            await context.abort(grpc.StatusCode.UNAVAILABLE, commits.failure)
        except Exception as error:
            _log.exception("a request failed")
            await context.abort(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")

    return answer


class NotOffered(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers every other RPC with a sentence instead of gRPC's bare UNIMPLEMENTED."""

    def service(self, handler_call_details: Any) -> grpc.RpcMethodHandler:
        method = handler_call_details.method.lstrip("/")

        async def refuse(request: bytes, context: Any) -> None:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"This local Pub/Sub server does not offer {method}")

        return grpc.unary_unary_rpc_method_handler(refuse)


def _serialized(answer: Any) -> bytes:
    return answer if isinstance(answer, bytes) else answer.SerializeToString()


def _details(stale: StaleAckIds) -> bytes:
    """The error as clients expect it under exactly-once delivery: page "Exactly-once delivery", section on failures."""
    info = ErrorInfo(
        reason="EXACTLY_ONCE_ACKID_FAILURE",
        domain="pubsub.googleapis.com",
        metadata=dict.fromkeys(stale.ack_ids[:MAX_TOLD], "PERMANENT_FAILURE_INVALID_ACK_ID"),
    )
    detail = AnyMessage()
    detail.Pack(info)
    status = Status(code=grpc.StatusCode.INVALID_ARGUMENT.value[0], message=str(stale), details=[detail])
    serialized: bytes = status.SerializeToString()
    return serialized
