"""What every command needs of its command line: a parser, what can be given, and sentences for what cannot.

Nothing here knows Beam: the commands that need none start without it.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import watches

if TYPE_CHECKING:
    from schemas.watch import Parser, Watch

LOCAL_PROJECT = "vedette-local"
PACKAGED = Path(watches.__path__[0])
SPACY_MODEL_HELP = "installed spaCy model whose parse tells more of who does it and to whom (default: none)"
STREAMING = ("collect", "detect", "monitor")
"""The commands that run until they are stopped, and tell what they do all the while."""


class UsageError(Exception):
    """Options that cannot be used, with what to do, in words for the person at the command line."""


def parser_of(command: str, description: str, **more: Any) -> argparse.ArgumentParser:
    """The parser of a command, with the options that all commands have. cli.py has acted on them before."""
    parser = argparse.ArgumentParser(prog=f"vedette {command}", description=description, **more)
    parser.add_argument("--verbose", action="store_true", help="tell on standard error what is loaded and done")
    return parser


def positive(text: str) -> float:
    """A number of seconds above 0. Raises ValueError, which argparse turns into a sentence."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value


def not_negative(text: str) -> float:
    """A number of seconds from 0. Raises ValueError, which argparse turns into a sentence."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError(text)
    return value


def counting(text: str) -> int:
    """A whole number from 1. Raises ValueError, which argparse turns into a sentence."""
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def project_or_local(project: str) -> str:
    """The project given, else GOOGLE_CLOUD_PROJECT, else that of the local endpoint. Raises UsageError if there is none."""
    project = project or os.environ.get("GOOGLE_CLOUD_PROJECT", "")
    if project:
        return project
    if os.environ.get("PUBSUB_EMULATOR_HOST"):
        return LOCAL_PROJECT
    raise UsageError(
        "Which Pub/Sub? Give --project for Google's service, or set PUBSUB_EMULATOR_HOST for a local one "
        f"(`{shlex.quote(sys.executable)} -m localpubsub` starts one and prints the line; `make run` does everything)."
    )


def watch_directory(name: str) -> Path:
    """The folder of a watch: a path, or the name of one that came with the package. Raises UsageError."""
    if not name:
        raise UsageError(f"Which watch? Give --watch FOLDER, or one that came with the package: {_packaged_watches()}")
    path = Path(name)
    if path.is_dir():
        return path
    packaged = PACKAGED / path.name
    if packaged.is_dir():
        return packaged
    raise UsageError(f"--watch {name}: there is no such folder; there are: {_packaged_watches()}")


def parsing(watch: Watch, spacy_model: str) -> Watch:
    """The watch with the parser of a spaCy model, as it is for "". Raises UsageError if there is no such parser."""
    return watch.model_copy(update={"parser": parser_in(spacy_model)}) if spacy_model else watch


def parser_in(spacy_model: str) -> Parser:
    """The parser of a spaCy model. Raises UsageError if there is none."""
    from transforms.signals.syntax import SyntaxModelError, find_parser  # with spaCy, which takes a second to import

    try:
        return find_parser(spacy_model)
    except SyntaxModelError as e:
        raise UsageError(f"--spacy-model {spacy_model}: {e}") from None


def load_model(directory: str) -> str:
    """The directory of a sentence model, "" for the installed one, once it and the reader over it are loaded: the process keeps
    both. Raises UsageError if that cannot be done."""
    from transforms.embedding.model import ModelError, embedder
    from transforms.signals.reader import reader  # with torch, which whoever made a mistake in an option need not wait for

    try:
        embedder(directory)
        reader(directory)
    except ModelError as e:
        raise UsageError(f"--model {directory}: {e}" if directory else str(e)) from None
    return directory


def _packaged_watches() -> str:
    return ", ".join(sorted(path.parent.name for path in PACKAGED.glob("*/watch.yaml")))
