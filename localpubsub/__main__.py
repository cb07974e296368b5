"""`python -m localpubsub --port 8085 --data DIR`: the server in the foreground, until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from localpubsub.server import Server


def main(arguments: list[str] | None = None) -> int:
    """Serves until told to stop. Returns the exit status: 0 after a signal, 1 if the server cannot listen or its store fails."""
    parser = argparse.ArgumentParser(prog="python -m localpubsub", description="A local Pub/Sub server.")
    parser.add_argument("--port", type=int, default=8085, help="port to listen on, 0 for a free one (default 8085)")
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on (default 127.0.0.1)")
    parser.add_argument("--data", type=Path, help="directory that keeps everything across restarts (default: in memory only)")
    parser.add_argument(
        "--sync", action="store_true", help="wait for the disk at each commit: slower, and a loss of power loses nothing either"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # Blocked in all threads and waited for, a signal can't slip in between a look and a wait.
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        server = Server(options.port, options.host, data=options.data, sync=options.sync)
        address = server.start()
    except (OSError, ValueError) as error:
        print(f"localpubsub: {error}", file=sys.stderr)
        return 1
    failed = threading.Event()
    threading.Thread(target=_tell_when_ended, args=(server, failed), daemon=True).start()
    print(f"export PUBSUB_EMULATOR_HOST={address}", flush=True)
    signal.sigwait(signals)
    status = 1 if failed.is_set() else 0
    server.stop()
    return status


def _tell_when_ended(server: Server, failed: threading.Event) -> None:
    server.wait()
    failed.set()
    os.kill(os.getpid(), signal.SIGTERM)  # nobody waits for it any more if the server was told to end


if __name__ == "__main__":
    sys.exit(main())
