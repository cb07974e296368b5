"""Names that a package imports when they are first asked for: its transforms, which know Beam, beside modules that do not.

Beam takes a second to import. Commands that read one text, and processes that parse what strangers sent, share these packages
and have no use for it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


def on_demand(package: str, *names: str, module: str = "transform") -> Callable[[str], Any]:
    """A module's `__getattr__` (PEP 562) that takes the names from `module` of the package."""

    def __getattr__(name: str) -> Any:
        if name in names:
            return getattr(importlib.import_module(f"{package}.{module}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return __getattr__
