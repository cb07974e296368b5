"""Full text: detect asks for the page of a relevant entry whose feed says little, collect reads it and publishes the entry again.

    detect    reports ──► RequestFullText ──► topic `fetches`
    collect   topic `fetches` ──► FetchFullText ──► the entry, next version, with `text` ──► topic `entries`

Nobody waits: the entry is folded with the words of its feed, and the new version is an update of it.
"""

from __future__ import annotations

from typing import Any

__all__ = ["FetchFullText", "RequestFullText"]


def __getattr__(name: str) -> Any:
    # Imported on demand: the process that reads pages shares this package and has no use for Beam.
    if name in __all__:
        from transforms.fulltext import transform

        return getattr(transform, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
