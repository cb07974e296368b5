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

from schemas.alert import Alert
from schemas.entry import Entry
from schemas.failure import Failure, failure
from transforms.publishing.client import PublishError, Unavailable, endpoint, publish_all, sent_ids
from transforms.publishing.messages import Message, alert_message, entry_messages, failure_message

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
        return entries | "SendEntries" >> beam.ParDo(Send(self.topic, "PublishEntries", entry_messages)).with_output_types(
            Failure
        )


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
            Send(self.topic, "PublishFailures", lambda records: map(failure_message, records), last_resort=True)
        ).with_output_types(Failure)


class Send(beam.DoFn):
    """Buffers the records of a bundle and publishes them before the bundle is committed."""

    def __init__(
        self, topic: str, stage: str, messages: Callable[[Iterable[Any]], Iterable[Message]], last_resort: bool = False
    ) -> None:
        self.topic = topic
        self.stage = stage
        self.messages = messages
        self.last_resort = last_resort

    def start_bundle(self) -> None:
        self.buffer: list[Any] = []

    def process(self, record: Any) -> Iterator[Failure]:
        self.buffer.append(record)
        if len(self.buffer) >= MAX_BUFFER:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for dead in self._flush():
            yield WindowedValue(dead, GlobalWindow().max_timestamp(), [GlobalWindow()])

    def _flush(self) -> Iterator[Failure]:
        buffer, self.buffer = self.buffer, []
        if not buffer:
            return
        for message, error in self._publish(list(self.messages(buffer))):
            if error is None:
                Metrics.counter("publishing", f"{self.stage}_messages").inc()
                continue
            Metrics.counter("publishing", f"{self.stage}_refused").inc()
            dead = failure(self.stage, "not-published", str(error), message.subject, message.data)
            if self.last_resort:
                logger.error("dead letter lost to its topic: %s", dead)
            else:
                logger.warning("%s: %s was not published: %s", self.stage, message.subject, error)
                yield dead

    def _publish(self, messages: list[Message]) -> list[tuple[Message, PublishError | None]]:
        try:
            return publish_all(self.topic, messages)
        except Unavailable as e:
            if not self.last_resort:
                raise  # the runner tries the bundle again; a process that gives up starts again from its checkpoint
            return [(message, PublishError(str(e))) for message in messages]


class _SendOnce(Send):
    def __init__(self, topic: str, known: frozenset[str]) -> None:
        super().__init__(topic, "PublishAlerts", lambda alerts: map(alert_message, alerts))
        self.known = known

    def process(self, record: Alert) -> Iterator[Failure]:
        if record.alert_id in self.known or record.alert_id in sent_ids(endpoint(), self.topic):
            Metrics.counter("publishing", "PublishAlerts_known").inc()
            return
        yield from super().process(record)

    def _flush(self) -> Iterator[Failure]:
        ids = [a.alert_id for a in self.buffer]
        refused = list(super()._flush())
        lost = {dead.subject.removeprefix("alert ") for dead in refused}
        sent_ids(endpoint(), self.topic).add(*(i for i in ids if i not in lost))
        yield from refused
