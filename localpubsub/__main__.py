"""`python -m localpubsub --port 8085 --data DIR`: the server in the foreground, until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
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
    try:
        server = Server(options.port, options.host, data=options.data, sync=options.sync)
        address = server.start()
    except (OSError, ValueError) as error:
        print(f"localpubsub: {error}", file=sys.stderr)
        return 1
    told: list[int] = []

    def end(number: int, frame: object) -> None:
        told.append(number)
        server.end()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    print(f"export PUBSUB_EMULATOR_HOST={address}", flush=True)
    server.wait()
    return 0 if told else 1


if __name__ == "__main__":
    sys.exit(main())
