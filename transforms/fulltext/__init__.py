"""Full text: detect asks for the page of a relevant entry whose feed says little, collect reads it and publishes the entry again.

    detect    reports ──► RequestFullText ──► topic `fetches`
    collect   topic `fetches` ──► FetchFullText ──► the entry, next version, with `text` ──► topic `entries`

Nobody waits: the entry is folded with the words of its feed, and the new version is an update of it.
"""

from __future__ import annotations

from transforms.on_demand import on_demand

__all__ = ["FetchFullText", "RequestFullText"]

__getattr__ = on_demand(__name__, "FetchFullText", "RequestFullText")
