"""A project is made as the file declares it: what is missing is created, what differs is changed where it can be.

    declaration ──► plan: the project is only looked at ──► apply: one step after the other, each said

Nothing is ever deleted, and what the file does not name is left alone. What Pub/Sub cannot change (the filter, the order and
the topic of a subscription) is said, with what to do about it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.api_core import exceptions
from google.protobuf import field_mask_pb2
from google.pubsub_v1 import types

from localpubsub.schemas import SchemaError, compatibility, parse
from pipelines.pubsub import TIMEOUT, LocalOrReal
from pipelines.topics.declaration import NO_SETTINGS, Declaration, SubscriptionSpec, definition_of
from pipelines.topics.resources import (
    differences,
    subscription_message,
    subscription_settings,
    topic_message,
    topic_settings,
)

CREATE, CHANGE, CANNOT = "+", "~", "!"


@dataclass(frozen=True)
class Step:
    """One thing that differs from the declaration. `sign`: CREATE, CHANGE, or CANNOT, which has nothing to `run`."""

    sign: str
    what: str
    detail: str
    run: Callable[[], object] | None = None

    def __str__(self) -> str:
        return f"{self.sign} {self.what}: {self.detail}" if self.detail else f"{self.sign} {self.what}"


@dataclass(frozen=True)
class Target:
    """Which project, where, and for which watches. `file` is what the declaration was read from."""

    pubsub: LocalOrReal
    project: str
    declaration: Declaration
    file: Path
    watches: tuple[str, ...] = ()


def plan(target: Target) -> Iterator[Step]:
    """What there is to do, in an order in which it can be done. Changes nothing."""
    for name in target.declaration.schemas:
        yield from _schema(target, name)
    for name in target.declaration.topics:
        yield from _topic(target, name)
    for topic, name, spec in target.declaration.subscriptions(target.watches):
        yield from _subscription(target, topic, name, spec)


def apply(steps: list[Step], say: Callable[[str], object]) -> int:
    """Take the steps, and say each. How many were done: the others cannot be, or the service refused them."""
    done = 0
    for step in steps:
        try:
            if step.run:
                step.run()
                done += 1
            say(str(step))
        except exceptions.GoogleAPICallError as e:
            say(f"{CANNOT} {step.what}: refused: {e.message}")
    return done


def _schema(target: Target, name: str) -> Iterator[Step]:
    parent = f"projects/{target.project}"
    text = definition_of(target.declaration.schemas[name], target.file)
    schema = types.Schema(name=f"{parent}/schemas/{name}", type_=types.Schema.Type.AVRO, definition=text)
    service, what = target.pubsub.schemas, f"schema {name}"
    found = _found(lambda: service.get_schema(name=schema.name, timeout=TIMEOUT))
    if found is None:
        yield Step(
            CREATE,
            what,
            "",
            lambda: service.create_schema(request={"parent": parent, "schema": schema, "schema_id": name}, timeout=TIMEOUT),
        )
    elif found.type_ != schema.type_:
        yield Step(CANNOT, what, f"it is of type {found.type_.name}, not AVRO, and that cannot be changed: declare another name")
    elif json.loads(found.definition) != json.loads(text):
        wrong = _incompatible(text, found.definition)
        if wrong:
            told = f"the new definition and revision {found.revision_id} do not read each other's messages: {wrong}. "
            yield Step(CANNOT, what, told + "Give fields defaults, or declare a new schema and a new topic for it")
        else:
            request = {"name": schema.name, "schema": schema}
            yield Step(
                CHANGE,
                what,
                f"a revision after {found.revision_id}",
                lambda: service.commit_schema(request=request, timeout=TIMEOUT),
            )


def _incompatible(new: str, old: str) -> str:
    """Why messages of one definition cannot be read by the other, in either direction; "" if they can.

    The service checks it too; Google's emulator (0.8.20) does not.
    """
    try:
        compatibility.check(parse(new), parse(old))
    except SchemaError as e:
        return str(e).rstrip(".")
    return ""


def _topic(target: Target, name: str) -> Iterator[Step]:
    publisher, what = target.pubsub.publisher, f"topic {name}"
    declared = topic_message(target.project, name, target.declaration.topic(name) or NO_SETTINGS)
    found = _found(lambda: publisher.get_topic(topic=declared.name, timeout=TIMEOUT))
    if found is None:
        yield Step(
            CREATE, what, _told(topic_settings(declared)), lambda: publisher.create_topic(request=declared, timeout=TIMEOUT)
        )
        return
    paths, changes, _ = differences(topic_settings, found, declared)
    if paths:
        request = types.UpdateTopicRequest(topic=declared, update_mask=field_mask_pb2.FieldMask(paths=paths))
        yield Step(CHANGE, what, ", ".join(changes), lambda: publisher.update_topic(request=request, timeout=TIMEOUT))


def _subscription(target: Target, topic: str, name: str, spec: SubscriptionSpec) -> Iterator[Step]:
    subscriber, what = target.pubsub.subscriber, f"subscription {name}"
    declared = subscription_message(target.project, f"projects/{target.project}/topics/{topic}", name, spec)
    found = _found(lambda: subscriber.get_subscription(subscription=declared.name, timeout=TIMEOUT))
    if found is None:
        yield Step(
            CREATE,
            what,
            _told(subscription_settings(declared)),
            lambda: subscriber.create_subscription(request=declared, timeout=TIMEOUT),
        )
        return
    if found.detached:
        yield Step(CANNOT, what, "it is detached from its topic for ever: delete it, and apply again")
        return
    paths, changes, fixed = differences(subscription_settings, found, declared)
    if fixed:
        told = f"{', '.join(fixed)}: Pub/Sub cannot change that. Declare another name, or delete it (with its backlog):\n"
        yield Step(CANNOT, what, f"{told}    {_deletion(target, declared.name)}")
    if paths:
        request = types.UpdateSubscriptionRequest(subscription=declared, update_mask=field_mask_pb2.FieldMask(paths=paths))
        yield Step(CHANGE, what, ", ".join(changes), lambda: subscriber.update_subscription(request=request, timeout=TIMEOUT))


def _deletion(target: Target, subscription: str) -> str:
    """The command that deletes it, with what there is: gcloud does not speak to a local server."""
    if target.pubsub.local:
        client = f"pubsub_v1.SubscriberClient().delete_subscription(subscription='{subscription}')"
        return f'python -c "from google.cloud import pubsub_v1; {client}"'
    return f"gcloud pubsub subscriptions delete {subscription.rpartition('/')[2]} --project={target.project}"


def _told(settings: dict[str, tuple[str, str]]) -> str:
    return ", ".join(f"{name} {value}" for name, (_, value) in settings.items() if value not in ("none", "false", "at once"))


def _found(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except exceptions.NotFound:
        return None
