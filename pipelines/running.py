"""Running a pipeline from the command line: which engine, for how long, and a clean stop."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions, StandardOptions
from apache_beam.runners.runner import PipelineState

from pipelines.options import LOCAL_RUNNER, is_local
from pipelines.standing import tell_when_stopped
from pipelines.usage import UsageError

logger = logging.getLogger(__name__)
GRACE = 1.0
"""Seconds that the local runner gets for the bundle in hand. It may be waiting for messages for longer than a person
waits for Ctrl-C; whatever it leaves undone, a restart does (see schemas and checkpoints: any moment may be the last)."""


def pin_runner(options: PipelineOptions, streaming: bool = True) -> None:
    """Make the choice of engine explicit, and say it in the log. Raises UsageError for one that cannot do it."""
    standard = options.view_as(StandardOptions)
    if streaming and standard.runner == "FnApiRunner":
        raise UsageError("FnApiRunner is a batch runner and cannot stream from Pub/Sub: leave --runner out")
    standard.streaming = streaming  # before the graph is built: Dataflow's native Pub/Sub sink depends on it
    options.view_as(SetupOptions).save_main_session = False
    if is_local(options):
        standard.runner = LOCAL_RUNNER
        logger.info("engine: %s (Beam %s), in this process, one bundle at a time", LOCAL_RUNNER, beam.__version__)
    else:
        logger.info("engine: %s (Beam %s)", standard.runner, beam.__version__)


def run_until_stopped(run: Callable[[], beam.runners.runner.PipelineResult], local: bool) -> int:
    """Run a streaming pipeline until it ends or is asked to stop; the exit status.

    SIGINT and SIGTERM stop a local pipeline; a job on a service goes on without its launcher. If VEDETTE_PARENT is set,
    the end of standard input stops it as well: a parent that was killed leaves nothing behind.
    """
    stop = threading.Event()
    tell_when_stopped(stop.set, (signal.SIGINT, signal.SIGTERM))
    if os.environ.get("VEDETTE_PARENT"):
        threading.Thread(target=_watch_parent, args=(stop,), daemon=True).start()

    failed: list[BaseException] = []
    result = run()
    if not local:
        logger.info("submitted; the job goes on without this process")
        return 0

    def wait() -> None:
        try:
            result.wait_until_finish()
        except BaseException as e:
            failed.append(e)
        stop.set()

    threading.Thread(target=wait, name="pipeline", daemon=True).start()
    stop.wait()
    if failed:
        logger.error("the pipeline failed", exc_info=failed[0])
        return 1
    if result.state != PipelineState.DONE:
        logger.info("stopping")
        canceller = threading.Thread(target=_cancel, args=(result,), daemon=True)
        canceller.start()
        canceller.join(GRACE)
    return 0


def leave(status: int) -> None:
    """End the process now: the runner's threads may be waiting for messages, and need not be waited for."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _cancel(result: beam.runners.runner.PipelineResult) -> None:
    try:
        result.cancel()
    except Exception as e:  # it is ending anyway
        logger.debug("while cancelling: %s", e)


def _watch_parent(stop: threading.Event) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    stop.set()
