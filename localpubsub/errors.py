"""What a request can be refused for: one exception for each gRPC status the service answers with. And a server's start."""

from __future__ import annotations

from collections.abc import Mapping

MAX_TOLD = 60  # stale ack ids told in one answer: a client takes 8 KB of metadata
MAX_SENTENCE = 1000  # characters, for the same reason


class PubSubError(Exception):
    """A refusal. `status` names the gRPC status code, the message is the sentence the client reads, `reason` and `metadata`
    are for programs: the ErrorInfo that comes with it, if `reason` is not empty."""

    status = "UNKNOWN"
    reason = ""
    metadata: Mapping[str, str] = {}


class InvalidArgument(PubSubError):
    """The request is malformed or breaks a limit, whatever the state of the server."""

    status = "INVALID_ARGUMENT"


class StaleAckIds(InvalidArgument):
    """Under exactly-once delivery: the leases of these ack ids have ended. The other ids of the request took effect.

    Source of the reason: page "Exactly-once delivery", section on failures.
    """

    reason = "EXACTLY_ONCE_ACKID_FAILURE"

    def __init__(self, ack_ids: list[str]) -> None:
        super().__init__("Some acknowledgement ids in the request were invalid: their leases have ended")
        self.metadata = dict.fromkeys(ack_ids[:MAX_TOLD], "PERMANENT_FAILURE_INVALID_ACK_ID")


class InvalidMessage(InvalidArgument):
    """A message is not valid by the schema of its topic: `encoding` is JSON or BINARY, `schema` its name, `revision` the
    latest revision tried, and `problem` what that one says. The reason is the service's."""

    def __init__(self, number: int, encoding: str, schema: str, revision: str, problem: str) -> None:
        super().__init__(
            f"Invalid data in message: Message failed schema validation. Message {number}, by revision {revision}: {problem}"
        )
        self.reason = f"INVALID_{encoding}_AVRO_MESSAGE"
        self.metadata = {
            "message": "Message failed schema validation",
            "revisionInfo": f"Could not validate message with any schema revision for schema: {schema}, last checked revision: "
            f"revision_id={revision} failed with status: {problem}"[:MAX_SENTENCE],
        }


class NotFound(PubSubError):
    """The topic, subscription, snapshot or schema does not exist."""

    status = "NOT_FOUND"


class FailedPrecondition(PubSubError):
    """The request is well-formed, but what it names is not in a state for it."""

    status = "FAILED_PRECONDITION"


class Aborted(PubSubError):
    """Somebody else was quicker: the client reads again and tries again."""

    status = "ABORTED"


class OutOfRange(PubSubError):
    """A number lies outside of what it may be, where the service answers so instead of INVALID_ARGUMENT."""

    status = "OUT_OF_RANGE"


class AlreadyExists(PubSubError):
    """The name is taken."""

    status = "ALREADY_EXISTS"


class ResourceExhausted(PubSubError):
    """The server holds as much as it may."""

    status = "RESOURCE_EXHAUSTED"


class Unavailable(PubSubError):
    """The server is about to end; clients try again."""

    status = "UNAVAILABLE"


class Unimplemented(PubSubError):
    """The service has it, this server does not."""

    status = "UNIMPLEMENTED"


class StoreError(OSError):
    """The store can't be opened: another server has it, it is of another version, or it is no store."""
