"""Resource names, checked before anything is looked up, as the service does.

The rule for the last part is the one of the Pub/Sub resource name page: 3 to 255 characters, a letter first, then
letters, digits and `-_.~+%`, and never a name that starts with `goog`.
"""

from __future__ import annotations

import re

from localpubsub.errors import InvalidArgument

DELETED_TOPIC = "_deleted-topic_"  # what a subscription shows once its topic is gone
DELETED_SCHEMA = "_deleted-schema_"  # what a topic shows once its schema is gone

_PROJECT = re.compile(r"projects/[^/\s]+")
_RESOURCE = re.compile(
    r"projects/[^/\s]+/(?P<collection>topics|subscriptions|snapshots|schemas)/(?!goog)[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}"
)


def check_project(name: str) -> str:
    """`name` if it reads `projects/ID`. Raises InvalidArgument."""
    if not _PROJECT.fullmatch(name):
        raise InvalidArgument(f"Invalid project name: (name={name}), expected projects/ID")
    return name


def check_topic(name: str) -> str:
    """`name` if it is a valid topic name. Raises InvalidArgument."""
    return _check(name, "topics")


def check_subscription(name: str) -> str:
    """`name` if it is a valid subscription name. Raises InvalidArgument."""
    return _check(name, "subscriptions")


def check_snapshot(name: str) -> str:
    """`name` if it is a valid snapshot name. Raises InvalidArgument."""
    return _check(name, "snapshots")


def check_schema(name: str) -> str:
    """`name` if it is a valid schema name, without a revision. Raises InvalidArgument."""
    return _check(name, "schemas")


def split_revision(name: str) -> tuple[str, str]:
    """Schema name and revision of `projects/ID/schemas/NAME@REVISION`; the revision may be missing. Raises InvalidArgument."""
    schema, _, revision = name.partition("@")
    return check_schema(schema), revision


def in_project(name: str, project: str) -> bool:
    """Whether the resource belongs to the project (`projects/ID`)."""
    return name.startswith(project + "/")


def _check(name: str, collection: str) -> str:
    found = _RESOURCE.fullmatch(name)
    if found is None or found["collection"] != collection:
        raise InvalidArgument(
            f"Invalid [{collection}] name: (name={name}), expected projects/ID/{collection}/NAME where NAME has 3 to 255 "
            "characters of [A-Za-z0-9-_.~+%], starts with a letter and not with goog"
        )
    return name
