"""subscribe: alerts as a subscriber receives them, by Google's official client, each shown once."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import uuid
from collections import OrderedDict
from typing import Any

from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.cloud.pubsub_v1.subscriber.message import Message
from google.pubsub_v1 import types
from rich.console import Console
from rich.text import Text

from pipelines.options import UsageError, project_or_local
from pipelines.pubsub import LocalOrReal
from schemas.records import iso

SEVERITY_STYLE = {"CRITICAL": "bold white on red", "HIGH": "bold red", "MEDIUM": "bold yellow", "LOW": "cyan", "INFO": "dim"}
REMEMBERED = 100_000


class Once:
    """Remembers the last ids it was asked about: delivery is at least once."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._size = size
        self._lock = threading.Lock()

    def first(self, id_: str) -> bool:
        """True the first time an id is given."""
        with self._lock:
            known = id_ in self._seen
            self._seen[id_] = None
            self._seen.move_to_end(id_)
            if len(self._seen) > self._size:
                self._seen.popitem(last=False)
        return not known


def text_of(alert: dict[str, Any]) -> Text:
    """An alert as a person reads it: severity and headline, what is new in whose words, why, and where to read on."""
    when = iso(alert["event_time"])[:16].replace("T", " ")
    text = Text()
    text.append(f" {alert['severity']} ", SEVERITY_STYLE[alert["severity"]])
    text.append(f" {when}  {alert['watch']}  {alert['action'].lower()}  ", "dim")
    text.append(alert["headline"], "bold")
    new = [s for s in alert["signals"] if s["new"]] or alert["signals"][:1]
    for s in new[:6]:
        parties = " → ".join(x for x in (s["source"], s["target"]) if x)
        text.append(f"\n   {s['label']} ", "green" if s["direction"] == "deescalatory" else "red")
        text.append(f"({s['modality']})", "dim")
        text.append(f"  {parties}" if parties else "")
        text.append(f"\n      “{s['evidence']}”")
        text.append(f", according to {s['attributed_to']}" if s["attributed_to"] else "", "dim")
    if len(new) > 6:
        text.append(f"\n   and {len(new) - 6} more", "dim")
    if alert["actors"]:
        text.append("\n   named: ", "dim")
        text.append(", ".join(a["name"] for a in alert["actors"][:8]))
    latest = alert["entries"][-1]
    entries, outlets = _count(alert["entry_count"], "entry", "entries"), _count(alert["outlet_count"], "outlet", "outlets")
    counts = f"{entries}, {alert['origin_count']} independent, {outlets}"
    text.append(f"\n   why: {alert['reason']}  ({counts})", "dim")
    text.append(f"\n   {latest['outlet']}  {latest['url']}", "dim")
    return text


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


class Printer:
    """Prints each alert once, as text for a person or as one line of JSON for a program."""

    def __init__(self, form: str, console: Console | None = None) -> None:
        self.form = form
        self.console = console or Console(highlight=False, soft_wrap=False)
        self.once = Once()
        self.shown = 0

    def __call__(self, data: bytes) -> None:
        """Raises ValueError, KeyError, TypeError, IndexError or AttributeError if the data is no alert."""
        alert = json.loads(data)
        if not self.once.first(alert["alert_id"]):
            return
        self.shown += 1
        if self.form == "json":
            sys.stdout.write(json.dumps(alert, ensure_ascii=False) + "\n")
            sys.stdout.flush()
            return
        self.console.print(text_of(alert))
        self.console.print()


def receive(subscription: str, show: Printer) -> pubsub_v1.subscriber.futures.StreamingPullFuture:
    """Start to receive from a subscription; each message is acknowledged after it was shown."""

    def on_message(message: Message) -> None:
        try:
            show(message.data)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as e:
            print(f"message {message.message_id} is no alert and is left out: {type(e).__name__}: {e}", file=sys.stderr)
        message.ack()

    flow = pubsub_v1.types.FlowControl(max_messages=100)
    scheduler = pubsub_v1.subscriber.scheduler.ThreadScheduler()
    return pubsub_v1.SubscriberClient().subscribe(subscription, on_message, flow_control=flow, scheduler=scheduler)


def run(argv: list[str]) -> int:
    """`vedette subscribe`: the exit status."""
    parser = argparse.ArgumentParser(
        prog="vedette subscribe",
        description="Print alerts from a subscription, each once.",
        epilog="Filters see attributes only: attributes:sev_ge_high, attributes.watch=\"NAME\", attributes:signal_TALKS, "
        "attributes:actor_united_nations, combined with AND, OR, NOT.",
    )  # fmt: skip
    parser.add_argument("--project", default="", help="Google Cloud project (default: that of the local endpoint)")
    parser.add_argument("--topic", default="alerts", help="topic (default: alerts)")
    parser.add_argument(
        "--subscription", default="", help="an existing subscription (default: one for as long as this command runs)"
    )
    parser.add_argument("--filter", default="", help="Pub/Sub filter of the subscription that is made for this command")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    parser.add_argument("--from-beginning", action="store_true", help="first what the topic retains")
    args = parser.parse_args(argv)
    if args.subscription and args.filter:
        raise UsageError("--filter belongs to the subscription that this command makes; an existing one has its own")
    project = project_or_local(args.project)
    pubsub = LocalOrReal()
    topic = f"projects/{project}/topics/{args.topic}"
    name = args.subscription or f"subscribe-{uuid.uuid4().hex[:12]}"
    subscription = f"projects/{project}/subscriptions/{name}"
    try:
        if not args.subscription:
            pubsub.ensure_topics(topic)
            request = types.Subscription(name=subscription, topic=topic, filter=args.filter)
            pubsub.subscriber.create_subscription(request=request, timeout=30)
            if args.from_beginning:
                pubsub.seek(subscription, None)
    except exceptions.InvalidArgument as e:
        raise UsageError(f"--filter {args.filter}: {e.message}") from None

    stop = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    future = receive(subscription, Printer(args.format))
    future.add_done_callback(lambda _: stop.set())
    stop.wait()
    failed = future.exception(timeout=0) if future.done() else None
    future.cancel()
    if not args.subscription and failed is None:
        pubsub.subscriber.delete_subscription(subscription=subscription, timeout=5)
    if failed is not None:
        raise UsageError(f"the subscription ended: {failed}")
    return 0
