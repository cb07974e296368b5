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

from localpubsub.errors import MAX_SENTENCE, PubSubError
from localpubsub.rpc.committing import GroupCommit

_log = logging.getLogger(__name__)

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
        except PubSubError as refusal:
            status, sentence = grpc.StatusCode[refusal.status], str(refusal)[:MAX_SENTENCE]
            if refusal.reason:
                context.set_trailing_metadata((("grpc-status-details-bin", _details(refusal, status, sentence)),))
            await context.abort(status, sentence)
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


def _details(refusal: PubSubError, status: grpc.StatusCode, sentence: str) -> bytes:
    """The google.rpc.Status in which clients look for an ErrorInfo."""
    detail = AnyMessage()
    detail.Pack(ErrorInfo(reason=refusal.reason, domain="pubsub.googleapis.com", metadata=refusal.metadata))
    serialized: bytes = Status(code=status.value[0], message=sentence, details=[detail]).SerializeToString()
    return serialized
