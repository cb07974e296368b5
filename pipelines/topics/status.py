"""What is there: topics and subscriptions of a project, as tables, with all that the endpoint tells.

The embedded server tells backlogs and ages by a call of its own (localpubsub/inspection.py). Google's service tells them
only through Cloud Monitoring, which this command does not ask: there it shows how things are set up, and says so. Dead letters
are read through a subscription of a moment, so that nobody's backlog is touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Any

import grpc
from google.api_core import exceptions
from google.pubsub_v1 import types
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from localpubsub import inspection
from pipelines.pubsub import TIMEOUT, LocalOrReal
from pipelines.topics.resources import subscription_settings, topic_settings
from transforms.publishing.client import endpoint

MOST_READ = 1_000
"""Dead letters that are read for their counts."""
MONITORING = (
    "Google's service tells backlogs only to Cloud Monitoring, which this command does not ask. There: "
    "subscription/num_undelivered_messages, oldest_unacked_message_age, dead_letter_message_count."
)


def status(pubsub: LocalOrReal, project: str, dead_letters: str) -> Group:
    """The tables for a project. `dead_letters`: the topic whose messages are counted by stage and reason."""
    held = _held(pubsub)
    mine = f"projects/{project}/"
    if held is None:
        topics = list(pubsub.publisher.list_topics(project=f"projects/{project}", timeout=TIMEOUT))
        found = list(pubsub.subscriber.list_subscriptions(project=f"projects/{project}", timeout=TIMEOUT))
        tables: list[RenderableType] = [declared_topics(topics), declared_subscriptions(found), f"[dim]{MONITORING}[/]"]
        there = any(topic.name == f"{mine}topics/{dead_letters}" for topic in topics)
    else:
        topics_held = [t for t in held["topics"] if t["name"].startswith(mine)]
        tables = [held_topics(topics_held), held_subscriptions(s for s in held["subscriptions"] if s["name"].startswith(mine))]
        counts = ", ".join(f"{number:,} {name.replace('_', '-')}" for name, number in held["metrics"].items())
        tables.append(f"[dim]since the server started: {counts}[/]")
        there = any(topic["name"] == f"{mine}topics/{dead_letters}" for topic in topics_held)
    if there:
        tables.append(dead_letter_counts(pubsub, f"{mine}topics/{dead_letters}"))
    else:
        tables.append(f"[dim]no dead letters: there is no topic {escape(dead_letters)}[/]")
    return Group(*(part for table in tables for part in (table, "")))


def held_topics(topics: Iterable[dict[str, Any]]) -> Table:
    """Topics of the embedded server."""
    table = _table("topic", "schema", numbers=("messages", "bytes"))
    for t in topics:
        table.add_row(_short(t["name"]), _short(t["schema"]) or "-", f"{t['messages']:,}", _bytes(t["bytes"]))
    return table


def held_subscriptions(subscriptions: Iterable[dict[str, Any]]) -> Table:
    """Subscriptions of the embedded server, with their backlogs, under their topics."""
    table = _table("subscription", numbers=("backlog", "oldest", "leased", "delivered", "acked", "dead"))
    last = ""
    for s in sorted(subscriptions, key=lambda s: (s["topic"], s["name"])):
        if s["topic"] != last:
            table.add_row(f"[dim]{_short(s['topic'])}[/]")
            last = s["topic"]
        counts = (s[name] for name in ("leased", "delivered", "acknowledged", "dead_lettered"))
        numbers = (f"{s['backlog']:,}", age(s["oldest_unacked_seconds"]), *(f"{count:,}" for count in counts))
        table.add_row(f"  {_short(s['name'])}", *numbers, style="yellow" if s["backlog"] > s["leased"] else "")
        if s["filter"]:
            table.add_row(Padding(f"[dim]{escape(s['filter'])}[/]", (0, 0, 0, 4)))
    return table


def declared_topics(topics: Iterable[types.Topic]) -> Table:
    """Topics as any Pub/Sub tells them."""
    table = _table("topic", "retention", "schema")
    for topic in sorted(topics, key=lambda t: t.name):
        settings = topic_settings(topic)
        table.add_row(_short(topic.name), settings["retention"][1], settings["schema"][1])
    return table


def declared_subscriptions(subscriptions: Iterable[types.Subscription]) -> Table:
    """Subscriptions as any Pub/Sub tells them."""
    table = _table("subscription", "topic", "filter", "settings")
    for subscription in sorted(subscriptions, key=lambda s: s.name):
        settings = {name: value for name, (_, value) in subscription_settings(subscription).items()}
        topic, filter_ = settings.pop("topic"), settings.pop("filter")
        rest = ", ".join(f"{name} {value}" for name, value in settings.items() if value not in ("none", "false"))
        table.add_row(_short(subscription.name), topic, escape(filter_), rest)
    return table


def dead_letter_counts(pubsub: LocalOrReal, topic: str) -> RenderableType:
    """How many messages the topic of dead letters retains, by stage and reason."""
    try:
        messages = islice(pubsub.retained(topic), MOST_READ)
        counts = Counter((m.attributes.get("stage", "?"), m.attributes.get("reason", "?")) for m in messages)
    except exceptions.PermissionDenied as e:
        return f"[dim]dead letters cannot be read: {escape(e.message)}[/]"
    if not counts:
        return f"[dim]no dead letters: {_short(topic)} retains none[/]"
    table = _table("dead letters of", "reason", numbers=("messages",))
    for (stage, reason), number in sorted(counts.items()):
        table.add_row(escape(stage), escape(reason), f"{number:,}")
    if counts.total() == MOST_READ:
        table.caption = f"the first {MOST_READ:,} that are retained"
    return table


def age(seconds: float | None) -> str:
    """How old something is, as a person says it: "3 s", "12 min", "5 h", "2 d"; "-" for nothing."""
    if seconds is None:
        return "-"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _held(pubsub: LocalOrReal) -> dict[str, Any] | None:
    """What the embedded server holds; None if the endpoint is another."""
    if not pubsub.local:
        return None
    try:
        return inspection.status(endpoint())
    except grpc.RpcError as e:
        if e.code() == grpc.StatusCode.UNIMPLEMENTED:
            return None
        raise


def _table(*names: str, numbers: tuple[str, ...] = ()) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _short(name: str) -> str:
    return name.rpartition("/")[2]


def _bytes(number: int) -> str:
    return f"{number / 1e6:,.1f} MB" if number >= 1e6 else f"{number / 1e3:,.1f} kB"
