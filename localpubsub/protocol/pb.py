"""The messages of the API as plain protobuf classes.

The client library wraps them in proto-plus, which costs a Python object for each field that is touched; a server that
copies thousands of messages a second can do without.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from google.pubsub_v1 import types

# The classes are made at run time from descriptors, so a type checker cannot see them.
AcknowledgeRequest: Any = types.AcknowledgeRequest.pb()
CommitSchemaRequest: Any = types.CommitSchemaRequest.pb()
CreateSchemaRequest: Any = types.CreateSchemaRequest.pb()
CreateSnapshotRequest: Any = types.CreateSnapshotRequest.pb()
DeleteSchemaRequest: Any = types.DeleteSchemaRequest.pb()
DeleteSchemaRevisionRequest: Any = types.DeleteSchemaRevisionRequest.pb()
DeleteSnapshotRequest: Any = types.DeleteSnapshotRequest.pb()
DeleteSubscriptionRequest: Any = types.DeleteSubscriptionRequest.pb()
DeleteTopicRequest: Any = types.DeleteTopicRequest.pb()
DetachSubscriptionRequest: Any = types.DetachSubscriptionRequest.pb()
DetachSubscriptionResponse: Any = types.DetachSubscriptionResponse.pb()
GetSchemaRequest: Any = types.GetSchemaRequest.pb()
GetSnapshotRequest: Any = types.GetSnapshotRequest.pb()
GetSubscriptionRequest: Any = types.GetSubscriptionRequest.pb()
GetTopicRequest: Any = types.GetTopicRequest.pb()
ListSchemaRevisionsRequest: Any = types.ListSchemaRevisionsRequest.pb()
ListSchemaRevisionsResponse: Any = types.ListSchemaRevisionsResponse.pb()
ListSchemasRequest: Any = types.ListSchemasRequest.pb()
ListSchemasResponse: Any = types.ListSchemasResponse.pb()
ListSnapshotsRequest: Any = types.ListSnapshotsRequest.pb()
ListSnapshotsResponse: Any = types.ListSnapshotsResponse.pb()
ListSubscriptionsRequest: Any = types.ListSubscriptionsRequest.pb()
ListSubscriptionsResponse: Any = types.ListSubscriptionsResponse.pb()
ListTopicsRequest: Any = types.ListTopicsRequest.pb()
ListTopicsResponse: Any = types.ListTopicsResponse.pb()
ListTopicSnapshotsRequest: Any = types.ListTopicSnapshotsRequest.pb()
ListTopicSnapshotsResponse: Any = types.ListTopicSnapshotsResponse.pb()
ListTopicSubscriptionsRequest: Any = types.ListTopicSubscriptionsRequest.pb()
ListTopicSubscriptionsResponse: Any = types.ListTopicSubscriptionsResponse.pb()
ModifyAckDeadlineRequest: Any = types.ModifyAckDeadlineRequest.pb()
ModifyPushConfigRequest: Any = types.ModifyPushConfigRequest.pb()
PublishRequest: Any = types.PublishRequest.pb()
PublishResponse: Any = types.PublishResponse.pb()
PubsubMessage: Any = types.PubsubMessage.pb()
PullRequest: Any = types.PullRequest.pb()
PullResponse: Any = types.PullResponse.pb()
RollbackSchemaRequest: Any = types.RollbackSchemaRequest.pb()
Schema: Any = types.Schema.pb()
SchemaSettings: Any = types.SchemaSettings.pb()
SeekRequest: Any = types.SeekRequest.pb()
SeekResponse: Any = types.SeekResponse.pb()
Snapshot: Any = types.Snapshot.pb()
StreamingPullRequest: Any = types.StreamingPullRequest.pb()
StreamingPullResponse: Any = types.StreamingPullResponse.pb()
Subscription: Any = types.Subscription.pb()
Topic: Any = types.Topic.pb()
UpdateSnapshotRequest: Any = types.UpdateSnapshotRequest.pb()
UpdateSubscriptionRequest: Any = types.UpdateSubscriptionRequest.pb()
UpdateTopicRequest: Any = types.UpdateTopicRequest.pb()
ValidateMessageRequest: Any = types.ValidateMessageRequest.pb()
ValidateMessageResponse: Any = types.ValidateMessageResponse.pb()
ValidateSchemaRequest: Any = types.ValidateSchemaRequest.pb()
ValidateSchemaResponse: Any = types.ValidateSchemaResponse.pb()
ReceivedMessage: Any = types.ReceivedMessage.pb()
AVRO = int(types.Schema.Type.AVRO)
PROTOCOL_BUFFER = int(types.Schema.Type.PROTOCOL_BUFFER)
BASIC = int(types.SchemaView.BASIC)
JSON = int(types.Encoding.JSON)
BINARY = int(types.Encoding.BINARY)

__all__ = ["Duration", "Empty", "FieldMask", "Timestamp"]


def timestamp_micros(timestamp: Timestamp) -> int:
    """Microseconds since the epoch, the rest of the nanoseconds cut off."""
    return timestamp.seconds * 1_000_000 + timestamp.nanos // 1_000


def duration_micros(duration: Duration) -> int:
    """Microseconds, the rest of the nanoseconds cut off."""
    return duration.seconds * 1_000_000 + duration.nanos // 1_000
