"""What the server holds and has done, for people and for `vedette topics status`.

One RPC on the server's own port, `vedette.localpubsub.Inspection/Status`: an empty request, and JSON in UTF-8 as the
response. Google's service has no such RPC and answers UNIMPLEMENTED, which is how a client tells the two apart.

    {
      "topics": [
        {"name": "projects/p/topics/alerts", "messages": 12, "bytes": 34567, "schema": "projects/p/schemas/alert"}
      ],
      "subscriptions": [
        {"name": "projects/p/subscriptions/mine", "topic": "projects/p/topics/alerts", "filter": "attributes:sev_ge_high",
         "backlog": 3, "backlog_bytes": 6000, "oldest_unacked_seconds": 12.5, "leased": 2,
         "delivered": 40, "acknowledged": 37, "dead_lettered": 0, "dead_letter_topic": ""}
      ],
      "metrics": {"published": 12, "delivered": 40, "acknowledged": 37, "nacked": 1, "expired": 0, "dead_lettered": 0,
                  "rejected": 0},
      "store": {"directory": ".vedette/run/pubsub", "bytes": 1048576}
    }

Both lists are sorted by name. `messages` and `bytes` of a topic count what it holds: retained, or still owed to a
subscription. `schema` is "" for none and `_deleted-schema_` for one that is gone; `topic` is `_deleted-topic_` likewise.
`backlog` counts the unacknowledged, `leased` those of them that a subscriber has now; `oldest_unacked_seconds` is null
where nothing is unacknowledged. `delivered`, `acknowledged`, `dead_lettered` and all metrics count since the server
started; `rejected` counts messages that Publish refused. `directory` is "" for a server that keeps everything in memory.
"""

from __future__ import annotations

import json
from typing import Any

import grpc

METHOD = "/vedette.localpubsub.Inspection/Status"


def status(address: str, timeout: float = 10.0) -> dict[str, Any]:
    """The status of the server at `address` ("127.0.0.1:8085"), as the module describes it; `timeout` in seconds.

    Raises grpc.RpcError: UNAVAILABLE if nothing answers there, UNIMPLEMENTED if it is another Pub/Sub.
    """
    with grpc.insecure_channel(address) as channel:
        found: dict[str, Any] = json.loads(channel.unary_unary(METHOD)(b"", timeout=timeout))
        return found
