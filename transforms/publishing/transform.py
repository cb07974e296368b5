"""PublishEntries, PublishAlerts, PublishFailures: records to Pub/Sub by the official client.

Not `WriteToPubSub`: it passes attributes as keyword arguments that collide with the client's own, counts limits in
characters, makes a client for every bundle on the DirectRunner, and loses what the service refuses.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

import schemas.rows  # noqa: F401  Beam encodes records as rows
from schemas.alert import Alert
from schemas.entry import Entry
from schemas.failure import Failure, failure
from transforms.publishing.client import PublishError, Unavailable, endpoint, publish_all, sent_ids
from transforms.publishing.limits import Message
from transforms.publishing.messages import alert_message, entry_line, failure_message, line_messages

logger = logging.getLogger(__name__)

FAILURES = "failures"
MAX_BUFFER = 500


@dataclass
class PublishEntries(beam.PTransform):
    """PCollection[Entry] -> PCollection[Failure]: what the topic `entries` did not take. One message carries many entries."""

    topic: str

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, entries: beam.PCollection[Entry]) -> beam.PCollection[Failure]:
        return entries | "SendEntries" >> beam.ParDo(
            Send(self.topic, "PublishEntries", entry_line, line_messages)
        ).with_output_types(Failure)


@dataclass
class PublishAlerts(beam.PTransform):
    """PCollection[Alert] -> PCollection[Failure]: what the topic `alerts` did not take.

    An alert whose id the topic is known to hold is not sent again: `known` are the ids that the launcher read from the
    topic's retained messages, and each process remembers what it sent itself. Everything else is at least once, under
    the same id.
    """

    topic: str
    known: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, alerts: beam.PCollection[Alert]) -> beam.PCollection[Failure]:
        return alerts | "SendAlerts" >> beam.ParDo(_SendOnce(self.topic, self.known)).with_output_types(Failure)


@dataclass
class PublishFailures(beam.PTransform):
    """PCollection[Failure] -> nothing: dead letters. One that cannot be published is logged in full: the last resort."""

    topic: str

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, failures: beam.PCollection[Failure]) -> beam.PCollection[Failure]:
        return failures | "SendFailures" >> beam.ParDo(
            Send(self.topic, "PublishFailures", failure_message, last_resort=True)
        ).with_output_types(Failure)


class Send(beam.DoFn):
    """Publishes the records of a bundle before the bundle is committed: each is acknowledged by the service, a dead letter,
    or the reason why the bundle fails and is tried again.

    encode  a record as a Message, or as a piece of one. ValueError and OverflowError make a dead letter of the record
    pack    the pieces as Messages; Messages as they are, if it is left out
    """

    def __init__(
        self,
        topic: str,
        stage: str,
        encode: Callable[[Any], Any],
        pack: Callable[[Iterable[Any]], Iterable[Message]] = list,
        last_resort: bool = False,
    ) -> None:
        self.topic = topic
        self.stage = stage
        self.encode = encode
        self.pack = pack
        self.last_resort = last_resort

    def start_bundle(self) -> None:
        self.buffer: list[Any] = []

    def process(self, record: Any) -> Iterator[Failure]:
        try:
            self.buffer.append(self.encode(record))
        except (ValueError, OverflowError) as e:
            subject = str(getattr(record, "alert_id", "") or getattr(record, "id", ""))
            yield from self._refused(failure(self.stage, "not-written", f"{type(e).__name__}: {e}", subject, repr(record)))
        if len(self.buffer) >= MAX_BUFFER:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for dead in self._flush():
            yield WindowedValue(dead, GlobalWindow().max_timestamp(), [GlobalWindow()])

    def sent(self, message: Message) -> None:
        """Called for each message that the service has taken."""

    def _flush(self) -> Iterator[Failure]:
        buffer, self.buffer = self.buffer, []
        for message, error in self._publish(list(self.pack(buffer))):
            if error is None:
                Metrics.counter("publishing", f"{self.stage}_messages").inc()
                self.sent(message)
            else:
                dead = failure(self.stage, "not-published", str(error), message.subject, message.data)
                yield from self._refused(dead)

    def _refused(self, dead: Failure) -> Iterator[Failure]:
        Metrics.counter("publishing", f"{self.stage}_refused").inc()
        if self.last_resort:
            logger.error("dead letter lost to its topic: %s", dead)
        else:
            logger.warning("%s: %s was not published: %s", self.stage, dead.subject, dead.error)
            yield dead

    def _publish(self, messages: list[Message]) -> Iterator[tuple[Message, PublishError | None]]:
        done = 0
        try:
            for outcome in publish_all(self.topic, messages):
                done += 1
                yield outcome
        except Unavailable as e:
            if not self.last_resort:
                raise  # the runner tries the bundle again; a process that gives up starts again from its checkpoint
            yield from ((message, PublishError(str(e))) for message in messages[done:])


class _SendOnce(Send):
    """Alerts, each id once: the ids in hand, those sent by this process, and those that the topic is known to hold."""

    def __init__(self, topic: str, known: frozenset[str]) -> None:
        super().__init__(topic, "PublishAlerts", alert_message)
        self.known = known

    def start_bundle(self) -> None:
        super().start_bundle()
        self.in_hand: set[str] = set()

    def process(self, record: Alert) -> Iterator[Failure]:
        id_ = record.alert_id
        if id_ in self.known or id_ in self.in_hand or id_ in sent_ids(endpoint(), self.topic):
            Metrics.counter("publishing", "PublishAlerts_known").inc()
            return
        self.in_hand.add(id_)
        yield from super().process(record)

    def sent(self, message: Message) -> None:
        sent_ids(endpoint(), self.topic).add(message.attributes["alert_id"])
