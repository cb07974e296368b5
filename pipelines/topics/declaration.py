"""What topics.yaml may say: topics, subscriptions and schemas, checked as a whole before anything is touched.

The bounds are those of google/pubsub/v1/pubsub.proto and of the page "Pub/Sub quotas and limits". Everything that the file
does not say has Pub/Sub's own default, with one exception: a subscription never expires unless the file says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from localpubsub.errors import InvalidArgument
from localpubsub.rules.filters import parse_filter
from localpubsub.schemas import SchemaError, parse
from pipelines.topics.durations import UNITS, Seconds, between, seconds
from schemas.config import ConfigError, Problem, Settings, line_of, read_yaml

DEFAULT_FILE = Path(__file__).with_name("topics.yaml")
PACKAGES = Path(__file__).resolve().parents[2]
"""The folder that holds the packages: the root of the project, or site-packages."""
WATCH = "{watch}"
DAY = UNITS["d"]
NEVER = 0
"""Of an expiration."""
Place = tuple[str, ...]
"""Where in the file: the keys from the top."""


def _name(value: str) -> str:
    """A name as the page "Pub/Sub resource names" has it."""
    plain = value.replace(WATCH, "watch")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}", plain) or plain.startswith("goog"):
        raise ValueError(
            f"{value!r} is no name for Pub/Sub: 3 to 255 letters, digits or -_.~+%, a letter first, and not goog at the beginning"
        )
    return value


def _filter(value: str) -> str:
    try:
        parse_filter(value)
    except InvalidArgument as e:
        raise ValueError(str(e)) from None
    return value


def _expiration(value: Any) -> int:
    length = NEVER if value == "never" else seconds(value)
    if length != NEVER and length < DAY:
        raise ValueError(f"{value} is less than the least, 1d: or write never")
    return length


Name = Annotated[str, AfterValidator(_name)]
Filter = Annotated[str, AfterValidator(_filter)]


class SchemaSpec(Settings):
    """An Avro schema; `definition` is its file, beside topics.yaml or in the package."""

    definition: str


class Binding(Settings):
    """The schema that a topic holds its messages to."""

    name: Name
    encoding: Literal["JSON", "BINARY"]


class DeadLetterSpec(Settings):
    """Where a message goes that was not acknowledged in so many deliveries."""

    topic: Name
    attempts: Annotated[int, Field(ge=5, le=100)] = 5


class RetrySpec(Settings):
    """How long to wait before a message that was not acknowledged is delivered again; it grows from the least to the most."""

    least: Annotated[Seconds, between(0, 600)] = 10
    most: Annotated[Seconds, between(0, 600)] = 600


class SubscriptionSpec(Settings):
    """A subscription. `filter`, `ordering` and the topic cannot be changed later, the rest can."""

    filter: Filter = ""
    ack_deadline: Annotated[Seconds, between(10, 600)] = 10
    retention: Annotated[Seconds, between(600, 31 * DAY)] = 7 * DAY
    retain_acknowledged: bool = False
    expiration: Annotated[int, BeforeValidator(_expiration)] = NEVER
    dead_letter: DeadLetterSpec | None = None
    retry: RetrySpec | None = None
    ordering: bool = False
    exactly_once: bool = False


class TopicSpec(Settings):
    """A topic. `retention`: how far back a subscription can be moved; none if it is left out."""

    retention: Annotated[Seconds, between(600, 31 * DAY)] | None = None
    binding: Annotated[Binding | None, Field(alias="schema")] = None
    subscriptions: Annotated[dict[Name, SubscriptionSpec | None], Field(default_factory=dict)]


NO_SETTINGS = TopicSpec.model_validate({})


class Declaration(Settings):
    """The whole file."""

    schemas: Annotated[dict[Name, SchemaSpec], Field(default_factory=dict)]
    topics: dict[Name, TopicSpec | None]

    def topic(self, name: str) -> TopicSpec | None:
        """The topic of that name; None if the file does not declare it."""
        return (self.topics[name] or NO_SETTINGS) if name in self.topics else None

    def subscriptions(self, watches: Iterable[str] = ()) -> Iterator[tuple[str, str, SubscriptionSpec]]:
        """(topic, name, subscription) of all subscriptions, those with {watch} once for each watch."""
        watches = list(watches)
        for topic, settings in self.topics.items():
            for name, found in (settings or NO_SETTINGS).subscriptions.items():
                spec = found or SubscriptionSpec()
                for watch in watches if WATCH in name else [WATCH]:
                    filled = spec.model_copy(update={"filter": spec.filter.replace(WATCH, watch)})
                    yield topic, name.replace(WATCH, watch), filled

    def subscription(self, name: str) -> tuple[SubscriptionSpec, str] | None:
        """(subscription, watch) of the one with that name, or whose {watch} stands for a part of it; "" for no watch."""
        for _, declared, spec in self.subscriptions([WATCH]):
            found = re.fullmatch(re.escape(declared).replace(re.escape(WATCH), "(.+)"), name)
            if found:
                watch = "".join(found.groups())
                return spec.model_copy(update={"filter": spec.filter.replace(WATCH, watch)}), watch
        return None


def read_declaration(path: Path = DEFAULT_FILE) -> Declaration:
    """The file. Raises ConfigError that names file, line and field for all that is wrong with it."""
    declaration = read_yaml(path, Declaration)
    problems = [Problem(str(path), line_of(path, loc), ".".join(loc), told) for loc, told in _mistakes(declaration, path)]
    if problems:
        raise ConfigError(problems)
    return declaration


@cache
def packaged_declaration() -> Declaration:
    """The file that comes with the package."""
    return read_declaration()


def definition_of(spec: SchemaSpec, path: Path) -> str:
    """The text of a schema's definition. Raises FileNotFoundError."""
    for folder in (path.resolve().parent, PACKAGES):
        if (folder / spec.definition).is_file():
            return (folder / spec.definition).read_text(encoding="utf-8")
    raise FileNotFoundError(spec.definition)


def _mistakes(declaration: Declaration, path: Path) -> Iterator[tuple[Place, str]]:
    """(field, sentence) for what is wrong between the parts of the file."""
    for name, schema in declaration.schemas.items():
        yield from _wrong_schema(("schemas", name, "definition"), schema, path)
    for name in declaration.topics:
        if WATCH in name:
            yield ("topics", name), f"only a subscription can have {WATCH} in its name: all watches share the topics"
        binding = (declaration.topic(name) or NO_SETTINGS).binding
        if binding and binding.name not in declaration.schemas:
            yield ("topics", name, "schema", "name"), f"schemas declares no {binding.name}"
    heard = {topic for topic, _, _ in declaration.subscriptions([WATCH])}
    seen: dict[str, str] = {}
    for topic, name, spec in declaration.subscriptions([WATCH]):
        field = ("topics", topic, "subscriptions", name)
        if name in seen:
            yield field, f"topic {seen[name]} has a subscription of that name: names are unique in a project"
        seen[name] = topic
        yield from _wrong_subscription(field, name, spec)
        yield from _lost(field, spec, declaration, heard)


def _wrong_schema(field: Place, schema: SchemaSpec, path: Path) -> Iterator[tuple[Place, str]]:
    try:
        parse(definition_of(schema, path))
    except FileNotFoundError:
        yield field, f"there is no file {schema.definition}, beside this file or in the package"
    except SchemaError as e:
        yield field, f"{schema.definition}: {e}"


def _wrong_subscription(field: Place, name: str, spec: SubscriptionSpec) -> Iterator[tuple[Place, str]]:
    if WATCH in spec.filter and WATCH not in name:
        yield (*field, "filter"), f"{WATCH} in a filter needs {WATCH} in the name of the subscription"
    if spec.retry and spec.retry.least > spec.retry.most:
        yield (*field, "retry"), "least is more than most"


def _lost(field: Place, spec: SubscriptionSpec, declaration: Declaration, heard: set[str]) -> Iterator[tuple[Place, str]]:
    dead = spec.dead_letter
    if dead and dead.topic not in declaration.topics:
        yield (*field, "dead_letter", "topic"), f"topics declares no {dead.topic}"
    elif dead and dead.topic not in heard:
        yield (*field, "dead_letter", "topic"), f"{dead.topic} has no subscription: what goes there would be lost"
