"""Keeps the memory of a tokenizer flat: spaCy remembers every word it has ever seen unless it is told to forget."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from spacy.language import Language

RENEWED_AFTER = 1000  # entries; forgetting after each one costs a quarter of the speed (measured)


class Scratch:
    """Lends the tokenizer to one thread at a time; what it has made must not be used after the loan.

    Without it 30,000 entries of new words grew the process by 200 MB, with it by 8 MB (measured).
    """

    def __init__(self, nlp: Language) -> None:
        self._nlp = nlp
        self._lock = threading.Lock()
        self._zone = ExitStack()
        self._left = 0

    @contextmanager
    def loan(self) -> Iterator[None]:
        with self._lock:
            if not self._left:
                self._zone.close()
                self._zone.enter_context(self._nlp.memory_zone())
                self._left = RENEWED_AFTER
            self._left -= 1
            yield
