"""The process that reads documents, one after the other: `serve()` is its whole program (see parsers.py).

A document arrives on standard input and its reading leaves on standard output, each part preceded by its length. The
process ends when its input does, and its memory is bounded, so a document can cost no more than this process.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import struct
import sys
from collections.abc import Callable
from typing import BinaryIO

from transforms.feeds.document import Document, to_bytes
from transforms.feeds.recent import RecentReader

MEMORY = 1 << 29
LENGTH = struct.Struct(">I")


def serve(read: Callable[[bytes, str, str], Document] | None = None) -> None:
    """Answer documents until the input ends. `read` is given the body, its content type and its URL."""
    read = read or RecentReader().read
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing that a library prints may reach the answers
    while (head := _part(requests)) is not None and (body := _part(requests)) is not None:
        about = json.loads(head)
        try:
            document = read(body, about["content_type"], about["url"])
        except MemoryError:
            document = Document("unreadable", "reading the document takes too much memory")
        except Exception as e:
            document = Document("unreadable", f"the document cannot be read: {type(e).__name__}: {e}"[:500])
        answer = to_bytes(document)
        answers.write(LENGTH.pack(len(answer)) + answer)
        answers.flush()


def _part(stream: BinaryIO) -> bytes | None:
    length = stream.read(LENGTH.size)
    if len(length) < LENGTH.size:
        return None
    return stream.read(*LENGTH.unpack(length))
