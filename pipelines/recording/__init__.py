"""A recorded crisis, served as live feeds: what `make run` watches, and what tests backtest.

    files of a recording ──► Recording ──► feeds (RSS, Atom, JSON Feed) over HTTP, as time goes by
                                      └──► entries: lines of a backtest's input

Nothing here knows Beam: the server is up before a pipeline is, and does not slow it down.
`python -m pipelines.recording DIRECTORY` serves one.
"""

from pipelines.recording.records import Outlet, Recording, RecordingError, Version, entries
from pipelines.recording.server import FeedServer, serve

__all__ = ["FeedServer", "Outlet", "Recording", "RecordingError", "Version", "entries", "serve"]
