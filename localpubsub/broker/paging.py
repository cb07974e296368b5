"""Lists in pages: ordered by name, and a token that is the last name of the page before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from localpubsub.errors import InvalidArgument

DEFAULT_PAGE, MAX_PAGE = 100, 1000

T = TypeVar("T")


def page_of(found: Iterable[T], key: Callable[[T], str], size: int, token: str) -> tuple[list[T], str]:
    """One page of `found`, which is ordered by `key`, and the token of the next page or "". Raises InvalidArgument."""
    if size < 0:
        raise InvalidArgument("page_size must not be negative")
    rest = [entry for entry in found if key(entry) > token]
    page = rest[: min(size or DEFAULT_PAGE, MAX_PAGE)]
    return page, key(page[-1]) if len(page) < len(rest) else ""
