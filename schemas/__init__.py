"""The records that travel between the stages, and the configuration they are judged by."""

from schemas.entry import Entry, content_hash, credible_time
from schemas.failure import Failure, failure
from schemas.records import from_dict, from_json, iso, micros, to_dict, to_json
from schemas.report import Actor, Mention, Report, Signal
from schemas.story import Claim, Factor, Judgement, Story, StoryEntry

__all__ = [
    "Actor",
    "Claim",
    "Entry",
    "Factor",
    "Failure",
    "Judgement",
    "Mention",
    "Report",
    "Signal",
    "Story",
    "StoryEntry",
    "content_hash",
    "credible_time",
    "failure",
    "from_dict",
    "from_json",
    "iso",
    "micros",
    "to_dict",
    "to_json",
]
