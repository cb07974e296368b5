"""The RPCs of google.pubsub.v1.SchemaService."""

from __future__ import annotations

from typing import Any

from localpubsub.broker import Broker
from localpubsub.broker.paging import page_of
from localpubsub.broker.registry import parsed
from localpubsub.protocol import pb
from localpubsub.rpc.answering import Rpcs


class SchemaService:
    """Over one broker."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._registry = broker.registry

    def rpcs(self) -> Rpcs:
        """All of them."""
        registry = self._registry
        return {
            "CreateSchema": (pb.CreateSchemaRequest, lambda r: registry.create(r.parent, r.schema_id, r.schema)),
            "GetSchema": (pb.GetSchemaRequest, lambda r: _viewed(registry.get(r.name), r.view)),
            "ListSchemas": (pb.ListSchemasRequest, self._list_schemas),
            "ListSchemaRevisions": (pb.ListSchemaRevisionsRequest, self._list_schema_revisions),
            "CommitSchema": (pb.CommitSchemaRequest, lambda r: registry.commit(r.name, r.schema)),
            "RollbackSchema": (pb.RollbackSchemaRequest, lambda r: registry.rollback(r.name, r.revision_id)),
            "DeleteSchemaRevision": (pb.DeleteSchemaRevisionRequest, lambda r: registry.delete_revision(r.name)),
            "DeleteSchema": (pb.DeleteSchemaRequest, self._delete_schema),
            "ValidateSchema": (pb.ValidateSchemaRequest, self._validate_schema),
            "ValidateMessage": (pb.ValidateMessageRequest, self._validate_message),
        }

    def _list_schemas(self, request: Any) -> Any:
        latest = self._registry.latest(request.parent)
        found, token = page_of(latest, lambda schema: schema.name, request.page_size, request.page_token)
        return pb.ListSchemasResponse(schemas=[_viewed(each, request.view) for each in found], next_page_token=token)

    def _list_schema_revisions(self, request: Any) -> Any:
        revisions = list(enumerate(self._registry.revisions(request.name)))
        found, token = page_of(revisions, lambda each: f"{each[0]:06}", request.page_size, request.page_token)
        return pb.ListSchemaRevisionsResponse(schemas=[_viewed(each, request.view) for _, each in found], next_page_token=token)

    def _delete_schema(self, request: Any) -> Any:
        self._registry.delete(request.name)
        self._broker.unbind_schema(request.name)
        return pb.Empty()

    def _validate_schema(self, request: Any) -> Any:
        parsed(request.schema)
        return pb.ValidateSchemaResponse()

    def _validate_message(self, request: Any) -> Any:
        self._registry.validate_message(request)
        return pb.ValidateMessageResponse()


def _viewed(schema: Any, view: int) -> Any:
    """The schema as the view asks for it: BASIC leaves the definition out, anything else shows all."""
    if view != pb.BASIC:
        return schema
    basic = pb.Schema()
    basic.CopyFrom(schema)
    basic.ClearField("definition")
    return basic
