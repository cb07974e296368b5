"""Serve a recording until Ctrl-C: `python -m pipelines.recording DIRECTORY --port 8800`."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from pipelines.recording import Recording, RecordingError, serve


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; 2 if the recording is wrong or the port is taken."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.recording", description="Serve a recorded crisis as live feeds.")
    parser.add_argument("directory", type=Path, help="the recording: outlets.yaml and files of entries")
    parser.add_argument("--port", type=int, default=8800, help="of 127.0.0.1, 0 for a free one (default: %(default)s)")
    parser.add_argument("--pace", choices=("even", "proportional"), default="even", help="(default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=8.0, help="from the first poll to the last entry (default: %(default)s)")
    parser.add_argument("--opml", type=Path, help="also write the list of feeds to this file")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")

    stopping = threading.Event()
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, lambda *_: stopping.set())
    try:
        with serve(Recording.load(options.directory), options.port, options.pace, options.minutes) as server:
            if options.opml:
                server.write_opml(options.opml)
            print(server.opml_url, flush=True)
            stopping.wait()
    except RecordingError as e:
        print(e, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
