"""The one exception of this package."""

from __future__ import annotations


class SchemaError(ValueError):
    """A definition is no Avro schema, a message does not fit its schema, or two schemas do not fit each other.

    The text is a sentence that says what is wrong and where.
    """
