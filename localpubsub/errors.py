"""What a request can be refused for: one exception for each gRPC status the service answers with. And a server's start."""

from __future__ import annotations


class PubSubError(Exception):
    """A refusal. `status` names the gRPC status code, the message is the sentence the client reads."""

    status = "UNKNOWN"


class InvalidArgument(PubSubError):
    """The request is malformed or breaks a limit, whatever the state of the server."""

    status = "INVALID_ARGUMENT"


class StaleAckIds(InvalidArgument):
    """Under exactly-once delivery: the leases of these ack ids have ended. The other ids of the request took effect."""

    def __init__(self, ack_ids: list[str]) -> None:
        super().__init__("Some acknowledgement ids in the request were invalid: their leases have ended")
        self.ack_ids = ack_ids


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
