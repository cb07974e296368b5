"""Failure: the dead letter of an input that a stage could not use."""

from __future__ import annotations

from schemas.records import record

MAX_PAYLOAD = 64 * 1024


@record
class Failure:
    """What could not be used, where, and why.

    stage    label of the step that gave up ("PollFeeds", "ReadEntries", ...)
    reason   machine word for the kind of failure ("http-status", "not-a-feed", "unreadable-entry", ...)
    error    one sentence for a person
    subject  what it is about: a feed's URL, an entry's id, "" if unknown
    payload  the input itself as text, cut at 65,536 code points; `truncated` says so
    """

    stage: str
    reason: str
    error: str
    subject: str = ""
    payload: str = ""
    truncated: bool = False


def failure(stage: str, reason: str, error: str, subject: str = "", payload: bytes | str = "") -> Failure:
    """A Failure that can always be written down: what is no UTF-8 is replaced, and the payload cut at MAX_PAYLOAD."""
    if isinstance(payload, bytes):
        payload = payload.decode("utf-8", "replace")
    return Failure(stage, reason, _utf8(error), _utf8(subject), _utf8(payload[:MAX_PAYLOAD]), len(payload) > MAX_PAYLOAD)


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
