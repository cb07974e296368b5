"""The RPCs of google.iam.v1.IAMPolicy: policies are kept with their topic, subscription or snapshot, and not enforced.

The server listens on the loopback interface and knows nobody, so everybody may do everything: TestIamPermissions says so.
"""

from __future__ import annotations

import hashlib
from typing import Any

from google.iam.v1 import iam_policy_pb2, policy_pb2

from localpubsub.broker import Broker, snapshotting
from localpubsub.errors import Aborted, InvalidArgument, Unimplemented
from localpubsub.rpc.answering import Rpcs

_messages: Any = iam_policy_pb2


class IamPolicies:
    """Over one broker."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def rpcs(self) -> Rpcs:
        """All of them."""
        return {
            "GetIamPolicy": (_messages.GetIamPolicyRequest, lambda r: self._policy(self._id(r.resource))),
            "SetIamPolicy": (_messages.SetIamPolicyRequest, self._set),
            "TestIamPermissions": (_messages.TestIamPermissionsRequest, self._test),
        }

    def _set(self, request: Any) -> Any:
        id_ = self._id(request.resource)
        if request.policy.etag and request.policy.etag != self._policy(id_).etag:
            raise Aborted("The policy has changed since it was read: read it again and make the change in that one")
        policy = policy_pb2.Policy(version=request.policy.version, bindings=request.policy.bindings)
        self._broker.store.put("policies", id_, policy=policy.SerializeToString())
        return self._policy(id_)

    def _test(self, request: Any) -> Any:
        self._id(request.resource)
        return _messages.TestIamPermissionsResponse(permissions=request.permissions)

    def _policy(self, id_: int) -> Any:
        """As it was set, or empty; its etag is a hash of it."""
        raw = dict(self._broker.store.rows("policies")).get(id_, b"")
        policy = policy_pb2.Policy.FromString(raw)
        policy.etag = hashlib.sha256(raw).digest()[:8]
        return policy

    def _id(self, resource: str) -> int:
        """Raises InvalidArgument, NotFound, or Unimplemented for schemas."""
        kind = [*resource.split("/"), "", "", ""][2]
        if kind == "topics":
            return self._broker.topic(resource).id
        if kind == "subscriptions":
            return self._broker.subscription(resource).id
        if kind == "snapshots":
            return snapshotting.find(self._broker, resource).id
        if kind == "schemas":
            raise Unimplemented("This local Pub/Sub server keeps no policies of schemas")
        raise InvalidArgument(f"Invalid resource name: (name={resource}), expected a topic, subscription or snapshot")
