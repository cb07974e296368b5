"""An embedded Pub/Sub server: topics, subscriptions and streams as Google's clients know them, on the loopback interface.

    with localpubsub.Server() as server:      # or: python -m localpubsub --port 8085
        os.environ["PUBSUB_EMULATOR_HOST"] = server.address
        ...                                   # google.cloud.pubsub_v1 as usual

It needs grpcio, aiohttp (for push) and the message types of google-cloud-pubsub, no Java, no container. With
`Server(data=DIR)` or `--data DIR` everything outlives the process, however that ends; otherwise it is in memory and gone.

    server.py ──► rpc/ ──────► broker/ ──┬─► store/       what was published, owed and set up, in SQLite
    (a thread)    (the loop)   (state)   ├─► schemas/     Avro: definitions, messages, compatibility
                                         └─► rules/ ──► protocol/      what is allowed; protocol buffers

Imports go from left to right only. Only server.py and rpc/ know an event loop; errors.py is what a request can be refused for,
inspection.py how a client asks what the server holds. What is not offered (BigQuery and Cloud Storage subscriptions, protocol
buffer schemas) answers UNIMPLEMENTED with a sentence.
"""

from localpubsub.errors import StoreError
from localpubsub.server import PortTaken, Server

__all__ = ["PortTaken", "Server", "StoreError"]
