"""Schemas and their revisions, and which of them a topic asks of its messages.

A schema is a line of revisions, the latest last; a new one must be readable with every other and the other way round. A
topic names a schema, an encoding and, if it likes, a first and a last revision: a message must be valid by one of those in
between, the newest that fits is told to the subscribers. Source: comments of google/pubsub/v1/schema.proto and the pages
"Schema overview" and "Commit a schema revision". Only Avro: protocol buffer schemas answer UNIMPLEMENTED.
"""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable, Iterable
from typing import Any, Literal

from localpubsub import names, pb
from localpubsub.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, Unimplemented
from localpubsub.names import DELETED_SCHEMA
from localpubsub.schemas import AvroSchema, SchemaError, compatibility, definition
from localpubsub.store import Store
from localpubsub.wire import attributes

Encoding = Literal["JSON", "BINARY"]

MAX_REVISIONS = 20

_ENCODINGS: dict[int, Encoding] = {pb.JSON: "JSON", pb.BINARY: "BINARY"}


class Registry:
    """All schemas by name, kept in the store. `now` gives microseconds since the epoch."""

    def __init__(self, store: Store, now: Callable[[], int]) -> None:
        self._store = store
        self._now = now
        self._schemas: dict[str, dict[int, Any]] = {}  # revisions by their numbers, which rise
        self._last_number = 0
        for number, raw in store.rows("schemas"):
            revision = pb.Schema.FromString(raw)
            self._schemas.setdefault(revision.name, {})[number] = revision
            self._last_number = number
        self._last_number = max(self._last_number, store.counters().get("schema", 0))

    def create(self, parent: str, schema_id: str, asked: Any) -> Any:
        """The first revision of a new schema. Raises InvalidArgument, AlreadyExists or Unimplemented."""
        names.check_project(parent)
        name = names.check_schema(f"{parent}/schemas/{schema_id}")
        parsed(asked)
        if name in self._schemas:
            raise AlreadyExists(f"Schema already exists: {name}")
        return self._append(name, asked.definition)

    def get(self, name: str) -> Any:
        """The latest revision, or the one that `name@revision` asks for. Raises InvalidArgument or NotFound."""
        schema, revision = names.split_revision(name)
        return self._revisions(schema)[self._number(schema, revision)]

    def latest(self, project: str) -> list[Any]:
        """The latest revisions of the project's schemas, by name. Raises InvalidArgument."""
        names.check_project(project)
        return [list(self._schemas[name].values())[-1] for name in sorted(self._schemas) if names.in_project(name, project)]

    def revisions(self, name: str) -> list[Any]:
        """All revisions of a schema, the oldest first. Raises InvalidArgument or NotFound."""
        return list(self._revisions(names.check_schema(name)).values())

    def commit(self, name: str, asked: Any) -> Any:
        """A new revision. Raises InvalidArgument (also if it does not go together with another revision), NotFound,
        FailedPrecondition if there are too many, or Unimplemented."""
        revisions = self._revisions(names.check_schema(name))
        new = parsed(asked)
        for old in revisions.values():
            try:
                compatibility.check(new, _avro(old.definition))
            except SchemaError as error:
                raise InvalidArgument(f"Incompatible with revision {old.revision_id} of the schema: {error}") from None
        return self._append(name, asked.definition)

    def rollback(self, name: str, revision_id: str) -> Any:
        """A new revision with the definition of an earlier one. Raises InvalidArgument, NotFound or FailedPrecondition."""
        names.check_schema(name)
        if not revision_id:
            raise InvalidArgument("revision_id must name the revision to go back to")
        return self._append(name, self.get(f"{name}@{revision_id}").definition)

    def delete_revision(self, name: str) -> Any:
        """The latest revision once `name`, which must be `NAME@REVISION`, is gone. Raises InvalidArgument or NotFound, or
        FailedPrecondition if it is the only one."""
        schema, revision = names.split_revision(name)
        if not revision:
            raise InvalidArgument(f"Name the revision to delete: {name}@REVISION")
        revisions = self._revisions(schema)
        number = self._number(schema, revision)
        if len(revisions) == 1:
            raise FailedPrecondition(f"{name} is the only revision: delete the schema instead")
        del revisions[number]
        self._store.drop("schemas", number)
        return self.get(schema)

    def delete(self, name: str) -> None:
        """All revisions. Raises InvalidArgument or NotFound."""
        for number in self._revisions(names.check_schema(name)):
            self._store.drop("schemas", number)
        del self._schemas[name]

    def validate_message(self, request: Any) -> None:
        """Raises InvalidArgument if the message of a ValidateMessageRequest is not valid, NotFound or Unimplemented."""
        if request.WhichOneof("schema_spec") == "name":
            schema = _avro(self.get(request.name).definition)
        else:
            schema = parsed(request.schema)
        if request.encoding not in _ENCODINGS:
            raise InvalidArgument("No encoding provided: give JSON or BINARY")
        try:
            schema.check(request.message, _ENCODINGS[request.encoding])
        except SchemaError as error:
            raise InvalidArgument(f"Invalid message: {error}") from None

    def check_binding(self, topic: Any) -> None:
        """Raises InvalidArgument or NotFound unless the topic's schema settings name what there is."""
        if not topic.HasField("schema_settings"):
            return
        settings = topic.schema_settings
        if settings.encoding not in _ENCODINGS:
            raise InvalidArgument("Invalid schema encoding provided: give JSON or BINARY")
        for revision in (settings.first_revision_id, settings.last_revision_id):
            self._number(names.check_schema(settings.schema), revision)

    def accept(self, topic: Any, messages: Iterable[Any]) -> list[bytes]:
        """What is to be appended to each message (wire.py), so that subscribers know the schema it is valid by.

        Raises InvalidArgument, naming the message, if one is valid by no revision, or NotFound if the schema is gone.
        """
        if not topic.HasField("schema_settings"):
            return [b""] * len(messages)  # type: ignore[arg-type]
        settings = topic.schema_settings
        if settings.schema == DELETED_SCHEMA:
            raise NotFound("The schema associated with the topic was deleted: give the topic another one, or none")
        allowed = self._allowed(settings)
        encoding = _ENCODINGS[settings.encoding]
        return [_accepted(allowed, message.data, encoding, number) for number, message in enumerate(messages)]

    def _allowed(self, settings: Any) -> list[Any]:
        """The revisions a message may be valid by, the newest first. A bound that was deleted bounds no more."""
        line = list(self._revisions(settings.schema).values())
        ids = [revision.revision_id for revision in line]
        first = ids.index(settings.first_revision_id) if settings.first_revision_id in ids else 0
        last = ids.index(settings.last_revision_id) if settings.last_revision_id in ids else len(ids) - 1
        return line[first : last + 1][::-1]

    def _append(self, name: str, text: str) -> Any:
        revisions = self._schemas.setdefault(name, {})
        if len(revisions) >= MAX_REVISIONS:
            raise FailedPrecondition(f"{name} has {MAX_REVISIONS} revisions, the most there may be: delete one first")
        revision = pb.Schema(name=name, type_=pb.AVRO, definition=text, revision_id=secrets.token_hex(4))
        revision.revision_create_time.FromMicroseconds(self._now())
        self._last_number += 1
        revisions[self._last_number] = revision
        self._store.put("schemas", self._last_number, revision=revision.SerializeToString())
        self._store.count("schema", self._last_number)
        return revision

    def _revisions(self, name: str) -> dict[int, Any]:
        if name not in self._schemas:
            raise NotFound(f"Schema not found: {name}")
        return self._schemas[name]

    def _number(self, name: str, revision_id: str) -> int:
        """The number of a revision, the latest if none is named. Raises NotFound."""
        revisions = self._revisions(name)
        if not revision_id:
            return max(revisions)
        for number, revision in revisions.items():
            if revision.revision_id == revision_id:
                return number
        raise NotFound(f"Schema revision not found: {name}@{revision_id}")


def parsed(asked: Any) -> AvroSchema:
    """The schema that a client sent. Raises InvalidArgument or Unimplemented."""
    if asked.type_ == pb.PROTOCOL_BUFFER:
        raise Unimplemented("This server does not offer protocol buffer schemas: give the schema in Avro")
    if asked.type_ != pb.AVRO:
        raise InvalidArgument("Give the schema's type: AVRO")
    try:
        return _avro(asked.definition)
    except SchemaError as error:
        raise InvalidArgument(f"Could not parse schema definition: {error}") from None


def _accepted(allowed: list[Any], data: bytes, encoding: Encoding, number: int) -> bytes:
    reason = None
    for revision in allowed:
        try:
            _avro(revision.definition).check(data, encoding)
        except SchemaError as error:
            reason = reason or error
        else:
            return _told(revision.name, revision.revision_id, encoding)
    raise InvalidArgument(f"Message {number}: could not parse it by revision {allowed[0].revision_id} of the schema: {reason}")


@functools.lru_cache(maxsize=256)
def _avro(text: str) -> AvroSchema:
    return definition.parse(text)


@functools.lru_cache(maxsize=256)
def _told(name: str, revision_id: str, encoding: str) -> bytes:
    return attributes(
        {
            "googclient_schemaname": name,
            "googclient_schemarevisionid": revision_id,
            "googclient_schemaencoding": encoding,
        }
    )
