"""The state of the server: a machine without gRPC and without an event loop, whose clock comes in from outside.

broker.py ──┬─► topics.py           who holds a message, what is retained
(by name)   ├─► subscriptions.py ─► backlog.py ─► deliveries.py, ordering.py
            │   (filter, seek)      (leases)      (one message, one key's line)
            ├─► snapshots.py
            ├─► registry.py         schemas and their revisions
            └─► restoring.py        all of it as the store has it

snapshotting.py, sweeping.py        what is done with a broker: snapshots and seeks, and what time does to it
"""

from localpubsub.broker.broker import Broker

__all__ = ["Broker"]
