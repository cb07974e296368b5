"""The two Pub/Sub servers that measurements speak to: ours, and Google's emulator where it is installed (it needs Java)."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
START_SECONDS = 60.0

_IN_SDK = Path("platform/pubsub-emulator/bin/cloud-pubsub-emulator")
_USUAL_SDKS = ("/usr/lib/google-cloud-sdk", "/usr/share/google-cloud-sdk", "/opt/google-cloud-sdk", "~/google-cloud-sdk")


def find_emulator(path: str = "") -> Path | None:
    """Google's emulator: `path` if given, else beside `gcloud` or where the SDK usually is. None if there is none."""
    if path:
        return Path(path) if Path(path).is_file() else sys.exit(f"no emulator at {path}")
    gcloud = shutil.which("gcloud")
    sdks = [Path(gcloud).resolve().parent.parent] if gcloud else []
    sdks += [Path(each).expanduser() for each in _USUAL_SDKS]
    return next((sdk / _IN_SDK for sdk in sdks if (sdk / _IN_SDK).is_file() and shutil.which("java")), None)


@dataclass(frozen=True)
class Running:
    """A server that takes connections. `session` is the session that all of its processes belong to."""

    address: str
    session: int

    def peak_memory(self) -> int:
        """Bytes that its processes held at most, each at its own time (VmHWM; 0 where there is no /proc)."""
        return sum(_peak(process) for process in Path("/proc").glob("[0-9]*") if _session(process) == self.session)


@contextlib.contextmanager
def google_emulator(program: Path) -> Iterator[Running]:
    """Google's emulator on a free port."""
    port = free_port()
    with _running([str(program), "--host=127.0.0.1", f"--port={port}"], port) as server:
        yield server


@contextlib.contextmanager
def our_server(*arguments: str) -> Iterator[Running]:
    """`python -m localpubsub` on a free port, with further arguments."""
    port = free_port()
    with _running([sys.executable, "-m", "localpubsub", "--port", str(port), *arguments], port) as server:
        yield server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_open(process: subprocess.Popen[bytes], port: int) -> None:
    """Returns when the port takes connections; ends the program if the process ended before."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            sys.exit(f"the server on port {port} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    sys.exit(f"nothing listens on port {port} after {START_SECONDS:g} s")


@contextlib.contextmanager
def _running(command: list[str], port: int) -> Iterator[Running]:
    # In a session of its own: the emulator is a shell script around Java, and both have to end.
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_until_open(process, port)
        yield Running(f"127.0.0.1:{port}", process.pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)


def _session(process: Path) -> int:
    with contextlib.suppress(OSError, IndexError):
        return int((process / "stat").read_text().rpartition(")")[2].split()[3])
    return 0


def _peak(process: Path) -> int:
    with contextlib.suppress(OSError):
        for line in (process / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
