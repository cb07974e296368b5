"""What outlives the process: one SQLite file in a directory that one process has alone, or the same tables in memory.

sqlite.py ──► wal.py      the tables, and how the write-ahead log is moved into the file
    └───────► lock.py     whose the directory is
"""

from localpubsub.store.sqlite import Row, Store

__all__ = ["Row", "Store"]
