"""The embedded server: a Broker and its RPCs on an event loop of a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import logging
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType

import grpc
import grpc.aio

from localpubsub.broker import Broker
from localpubsub.rpc.core import PULL_WAIT, Core
from localpubsub.rpc.handlers import handlers
from localpubsub.rpc.pushing import Pushing
from localpubsub.store import Store

_log = logging.getLogger(__name__)

# A Publish above 10 MB is refused with INVALID_ARGUMENT by the service; gRPC's own limit would answer differently.
_RECEIVE_BYTES = 32 * 1024 * 1024
_OPTIONS = (
    ("grpc.so_reuseport", 0),  # else a second server silently shares the port
    ("grpc.max_receive_message_length", _RECEIVE_BYTES),
    ("grpc.max_send_message_length", -1),
    # Publisher clients ping an idle channel every 30 s, which gRPC takes for abuse unless told otherwise.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


FAILED_GRACE = 0.5  # seconds that calls have to hear that the store has failed


def _worth_logging(record: logging.LogRecord) -> bool:
    """gRPC logs a traceback when a client goes away, or refuses a large message, while an answer is being written."""
    return "ExecuteBatchError raised in core" not in record.getMessage()


class PortTaken(OSError):
    """Something already listens on the port."""


class Server:
    """An in-process Pub/Sub service on the loopback interface, without authentication.

    `port` 0 takes a free one. `data` is the directory that keeps what was published, acknowledged and set up; without it
    everything is in memory and gone when the server stops. `fresh` empties it first, `sync` waits for the disk at each
    commit (store/sqlite.py).
    `clock` gives seconds since the epoch (time.time); it stamps messages and ends leases. `pull_wait` is how long a Pull
    waits for a first message, in seconds. `retained_bytes` caps what a topic retains for seeking, `backlog_bytes` what a
    subscription may owe before publishing to its topic is refused.

        with localpubsub.Server() as server:
            os.environ["PUBSUB_EMULATOR_HOST"] = server.address

    Raises ValueError if `host` is not a loopback address or `port` no port.
    """

    def __init__(
        self,
        port: int = 0,
        host: str = "127.0.0.1",
        clock: Callable[[], float] = time.time,
        *,
        data: Path | None = None,
        fresh: bool = False,
        sync: bool = False,
        pull_wait: float = PULL_WAIT,
        retained_bytes: int | None = None,
        backlog_bytes: int | None = None,
    ) -> None:
        if not 0 <= port <= 65535:
            raise ValueError(f"port must be between 0 and 65535, not {port}")
        self._ip = _loopback(host)
        self._port = port
        self._open_store = functools.partial(Store, data, sync, fresh)
        self._make_broker = functools.partial(Broker, clock, retained_bytes, backlog_bytes)
        self._pull_wait = pull_wait
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._grace: asyncio.Future[float] | None = None
        self.address = ""

    def start(self) -> str:
        """Listens and returns the address, "127.0.0.1:PORT", for PUBSUB_EMULATOR_HOST.

        Raises PortTaken if something listens there, StoreError if the store can't be used (another server has it, say), or
        another OSError if the port may not be bound.
        """
        if self._thread is not None:
            raise RuntimeError("the server was already started")
        _check_free(self._ip, self._port)
        started: Future[str] = Future()
        self._thread = threading.Thread(target=self._run, args=(started,), name="localpubsub", daemon=True)
        self._thread.start()
        self.address = started.result()
        return self.address

    def end(self, grace: float = 1.0) -> None:
        """Begins to stop, and returns at once."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has already ended
                self._loop.call_soon_threadsafe(self._end, grace)

    def wait(self) -> None:
        """Returns once nothing runs any more. A server ends by itself only if its store fails, after saying so in the log."""
        if self._thread is not None:
            self._thread.join()

    def stop(self, grace: float = 1.0) -> None:
        """Ends waiting pulls and all streams, and returns once nothing runs any more.

        Calls in flight have `grace` seconds to end. Stopping twice, or before the start, does nothing.
        """
        self.end(grace)
        self.wait()

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _run(self, started: Future[str]) -> None:
        try:
            with contextlib.closing(self._open_store()) as store:
                asyncio.run(self._serve(started, store))
        except BaseException as error:
            if not started.done():
                started.set_exception(error)
            else:
                _log.exception("the Pub/Sub server ended")

    def _end(self, grace: float) -> None:
        if self._grace is not None and not self._grace.done():
            self._grace.set_result(grace)

    async def _serve(self, started: Future[str], store: Store) -> None:
        logging.getLogger("grpc._cython.cygrpc").addFilter(_worth_logging)
        self._loop = asyncio.get_running_loop()
        self._grace = self._loop.create_future()
        server = grpc.aio.server(options=_OPTIONS)
        core = Core(self._make_broker(store=store), self._pull_wait, on_failure=lambda: self._end(FAILED_GRACE))
        server.add_generic_rpc_handlers(tuple(handlers(core)))
        try:
            port = server.add_insecure_port(_address(self._ip, self._port))
        except RuntimeError as error:  # between the check and now
            raise _taken(self._ip, self._port) from error
        pushing = Pushing(core)
        core.followed = pushing.follow
        core.start()
        pushing.start()
        await server.start()
        started.set_result(_address(self._ip, port))
        grace = await self._grace
        core.close()
        await pushing.stop()
        await server.stop(grace)
        # Calls that the grace has cancelled are about to end; were the loop closed now, gRPC would log each as a fault.
        ending = asyncio.all_tasks() - {asyncio.current_task()}
        if ending:
            await asyncio.wait(ending, timeout=0.5)


def _loopback(host: str) -> str:
    """The loopback address meant by `host`. Raises ValueError for anything that other machines could reach."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(
            f"host {host!r} is not a loopback address: this server has no authentication, so it binds 127.0.0.1 only"
        )
    return host


def _address(ip: str, port: int) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def _check_free(ip: str, port: int) -> None:
    """Raises PortTaken or OSError: gRPC only says that it failed to bind."""
    with socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ip, port))
        except PermissionError as error:
            raise PermissionError(error.errno, f"not allowed to listen on {_address(ip, port)}") from error
        except OSError as error:
            raise _taken(ip, port) from error


def _taken(ip: str, port: int) -> PortTaken:
    return PortTaken(f"port {port} of {ip} is taken: stop what listens there, or choose another port, 0 for a free one")
