"""Schemas as clients see them: revisions, topics bound to them, and what publishing makes of them.

What a definition or a message may look like is told in test_pubsub_schemas*.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from google.api_core import exceptions
from google.pubsub_v1 import SchemaServiceClient, types
from official_clients import Cloud

AVRO = types.Schema.Type.AVRO
JSON, BINARY = types.Encoding.JSON, types.Encoding.BINARY


def definition(**fields: Any) -> str:
    """A record with these fields; a value that is no type name is a default."""
    listed = [{"name": "id", "type": "string"}]
    listed += [{"name": name, "type": "string", "default": default} for name, default in fields.items()]
    return json.dumps({"type": "record", "name": "Note", "fields": listed})


@pytest.fixture
def client(cloud: Cloud, schemas: Callable[[Cloud], SchemaServiceClient]) -> SchemaServiceClient:
    return schemas(cloud)


def create(client: SchemaServiceClient, text: str = definition(), name: str = "note", type_: Any = AVRO) -> types.Schema:
    schema = types.Schema(type_=type_, definition=text)
    return client.create_schema(request={"parent": "projects/watch-test", "schema": schema, "schema_id": name})


def commit(client: SchemaServiceClient, name: str, text: str) -> types.Schema:
    return client.commit_schema(request={"name": name, "schema": types.Schema(name=name, type_=AVRO, definition=text)})


def bound(cloud: Cloud, schema: str, encoding: Any = JSON, first: str = "", last: str = "") -> str:
    settings = types.SchemaSettings(schema=schema, encoding=encoding, first_revision_id=first, last_revision_id=last)
    return cloud.topic(schema_settings=settings)


def test_schemas_are_created_read_listed_and_deleted(client: SchemaServiceClient) -> None:
    made = create(client)
    assert made.name == "projects/watch-test/schemas/note"
    assert made.definition == definition()
    assert len(made.revision_id) == 8
    assert client.get_schema(name=made.name) == made
    assert client.get_schema(request={"name": made.name, "view": types.SchemaView.BASIC}).definition == ""
    other = create(client, name="other")
    listed = client.list_schemas(request={"parent": "projects/watch-test", "page_size": 1})
    assert [each.name for each in listed] == [made.name, other.name]
    client.delete_schema(name=made.name)
    with pytest.raises(exceptions.NotFound):
        client.get_schema(name=made.name)


def test_revisions_are_committed_rolled_back_and_deleted(client: SchemaServiceClient) -> None:
    first = create(client)
    second = commit(client, first.name, definition(more=""))
    assert client.get_schema(name=first.name) == second
    assert client.get_schema(name=f"{first.name}@{first.revision_id}") == first
    third = client.rollback_schema(request={"name": first.name, "revision_id": first.revision_id})
    assert (third.definition, third.revision_id != first.revision_id) == (first.definition, True)
    assert list(client.list_schema_revisions(name=first.name)) == [first, second, third]
    gone = client.delete_schema_revision(request={"name": f"{first.name}@{second.revision_id}"})
    assert gone == second
    assert [each.revision_id for each in client.list_schema_revisions(name=first.name)] == [first.revision_id, third.revision_id]
    basic = client.list_schema_revisions(request={"name": first.name, "view": types.SchemaView.BASIC, "page_size": 1})
    assert [each.definition for each in basic] == ["", ""]


def test_a_revision_that_does_not_go_together_with_another_is_refused(client: SchemaServiceClient) -> None:
    made = create(client)
    with pytest.raises(exceptions.InvalidArgument, match=f"Incompatible with revision {made.revision_id}"):
        commit(client, made.name, '{"type": "record", "name": "Note", "fields": [{"name": "id", "type": "long"}]}')
    assert list(client.list_schema_revisions(name=made.name)) == [made]


def test_there_are_at_most_twenty_revisions(client: SchemaServiceClient) -> None:
    made = create(client)
    for _ in range(19):
        commit(client, made.name, definition())
    with pytest.raises(exceptions.FailedPrecondition, match="20 revisions"):
        commit(client, made.name, definition())
    client.delete_schema_revision(request={"name": f"{made.name}@{made.revision_id}"})
    commit(client, made.name, definition())


def test_what_is_malformed_or_missing_is_refused(client: SchemaServiceClient) -> None:
    made = create(client)
    revision = f"{made.name}@{made.revision_id}"
    with pytest.raises(exceptions.AlreadyExists):
        create(client)
    with pytest.raises(exceptions.InvalidArgument, match="Could not parse schema definition"):
        create(client, "{}", "bad")
    with pytest.raises(exceptions.InvalidArgument, match="type"):
        create(client, definition(), "bad", types.Schema.Type.TYPE_UNSPECIFIED)
    with pytest.raises(exceptions.MethodNotImplemented, match="protocol buffer schemas"):
        create(client, 'syntax = "proto3";', "proto", types.Schema.Type.PROTOCOL_BUFFER)
    for name in ("1a", "googschema", ""):
        with pytest.raises(exceptions.InvalidArgument):
            create(client, definition(), name)
    with pytest.raises(exceptions.InvalidArgument, match="last revision"):
        client.delete_schema_revision(request={"name": revision})
    with pytest.raises(exceptions.InvalidArgument, match="REVISION"):
        client.delete_schema_revision(request={"name": made.name})
    for call in (client.commit_schema, client.delete_schema):
        with pytest.raises(exceptions.InvalidArgument):
            call(request={"name": revision})
    with pytest.raises(exceptions.NotFound):
        client.get_schema(name=f"{made.name}@deadbeef")
    with pytest.raises(exceptions.NotFound):
        client.rollback_schema(request={"name": made.name, "revision_id": "deadbeef"})
    with pytest.raises(exceptions.InvalidArgument):
        client.rollback_schema(request={"name": made.name})


def test_messages_and_definitions_can_be_tried_without_keeping_anything(client: SchemaServiceClient) -> None:
    made = create(client)
    parent = "projects/watch-test"
    client.validate_schema(request={"parent": parent, "schema": types.Schema(type_=AVRO, definition=definition())})
    with pytest.raises(exceptions.InvalidArgument):
        client.validate_schema(request={"parent": parent, "schema": types.Schema(type_=AVRO, definition="[")})
    good, bad = b'{"id": "a"}', b'{"id": 1}'
    for spec in ({"name": made.name}, {"schema": types.Schema(type_=AVRO, definition=definition())}):
        client.validate_message(request={"parent": parent, "message": good, "encoding": JSON, **spec})
        client.validate_message(request={"parent": parent, "message": b"\x02a", "encoding": BINARY, **spec})
        with pytest.raises(exceptions.InvalidArgument, match="id"):
            client.validate_message(request={"parent": parent, "message": bad, "encoding": JSON, **spec})
        with pytest.raises(exceptions.InvalidArgument, match="encoding"):
            client.validate_message(request={"parent": parent, "message": good, **spec})
    with pytest.raises(exceptions.NotFound):
        client.validate_message(request={"parent": parent, "name": f"{made.name}x", "message": good, "encoding": JSON})


@pytest.mark.parametrize(("encoding", "good"), [(JSON, b'{"id": "a"}'), (BINARY, b"\x02a")])
def test_a_bound_topic_takes_only_valid_messages_and_tells_subscribers_the_schema(
    cloud: Cloud, client: SchemaServiceClient, encoding: types.Encoding, good: bytes
) -> None:
    made = create(client)
    topic = bound(cloud, made.name, encoding)
    subscription = cloud.subscription(topic)
    with pytest.raises(exceptions.InvalidArgument, match=r"failed schema validation. Message 1\b") as refused:
        cloud.publish(topic, good, b"\xff")
    assert refused.value.reason == f"INVALID_{encoding.name}_AVRO_MESSAGE"
    assert made.revision_id in (refused.value.metadata or {})["revisionInfo"]
    cloud.publish(topic, good, kind="report")
    (received,) = cloud.pull(subscription)
    assert received.message.data == good, "the bad one's whole request was refused"
    assert dict(received.message.attributes) == {
        "kind": "report",
        "googclient_schemaname": made.name,
        "googclient_schemarevisionid": made.revision_id,
        "googclient_schemaencoding": encoding.name,
    }
    assert cloud.status()["metrics"]["rejected"] == 2


def test_a_message_may_be_valid_by_any_revision_in_the_topics_range_and_the_newest_is_told(
    cloud: Cloud, client: SchemaServiceClient
) -> None:
    first = create(client)
    second = commit(client, first.name, definition(more=""))
    third = commit(client, first.name, definition(more="", still_more=""))
    old, new, newest = b'{"id": "a"}', b'{"id": "a", "more": "b"}', b'{"id": "a", "more": "b", "still_more": "c"}'

    def told(topic: str, data: bytes) -> str:
        subscription = cloud.subscription(topic)
        cloud.publish(topic, data)
        return cloud.pull(subscription)[0].message.attributes["googclient_schemarevisionid"]

    every = bound(cloud, first.name)
    assert [told(every, data) for data in (old, new, newest)] == [r.revision_id for r in (first, second, third)]
    middle = bound(cloud, first.name, first=second.revision_id, last=second.revision_id)
    assert told(middle, newest) == second.revision_id, "a further field is no fault"
    with pytest.raises(exceptions.InvalidArgument, match=second.revision_id):
        cloud.publish(middle, old)
    client.delete_schema_revision(request={"name": f"{first.name}@{second.revision_id}"})
    with pytest.raises(exceptions.InvalidArgument, match="was deleted"):
        cloud.publish(middle, new)


def test_a_topic_is_bound_to_what_there_is(cloud: Cloud, client: SchemaServiceClient) -> None:
    made = create(client)
    with pytest.raises(exceptions.NotFound):
        bound(cloud, f"{made.name}x")
    with pytest.raises(exceptions.NotFound):
        bound(cloud, made.name, first="deadbeef")
    with pytest.raises(exceptions.InvalidArgument, match="encoding"):
        bound(cloud, made.name, types.Encoding.ENCODING_UNSPECIFIED)
    later = commit(client, made.name, definition(more=""))
    with pytest.raises(exceptions.InvalidArgument, match="later than"):
        bound(cloud, made.name, first=later.revision_id, last=made.revision_id)


def test_a_topic_whose_schema_was_deleted_says_so_and_takes_nothing_until_it_is_given_another(
    cloud: Cloud, client: SchemaServiceClient
) -> None:
    made = create(client)
    topic = bound(cloud, made.name)
    client.delete_schema(name=made.name)
    create(client)
    assert cloud.publisher.get_topic(topic=topic).schema_settings.schema == "_deleted-schema_"
    with pytest.raises(exceptions.NotFound, match="deleted"):
        cloud.publish(topic, b'{"id": "a"}')
    settings = types.SchemaSettings(schema=made.name, encoding=JSON)
    for each, data in ((settings, b'{"id": "a"}'), (None, b"anything")):
        changed = types.Topic(name=topic, schema_settings=each)
        cloud.publisher.update_topic(request={"topic": changed, "update_mask": {"paths": ["schema_settings"]}})
        assert cloud.publish(topic, data)
