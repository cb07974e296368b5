"""What all records have in common: JSON for topics and files, and the type of a point in time.

A record is a frozen dataclass under `@record`. Beam encodes it as a row (`schemas.rows`); `to_json` and `from_json`
write and read it, with every field checked. A coder may return a tuple as a list, so `@record` restores them: a record that has
been through a coder equals the one that went in. Nothing here knows Beam: it takes a second to import.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar, dataclass_transform

from pydantic import BeforeValidator, Field, PlainSerializer, TypeAdapter

R = TypeVar("R")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
INT64_MAX = 2**63 - 1  # of a row's integers
RECORDS: list[type] = []
"""Every record, in the order of definition: what a record is made of stands before it."""


def micros(moment: datetime | str) -> int:
    """Microseconds since 1970 UTC of a datetime or an ISO 8601 string (T or a space; UTC where no zone is given).

    Raises ValueError if the string is no ISO 8601 time.
    """
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // MICROSECOND


def iso(moment: int) -> str:
    """The ISO 8601 string, in UTC, of microseconds since 1970."""
    return (EPOCH + moment * MICROSECOND).isoformat()


LONGEST_AGO = micros("0001-01-01")
FARTHEST_AHEAD = micros("9999-12-31T23:59:59.999999")

Micros = Annotated[
    int,
    Field(ge=LONGEST_AGO, le=FARTHEST_AHEAD),  # what `iso` can write
    BeforeValidator(lambda v: micros(v) if isinstance(v, (str, datetime)) else v),
    PlainSerializer(iso, return_type=str, when_used="json"),
]
"""Microseconds since 1970 UTC; an ISO 8601 string in JSON."""


@dataclass_transform(frozen_default=True)
def record(cls: type[R]) -> type[R]:
    """Make a frozen dataclass of the class, and note it among the RECORDS."""
    tuples = [name for name, kind in cls.__annotations__.items() if str(kind).startswith("tuple[")]

    def __post_init__(self: Any) -> None:
        for name in tuples:
            object.__setattr__(self, name, tuple(getattr(self, name)))

    if tuples:
        cls.__post_init__ = __post_init__  # type: ignore[attr-defined]
    frozen = dataclass(frozen=True)(cls)
    RECORDS.append(frozen)
    return frozen


_adapters: dict[type, TypeAdapter[Any]] = {}


def _adapter(cls: type[R]) -> TypeAdapter[R]:
    if cls not in _adapters:
        _adapters[cls] = TypeAdapter(cls)
    return _adapters[cls]


def to_json(value: Any) -> bytes:
    """One line of UTF-8 JSON with all fields of the record, in the order they are declared."""
    return _adapter(type(value)).dump_json(value)


def to_dict(value: Any) -> dict[str, Any]:
    """The record as JSON-ready dicts, lists, strings and numbers."""
    return _adapter(type(value)).dump_python(value, mode="json")


def from_json(cls: type[R], data: bytes | str) -> R:
    """The record that `to_json` wrote. Raises pydantic.ValidationError that names the field if it is none."""
    return _adapter(cls).validate_json(data)


def from_dict(cls: type[R], data: Mapping[str, Any]) -> R:
    """The record in a mapping; unknown keys are ignored. Raises pydantic.ValidationError that names the field."""
    known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    return _adapter(cls).validate_python({k: v for k, v in data.items() if k in known})
