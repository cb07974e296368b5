"""Beam's row coders of the records. Every module that makes a part of a graph imports this one.

Without it Beam would pickle a record as one object. As a row it is its fields in order, without their names; Beam reads the
records' annotations as it finds them, as strings, so it encodes each field by its value: numbers, strings, bytes and tuples
compactly, a record within a record pickled by the name of its class. So what was encoded is for processes whose records
are the same. It stands apart from the records because commands that only read or print them should not wait for Beam.
"""

from __future__ import annotations

from apache_beam import coders

import schemas.alert  # noqa: F401  its records; the package has imported all others
from schemas.records import RECORDS

for _kind in RECORDS:
    coders.registry.register_row(_kind)
