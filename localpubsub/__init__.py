"""An embedded Pub/Sub server: topics, subscriptions and streams as Google's clients know them, on the loopback interface.

    with localpubsub.Server() as server:      # or: python -m localpubsub --port 8085
        os.environ["PUBSUB_EMULATOR_HOST"] = server.address
        ...                                   # google.cloud.pubsub_v1 as usual

It needs grpcio and the message types of google-cloud-pubsub, no Java, no container. Everything is in memory: what is
published is gone when the process ends.

    server.py ─► service.py ─► broker.py ─┬─► topics.py          what was published, and the retained log
    (a thread)   (RPCs)        (by name)  └─► subscriptions.py ─► backlog.py ─► ordering.py
                 waiting.py                   (filter, seek)      (leases)      (one key's line)

`names.py`, `settings.py`, `publishing.py` and `filters.py` say what is allowed. Only server.py, service.py and
waiting.py know an event loop; the rest is a state machine whose clock comes in from outside. What is not offered (push,
snapshots, dead letters, exactly-once delivery) answers UNIMPLEMENTED with a sentence; no schema is ever found.
"""

from localpubsub.server import PortTaken, Server

__all__ = ["PortTaken", "Server"]
