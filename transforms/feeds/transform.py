"""PollFeeds: ticks in, entries out.

    (shard, tick time) ──► PollShard, stateful by shard ──► Entry
                                                      └───► Failure

A shard holds all feeds of the hosts that hash to it and polls those that are due at once (see poller.py). On the
DirectRunner one shard is enough: it runs one bundle at a time. On Dataflow a shard is a unit of work.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import apache_beam as beam
from apache_beam.coders import BytesCoder
from apache_beam.io.filesystems import FileSystems
from apache_beam.metrics import Metrics
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec

import schemas.rows  # noqa: F401  Beam encodes records as rows
from schemas.config import ConfigError, Problem
from schemas.entry import Entry
from schemas.failure import Failure
from transforms.checkpoints import Checkpoints
from transforms.feeds.opml import FeedList, read_local
from transforms.feeds.poller import BASE_INTERVAL, LONGEST_INTERVAL, USER_AGENT, Poller, PollOptions, wall_clock
from transforms.feeds.shard import Shard

NAMESPACE = "vedette.feeds"
FAILURES = "failures"
LOCAL_CHECKPOINTS, REMOTE_CHECKPOINTS = 1.0, 30.0  # seconds between two of them: an object store is slow and charges for each
_making = threading.Lock()


@dataclass
class PollFeeds(beam.PTransform):
    """PCollection of ticks `(shard, microseconds since 1970)` in; `.entries` (Entry) and `.failures` (Failure) out.

    A tick polls the feeds of its shard that are due; a tick that is older than the end of the last round is dropped. Give
    a tick every few seconds at most: polls that take longer than `patience` are taken in by the next one.

    feeds_file              OPML, local or on a file system Beam knows (gs://...); it is read again at every tick
    shards                  how many shards the ticks name: 0 .. shards - 1
    base_interval           seconds between two polls of a feed that is well, at the least
    longest_interval        what they grow to while a feed shows little new; 0: they never grow
    deadline                seconds that one feed's request may take
    patience                seconds that a tick waits for the polls it starts
    user_agent              names the program, and where to complain about it
    allow_local_addresses   whether feeds on this machine and on private networks may be polled
    checkpoint_directory    where the state outlives the process, "" for nowhere
    """

    feeds_file: str
    shards: int = 1
    base_interval: float = BASE_INTERVAL
    deadline: float = 20.0
    patience: float = 1.0
    host_gap: float = 1.0
    user_agent: str = USER_AGENT
    allow_local_addresses: bool = False
    checkpoint_directory: str = ""
    longest_interval: float = LONGEST_INTERVAL

    def __post_init__(self) -> None:
        super().__init__()
        for name in ("shards", "base_interval", "deadline", "patience"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be more than 0, not {getattr(self, name)}")
        if not self.user_agent.strip() or not self.user_agent.isprintable():
            raise ValueError("user_agent must name the program")

    @property
    def settings(self) -> _Settings:
        """The same as a value that can be pickled and hashed: what a process holds is held under it."""
        return _Settings(**{name: value for name, value in asdict(self).items() if name != "label"})

    def expand(self, ticks: beam.PCollection) -> Any:
        typed = beam.ParDo(_PollShard(self.settings)).with_output_types(Entry, failures=Failure)
        return ticks | "PollShard" >> typed.with_outputs(FAILURES, main="entries")


@dataclass(frozen=True)
class _Settings:
    feeds_file: str
    shards: int
    base_interval: float
    deadline: float
    patience: float
    host_gap: float
    user_agent: str
    allow_local_addresses: bool
    checkpoint_directory: str
    longest_interval: float


class _PollShard(beam.DoFn):
    """Timeline of the state: read at the start of a tick, written at its end, in one piece; see shard.py."""

    MEMORY = ReadModifyWriteStateSpec("memory", BytesCoder())

    def __init__(self, settings: _Settings) -> None:
        self._settings = settings

    def process(
        self,
        tick: tuple[int | str, int],
        memory: Any = beam.DoFn.StateParam(MEMORY),  # noqa: B008 - how Beam takes it
    ) -> Iterator[Entry | beam.pvalue.TaggedOutput]:
        key, moment = tick
        result = _shard(self._settings, str(key)).tick(moment, memory.read())
        if result.memory is not None:
            memory.write(result.memory)
        for name, count in result.counts.items():
            _counter(name).inc(count)
        for seconds in result.lateness:
            _lateness().update(int(seconds * 1000))
        yield from result.entries
        for failure in result.failures:
            yield beam.pvalue.TaggedOutput(FAILURES, failure)


# The DirectRunner makes a DoFn for every bundle; what a process holds (loop, session, polls under way) is held here.
@cache
def _poller(settings: _Settings) -> tuple[Poller, FeedList]:
    options = PollOptions(
        base_interval=settings.base_interval,
        longest_interval=settings.longest_interval,
        deadline=settings.deadline,
        patience=settings.patience,
        host_gap=settings.host_gap,
        user_agent=settings.user_agent,
        allow_local_addresses=settings.allow_local_addresses,
    )
    poller = Poller(options)
    atexit.register(poller.close)
    return poller, FeedList(settings.feeds_file, _read)


@cache
def _made_shard(settings: _Settings, key: str) -> Shard:
    poller, feed_list = _poller(settings)
    checkpoints = Checkpoints(settings.checkpoint_directory, "feeds")
    return Shard(
        key, settings.shards, feed_list, poller, checkpoints, wall_clock, checkpoint_pause(settings.checkpoint_directory)
    )


def checkpoint_pause(directory: str) -> float:
    """Seconds between two checkpoints in a directory."""
    return REMOTE_CHECKPOINTS if "://" in directory else LOCAL_CHECKPOINTS


def poller_for(settings: _Settings) -> Poller:
    """The process's poller under these settings, made if need be."""
    with _making:
        return _poller(settings)[0]


def _shard(settings: _Settings, key: str) -> Shard:
    with _making:
        return _made_shard(settings, key)


@cache
def _counter(name: str) -> Any:
    return Metrics.counter(NAMESPACE, name)


@cache
def _lateness() -> Any:
    return Metrics.distribution(NAMESPACE, "lateness-ms")


def _read(path: str) -> bytes:
    if "://" not in path:
        return read_local(path)
    try:
        with FileSystems.open(path) as f:
            return f.read()
    except Exception as e:  # file systems of object stores raise errors of their own
        raise ConfigError([Problem(path, 0, "", f"cannot be read: {e}")]) from None


__all__ = ["FAILURES", "NAMESPACE", "Failure", "PollFeeds"]
