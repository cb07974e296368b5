"""An embedded Pub/Sub server: topics, subscriptions and streams as Google's clients know them, on the loopback interface.

    with localpubsub.Server() as server:      # or: python -m localpubsub --port 8085
        os.environ["PUBSUB_EMULATOR_HOST"] = server.address
        ...                                   # google.cloud.pubsub_v1 as usual

It needs grpcio and the message types of google-cloud-pubsub, no Java, no container. Everything is in memory: what is
published is gone when the process ends.

    server.py ─► service.py ─► broker.py ─┬─► topics.py          what was published, and the retained log
    (a thread)   (RPCs)        (by name)  └─► subscriptions.py ─► backlog.py ─► ordering.py
                                              (filter, seek)      (leases)      (one key's line)

`names.py`, `settings.py`, `publishing.py` and `filters.py` say what is allowed. Only service.py and server.py know
gRPC; the rest is a state machine whose clock comes in from outside. RPCs and settings that are not offered (schemas,
snapshots, push, dead letters, exactly-once delivery) answer UNIMPLEMENTED with a sentence.
"""

from localpubsub.server import PortTaken, Server

__all__ = ["PortTaken", "Server"]
