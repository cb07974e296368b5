"""An embedded Pub/Sub server: topics, subscriptions and streams as Google's clients know them, on the loopback interface.

    with localpubsub.Server() as server:      # or: python -m localpubsub --port 8085
        os.environ["PUBSUB_EMULATOR_HOST"] = server.address
        ...                                   # google.cloud.pubsub_v1 as usual

It needs grpcio, aiohttp (for push) and the message types of google-cloud-pubsub, no Java, no container. With
`Server(data=DIR)` or `--data DIR` everything outlives the process, however that ends; otherwise it is in memory and gone.

    server.py ──► service.py ──► publisher.py, subscriber.py, streaming.py, schema_service.py, iam.py      RPCs
    (a thread)                        │                                    answering.py, inspection.py, pushing.py
                                   core.py       what they share: waiting.py, committing.py
                                      │
                                  broker.py ──┬─► topics.py           who holds a message, what is retained
                                  (by name)   ├─► subscriptions.py ─► backlog.py ─► ordering.py
                                      │       │   (filter, seek)      (leases)      (one key's line)
                                      │       ├─► snapshots.py
                                      │       └─► registry.py ──► schemas/
                                   store.py      what was published, owed and set up, in SQLite

`names.py`, `settings.py`, `publishing.py` and `filters.py` say what is allowed. Only the files above core.py, and that one,
know an event loop; the rest is a state machine whose clock comes in from outside. What is not offered (BigQuery and
Cloud Storage subscriptions, protocol buffer schemas) answers UNIMPLEMENTED with a sentence.
"""

from localpubsub.errors import StoreError
from localpubsub.server import PortTaken, Server

__all__ = ["PortTaken", "Server", "StoreError"]
