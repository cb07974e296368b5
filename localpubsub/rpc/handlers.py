"""Everything the server answers: the services of google.pubsub.v1, IAM policies, and its own inspection.

The 35 RPCs of google/pubsub_v1/gapic_metadata.json and the three of google.iam.v1.IAMPolicy are all here, and a sentence for
everything else.
"""

from __future__ import annotations

import json
from typing import Any

import grpc

from localpubsub import inspection
from localpubsub.protocol import pb
from localpubsub.rpc.answering import NotOffered, answering, service
from localpubsub.rpc.core import Core
from localpubsub.rpc.iam import IamPolicies
from localpubsub.rpc.publisher import Publisher
from localpubsub.rpc.report import report
from localpubsub.rpc.schema_service import SchemaService
from localpubsub.rpc.streaming import Streaming
from localpubsub.rpc.subscriber import Subscriber


def handlers(core: Core) -> list[grpc.GenericRpcHandler]:
    """What a grpc.aio server registers."""
    streaming = grpc.stream_stream_rpc_method_handler(
        answering(Streaming(core).streaming_pull, core.commits), pb.StreamingPullRequest.FromString
    )
    return [
        service("google.pubsub.v1.Publisher", Publisher(core).rpcs(), core.commits),
        service("google.pubsub.v1.Subscriber", Subscriber(core).rpcs(), core.commits, StreamingPull=streaming),
        service("google.pubsub.v1.SchemaService", SchemaService(core.broker).rpcs(), core.commits),
        service("google.iam.v1.IAMPolicy", IamPolicies(core.broker).rpcs(), core.commits),
        _inspection(core),
        NotOffered(),
    ]


def _inspection(core: Core) -> grpc.GenericRpcHandler:
    async def status(request: bytes, context: Any) -> bytes:
        return json.dumps(report(core.broker)).encode()

    _, name, method = inspection.METHOD.split("/")
    return grpc.method_handlers_generic_handler(name, {method: grpc.unary_unary_rpc_method_handler(status)})
