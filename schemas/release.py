"""The release that is installed."""

from __future__ import annotations

from functools import cache
from importlib import metadata


@cache
def release() -> str:
    """The version of vedette, "0" in a tree that was never installed."""
    try:
        return metadata.version("vedette")
    except metadata.PackageNotFoundError:
        return "0"
