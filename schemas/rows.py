"""Beam's row coders of the records. Every module that makes a part of a graph imports this one.

Without it Beam would pickle the records: larger, slower, and unreadable for another release. It stands apart from the
records because commands that only read or print them should not wait for Beam.
"""

from __future__ import annotations

from apache_beam import coders

import schemas.alert  # noqa: F401  its records; the package has imported all others
from schemas.records import RECORDS

for _kind in RECORDS:
    coders.registry.register_row(_kind)
