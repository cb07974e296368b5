"""What a request can be refused for: one exception for each gRPC status the service answers with."""

from __future__ import annotations


class PubSubError(Exception):
    """A refusal. `status` names the gRPC status code, the message is the sentence the client reads."""

    status = "UNKNOWN"


class InvalidArgument(PubSubError):
    """The request is malformed or breaks a limit, whatever the state of the server."""

    status = "INVALID_ARGUMENT"


class NotFound(PubSubError):
    """The topic or subscription does not exist."""

    status = "NOT_FOUND"


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
