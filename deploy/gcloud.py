"""The gcloud command: every call is printed before it is made, and in a dry run printed only."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from dataclasses import dataclass

ABSENT = ("not_found", "not found", "404")
"""How gcloud's services say that a thing is not there, in any capitals; anything else is another trouble."""


class GcloudError(Exception):
    """A gcloud command failed; its own message has been shown."""


@dataclass(frozen=True)
class Answer:
    """What gcloud said to a question: `found` is None if it could not tell, and `error` says why."""

    found: bool | None
    output: str = ""
    error: str = ""


@dataclass(frozen=True)
class Gcloud:
    dry_run: bool = False

    @staticmethod
    def installed() -> bool:
        return shutil.which("gcloud") is not None

    def run(self, arguments: list[str]) -> None:
        """Do something. Raises GcloudError if it fails."""
        print(f"+ {line(arguments)}", flush=True)
        if self.dry_run:
            return
        if subprocess.run(["gcloud", *arguments], check=False).returncode:
            raise GcloudError(f"this failed: {line(arguments)}")

    def ask(self, arguments: list[str]) -> Answer:
        """Ask whether something is there. Changes nothing."""
        print(f"? {line(arguments)}", flush=True)
        done = subprocess.run(["gcloud", *arguments], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        error = done.stderr.strip()
        if done.returncode == 0:
            return Answer(True, done.stdout.strip(), error)
        if any(word in error.lower() for word in ABSENT):
            return Answer(False, error=error)
        return Answer(None, error=(error.splitlines() or ["gcloud gave no reason"])[-1])


def line(arguments: list[str]) -> str:
    """The command as a person would type it."""
    return shlex.join(["gcloud", *arguments])
