"""Avro schemas of topics: read a definition, judge a message, compare two revisions. Nothing here knows of gRPC.

    schema = parse(definition)                  # SchemaError says what is wrong and where
    schema.check(message, "JSON")               # SchemaError if the message does not fit
    compatibility.check(schema, revision_before)

The verdicts are those of Google's emulator, whose judge is Avro's Java reader (1.11.4); tests/data/schemas holds them, recorded.
That reader is strict about types (no string for a long, every union tagged, every field present) and stops at the last
value it needs: json_message.py says what follows from that.
"""

from localpubsub.schemas import compatibility
from localpubsub.schemas.definition import MAX_DEFINITION_BYTES, AvroSchema, parse
from localpubsub.schemas.errors import SchemaError

__all__ = ["MAX_DEFINITION_BYTES", "AvroSchema", "SchemaError", "compatibility", "parse"]
