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
from dataclasses import dataclass
from typing import Any, Literal

from localpubsub.errors import AlreadyExists, FailedPrecondition, InvalidArgument, InvalidMessage, NotFound, Unimplemented
from localpubsub.protocol import pb
from localpubsub.protocol.wire import attributes
from localpubsub.rules import names
from localpubsub.rules.names import DELETED_SCHEMA
from localpubsub.schemas import AvroSchema, SchemaError, compatibility, definition
from localpubsub.store import Store

Encoding = Literal["JSON", "BINARY"]

MAX_REVISIONS = 20

_ENCODINGS: dict[int, Encoding] = {pb.JSON: "JSON", pb.BINARY: "BINARY"}


@dataclass(frozen=True)
class Revision:
    """One revision: its number in the store, what clients see of it, and what judges messages."""

    number: int
    settings: Any
    avro: AvroSchema


class Registry:
    """All schemas by name, kept in the store. `now` gives microseconds since the epoch."""

    def __init__(self, store: Store, now: Callable[[], int]) -> None:
        self._store = store
        self._now = now
        self._schemas: dict[str, dict[str, Revision]] = {}  # by name, then by revision id, the oldest first
        self._last_number = store.counters().get("schema", 0)
        for number, raw in store.rows("schemas"):
            settings = pb.Schema.FromString(raw)
            revision = Revision(number, settings, definition.parse(settings.definition))
            self._schemas.setdefault(settings.name, {})[settings.revision_id] = revision

    def create(self, parent: str, schema_id: str, asked: Any) -> Any:
        """The first revision of a new schema. Raises InvalidArgument, AlreadyExists or Unimplemented."""
        names.check_project(parent)
        name = names.check_schema(f"{parent}/schemas/{schema_id}")
        avro = parsed(asked)
        if name in self._schemas:
            raise AlreadyExists(f"Schema already exists: {name}")
        return self._append(name, asked.definition, avro)

    def get(self, name: str) -> Any:
        """The latest revision, or the one that `name@revision` asks for. Raises InvalidArgument or NotFound."""
        return self._find(*names.split_revision(name)).settings

    def latest(self, project: str) -> list[Any]:
        """The latest revisions of the project's schemas, by name. Raises InvalidArgument."""
        names.check_project(project)
        return [self._find(name, "").settings for name in sorted(self._schemas) if names.in_project(name, project)]

    def revisions(self, name: str) -> list[Any]:
        """All revisions of a schema, the oldest first. Raises InvalidArgument or NotFound."""
        return [revision.settings for revision in self._revisions(names.check_schema(name)).values()]

    def commit(self, name: str, asked: Any) -> Any:
        """A new revision. Raises InvalidArgument (also if it does not go together with another revision), NotFound,
        FailedPrecondition if there are too many, or Unimplemented."""
        revisions = self._revisions(names.check_schema(name))
        new = parsed(asked)
        for id_, old in revisions.items():
            try:
                compatibility.check(new, old.avro)
            except SchemaError as error:
                raise InvalidArgument(f"Incompatible with revision {id_} of the schema: {error}") from None
        return self._append(name, asked.definition, new)

    def rollback(self, name: str, revision_id: str) -> Any:
        """A new revision with the definition of an earlier one. Raises InvalidArgument, NotFound or FailedPrecondition."""
        names.check_schema(name)
        if not revision_id:
            raise InvalidArgument("revision_id must name the revision to go back to")
        old = self._find(name, revision_id)
        return self._append(name, old.settings.definition, old.avro)

    def delete_revision(self, name: str) -> Any:
        """The revision `NAME@REVISION`, which is gone now. Raises NotFound, or InvalidArgument, also if it is the only one."""
        schema, revision_id = names.split_revision(name)
        if not revision_id:
            raise InvalidArgument(f"Name the revision to delete: {name}@REVISION")
        revision = self._find(schema, revision_id)
        if len(self._schemas[schema]) == 1:
            raise InvalidArgument(f"Cannot delete the last revision {name}: delete the schema instead")
        del self._schemas[schema][revision_id]
        self._store.drop("schemas", revision.number)
        return revision.settings

    def delete(self, name: str) -> None:
        """All revisions. Raises InvalidArgument or NotFound."""
        for revision in self._revisions(names.check_schema(name)).values():
            self._store.drop("schemas", revision.number)
        del self._schemas[name]

    def validate_message(self, request: Any) -> None:
        """Raises InvalidArgument if the message of a ValidateMessageRequest is not valid, NotFound or Unimplemented."""
        if request.WhichOneof("schema_spec") == "name":
            schema = self._find(*names.split_revision(request.name)).avro
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
            self._find(names.check_schema(settings.schema), revision)
        if not self._allowed(settings):
            raise InvalidArgument("first_revision_id is later than last_revision_id: no message would be valid")

    def accept(self, topic: Any, messages: Iterable[Any]) -> list[bytes]:
        """What is to be appended to each message (protocol/wire.py), so that subscribers know the schema it is valid by.

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

    def _allowed(self, settings: Any) -> list[Revision]:
        """The revisions a message may be valid by, the newest first. Raises InvalidArgument if a bound was deleted."""
        line = self._revisions(settings.schema)
        for bound in (settings.first_revision_id, settings.last_revision_id):
            if bound and bound not in line:
                raise InvalidArgument(f"Revision {bound} of the schema, which the topic names, was deleted: update the topic")
        ids = list(line)
        first = ids.index(settings.first_revision_id) if settings.first_revision_id else 0
        last = ids.index(settings.last_revision_id) if settings.last_revision_id else len(ids) - 1
        return list(line.values())[first : last + 1][::-1]

    def _append(self, name: str, text: str, avro: AvroSchema) -> Any:
        revisions = self._schemas.setdefault(name, {})
        if len(revisions) >= MAX_REVISIONS:
            raise FailedPrecondition(f"{name} has {MAX_REVISIONS} revisions, the most there may be: delete one first")
        settings = pb.Schema(name=name, type_=pb.AVRO, definition=text, revision_id=secrets.token_hex(4))
        settings.revision_create_time.FromMicroseconds(self._now())
        self._last_number += 1
        revisions[settings.revision_id] = Revision(self._last_number, settings, avro)
        self._store.put("schemas", self._last_number, revision=settings.SerializeToString())
        self._store.count("schema", self._last_number)
        return settings

    def _revisions(self, name: str) -> dict[str, Revision]:
        if name not in self._schemas:
            raise NotFound(f"Schema not found: {name}")
        return self._schemas[name]

    def _find(self, name: str, revision_id: str) -> Revision:
        """A revision, the latest if none is named. Raises NotFound."""
        revisions = self._revisions(name)
        found = revisions.get(revision_id) if revision_id else list(revisions.values())[-1]
        if found is None:
            raise NotFound(f"Schema revision not found: {name}@{revision_id}")
        return found


def parsed(asked: Any) -> AvroSchema:
    """The schema that a client sent. Raises InvalidArgument or Unimplemented."""
    if asked.type_ == pb.PROTOCOL_BUFFER:
        raise Unimplemented("This server does not offer protocol buffer schemas: give the schema in Avro")
    if asked.type_ != pb.AVRO:
        raise InvalidArgument("Give the schema's type: AVRO")
    try:
        return definition.parse(asked.definition)
    except SchemaError as error:
        raise InvalidArgument(f"Could not parse schema definition: {error}") from None


def _accepted(allowed: list[Revision], data: bytes, encoding: Encoding, number: int) -> bytes:
    reason = None
    for revision in allowed:
        try:
            revision.avro.check(data, encoding)
        except SchemaError as error:
            reason = reason or error
        else:
            return _told(revision.settings.name, revision.settings.revision_id, encoding)
    newest = allowed[0].settings
    raise InvalidMessage(number, encoding, newest.name, newest.revision_id, str(reason))


@functools.lru_cache(maxsize=256)
def _told(name: str, revision_id: str, encoding: str) -> bytes:
    return attributes(
        {
            "googclient_schemaname": name,
            "googclient_schemarevisionid": revision_id,
            "googclient_schemaencoding": encoding,
        }
    )
