"""subscribe: alerts as a subscriber receives them, by Google's official client, each shown once.

    subscription ──► receive ──► Printer: known? ──► print, flush ──► remember ──► acknowledge

An alert is acknowledged after it has been printed, so none is lost; one that comes again is acknowledged and not printed.
The only one that can be printed twice is the one in hand when the process is killed between printing and remembering.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import queue
import re
import sys
import uuid
from collections.abc import Callable
from concurrent import futures
from datetime import UTC, datetime, timedelta
from pathlib import Path

from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.cloud.pubsub_v1.subscriber.message import Message
from google.pubsub_v1 import types
from rich.console import Console

from pipelines.alert_text import print_alert
from pipelines.once import Once, OnceFile
from pipelines.pubsub import FORGOTTEN, LONGEST_RETENTION, LocalOrReal, subscriber
from pipelines.standing import tell_when_away, tell_when_stopped, tell_when_unread
from pipelines.topics.declaration import packaged_declaration
from pipelines.topics.durations import seconds
from pipelines.usage import UsageError, counting, parser_of, project_or_local
from schemas.records import EPOCH, MICROSECOND, micros
from transforms.publishing.client import endpoint

NO_ALERT = (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError)
SEEN = Path(".vedette/subscribe")
"""Where the ids that were shown of a lasting subscription are remembered."""
CLOSING = 5.0
"""Seconds for the last acknowledgements, and for deleting the subscription."""
ENDED, UNREAD, STOP = "ended", "unread", "stop"
Events = queue.SimpleQueue[str]
"""Why receiving ends: the subscription did, nobody reads the output, a signal or the last alert wanted; or a sentence."""


class _Screen(Console):
    """A console that leaves a broken pipe to its caller."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Printer:
    """Prints each alert once, as text for a person or as one line of JSON for a program.

    form     "text" or "json"
    once     what was printed before
    most     alerts to print, 0 for no end
    """

    def __init__(self, form: str, console: Console | None = None, once: Once | None = None, most: int = 0) -> None:
        self.form = form
        self.console = console or _Screen(highlight=False)
        self.once = once or Once()
        self.most = most
        self.shown = 0

    @property
    def full(self) -> bool:
        """Whether as many were printed as are wanted."""
        return bool(self.most) and self.shown >= self.most

    def __call__(self, data: bytes) -> None:
        """Raises one of NO_ALERT if the data is no alert, and OSError if it cannot be printed."""
        alert = json.loads(data)
        id_ = alert["alert_id"]
        if id_ in self.once:
            return
        if self.form == "json":
            unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
            line = json.dumps(alert, ensure_ascii=not unicode)
            sys.stdout.write(line.encode("utf-8", "backslashreplace").decode() + "\n")
            sys.stdout.flush()
        else:
            print_alert(self.console, alert)
        self.once.add(id_)
        self.shown += 1


def receive(
    subscription: str,
    show: Printer,
    stop: Callable[[str], object] = lambda why: None,
    client: pubsub_v1.SubscriberClient | None = None,
) -> pubsub_v1.subscriber.futures.StreamingPullFuture:
    """Start to receive from a subscription; each message is acknowledged after it was shown.

    Google's client comes back by itself when the service was away. `stop` is told when the printer is full (STOP), nobody
    reads what it prints (UNREAD) or it cannot be written (a sentence); what comes after that is left for the next subscriber.
    """

    def on_message(message: Message) -> None:
        if show.full:
            message.nack()
            return
        try:
            show(message.data)
        except OSError as e:
            message.nack()
            stop(UNREAD if isinstance(e, BrokenPipeError) else f"alerts cannot be written: {e}")
            return
        except NO_ALERT as e:
            print(f"message {message.message_id} is no alert and is left out: {type(e).__name__}: {e}", file=sys.stderr)
            if message.delivery_attempt:  # the subscription has a topic for what cannot be taken
                message.nack()
                return
        message.ack()
        if show.full:
            stop(STOP)

    flow = pubsub_v1.types.FlowControl(max_messages=100)
    in_turn = pubsub_v1.subscriber.scheduler.ThreadScheduler(futures.ThreadPoolExecutor(1, "alerts"))
    return (client or subscriber()).subscribe(subscription, on_message, flow_control=flow, scheduler=in_turn)


class Temporary:
    """A subscription for as long as the command runs, moved back to `since` as far as the topic retains messages."""

    def __init__(self, pubsub: LocalOrReal, topic: str, filter_: str, since: datetime | None) -> None:
        self.pubsub = pubsub
        self.topic = topic
        self.filter = filter_
        self.since = since
        self.name = f"{topic.split('/topics/')[0]}/subscriptions/subscribe-{uuid.uuid4().hex[:12]}"

    def check_topic(self) -> None:
        """Raises UsageError if nothing would ever come: the topic is not there, and no pipeline makes one of that name."""
        if not self.pubsub.has_topic(self.topic) and not packaged_declaration().topic(_short(self.topic)):
            raise UsageError(f"there is no topic {self.topic}: `vedette topics status` tells which there are")

    def create(self) -> None:
        """Make it; if it was lost, again, with all since it was first made. Raises UsageError for the filter."""
        self.pubsub.ensure_topics(self.topic)
        request = types.Subscription(
            name=self.name, topic=self.topic, filter=self.filter, ack_deadline_seconds=60, expiration_policy=FORGOTTEN
        )
        made = datetime.now(UTC)
        try:
            self.pubsub.subscriber.create_subscription(request=request, timeout=30)
        except exceptions.InvalidArgument as e:
            raise UsageError(f"--filter {self.filter}: {e.message}; one that is right: attributes:sev_ge_high") from None
        if self.since:
            self.pubsub.subscriber.seek(request=types.SeekRequest(subscription=self.name, time=self.since), timeout=30)
        self.since = self.since or made

    def delete(self) -> None:
        try:
            with contextlib.suppress(exceptions.NotFound):
                self.pubsub.subscriber.delete_subscription(subscription=self.name, timeout=CLOSING, retry=None)
        except exceptions.GoogleAPIError as e:
            print(f"{self.name} could not be deleted ({e}); it expires after a day", file=sys.stderr)


def since(text: str, now: datetime | None = None) -> datetime:
    """A time as ISO 8601 (UTC where no zone is given), or how long ago ("2h"). Raises ArgumentTypeError for anything else."""
    now = now or datetime.now(UTC)
    with contextlib.suppress(ValueError, OverflowError):
        return now - timedelta(seconds=seconds(text))
    try:
        moment = EPOCH + micros(text) * MICROSECOND
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 2021-11-10T17:40, or 2h for two hours ago") from None
    if moment > now:
        raise argparse.ArgumentTypeError(f"{text} is in the future")
    return moment


def run(argv: list[str]) -> int:
    """`vedette subscribe`: the exit status, 0 also when it was stopped."""
    args = _arguments(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without a letter for it must not lose the alert
    project = project_or_local(args.project)
    pubsub = LocalOrReal()
    temporary = None
    if args.subscription:
        name = _full(args.subscription, project, "subscriptions")
    else:
        start = datetime.now(UTC) - LONGEST_RETENTION if args.from_beginning else args.since
        temporary = Temporary(pubsub, _full(args.topic, project, "topics"), args.filter, start)
        name = temporary.name
    show = Printer(args.format, once=_memory(args, name), most=args.max)

    events: Events = queue.SimpleQueue()
    tell_when_stopped(lambda: events.put(STOP))
    tell_when_unread(sys.stdout, lambda: events.put(UNREAD))
    tell_when_away(lambda told: print(told, file=sys.stderr, flush=True))
    try:
        if temporary:
            temporary.check_topic()
            temporary.create()
        if sys.stderr.isatty():  # alerts are rare: a person should not take the silence for a fault
            print(f"listening to {temporary.topic if temporary else name}, Ctrl-C ends it", file=sys.stderr, flush=True)
        why = _receive_until_stopped(pubsub, name, show, events, temporary)
    finally:
        if temporary:
            temporary.delete()
        show.once.close()
    if why == UNREAD:  # what Python would still flush at its end has nowhere to go
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    elif why != STOP:
        raise UsageError(why)
    return 0


def _receive_until_stopped(pubsub: LocalOrReal, name: str, show: Printer, events: Events, temporary: Temporary | None) -> str:
    """Why it ended: STOP, UNREAD or a sentence. Raises UsageError if the subscription ended."""
    while True:
        future = receive(name, show, events.put, pubsub.subscriber)
        future.add_done_callback(lambda _: events.put(ENDED))
        why = events.get()
        if why != ENDED:
            future.cancel()
            with contextlib.suppress(futures.TimeoutError, exceptions.GoogleAPIError):
                future.result(timeout=CLOSING)  # the last acknowledgements are on their way
            return why
        failed = future.exception(timeout=0)
        if temporary is None or not isinstance(failed, exceptions.NotFound):
            raise UsageError(f"the subscription {name} ended: {failed}")
        print(f"the subscription is gone, it is made again ({failed})", file=sys.stderr, flush=True)
        temporary.create()


def _full(name: str, project: str, kind: str) -> str:
    full = name if "/" in name else f"projects/{project}/{kind}/{name}"
    if not re.fullmatch(rf"projects/[^/\s]+/{kind}/[^/\s]+", full):
        raise UsageError(f"{name} is no name of one of the {kind}: give NAME or projects/P/{kind}/NAME")
    return full


def _short(name: str) -> str:
    return name.rpartition("/")[2]


def _memory(args: argparse.Namespace, name: str) -> Once:
    if not args.seen and not args.subscription:
        return Once()
    _, project, _, short = name.split("/")
    path = args.seen or SEEN / f"{project}.{short}"
    try:
        return OnceFile(path)
    except BlockingIOError:
        raise UsageError(f"{path} is in use: another subscriber remembers there what it has shown. Give --seen FILE") from None
    except OSError as e:
        raise UsageError(f"--seen {path}: {e}") from None


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = parser_of(
        "subscribe",
        "Print alerts from a subscription, each once. Ctrl-C ends it.",
        epilog="Filters see attributes only: attributes:sev_ge_high, attributes.watch=\"NAME\", attributes:signal_TALKS, "
        "attributes:actor_united_nations, combined with AND, OR, NOT. docs/pubsub.md lists them.",
    )  # fmt: skip
    parser.add_argument("--project", default="", help="Google Cloud project (default: that of the local endpoint)")
    parser.add_argument("--topic", default="alerts", help="topic (default: alerts)")
    parser.add_argument(
        "--subscription", default="", help="an existing subscription (default: one for as long as this command runs)"
    )
    parser.add_argument("--filter", default="", help="Pub/Sub filter of the subscription that is made for this command")
    parser.add_argument("--format", choices=("text", "json"), default="text",
                        help="text for a person, or JSON lines: one alert, one line (default: text)")  # fmt: skip
    back = parser.add_mutually_exclusive_group()
    back.add_argument("--since", type=since, help="first what was published since a time (2021-11-10T17:40) or a while ago (2h)")
    back.add_argument("--from-beginning", action="store_true", help="first what the topic retains")
    parser.add_argument("--max", type=counting, default=0, metavar="N", help="end after so many alerts (default: go on)")
    parser.add_argument("--once", dest="max", action="store_const", const=1, help="end after one alert")
    parser.add_argument("--seen", type=Path, metavar="FILE", help="remember in a file which alerts were shown (default: "
                        f"in memory; with --subscription {SEEN}/PROJECT.NAME)")  # fmt: skip
    args = parser.parse_args(argv)
    if args.subscription and args.filter:
        raise UsageError("--filter belongs to the subscription that this command makes; an existing one has its own")
    if args.subscription and (args.since or args.from_beginning):
        raise UsageError(
            "--since and --from-beginning belong to the subscription that this command makes. Leave --subscription out, or move "
            f"the existing one, for all who read it:\n  {_seeking(args)}"
        )
    return args


def _seeking(args: argparse.Namespace) -> str:
    """The command that moves a subscription, with what there is: gcloud does not speak to a local server."""
    project = project_or_local(args.project)
    name, moment = _full(args.subscription, project, "subscriptions"), args.since or datetime.now(UTC) - LONGEST_RETENTION
    if endpoint():
        request = f"{{'subscription': '{name}', 'time': datetime.fromisoformat('{moment.isoformat(timespec='seconds')}')}}"
        imports = "from datetime import datetime; from google.cloud import pubsub_v1"
        return f'python -c "{imports}; pubsub_v1.SubscriberClient().seek(request={request})"'
    time = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"gcloud pubsub subscriptions seek {_short(name)} --project={name.split('/')[1]} --time={time}"
