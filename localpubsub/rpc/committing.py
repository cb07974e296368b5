"""Group commit: everything that happens in one turn of the event loop becomes durable in one transaction.

    request ─► change in memory, buffered ─► ... other requests of this turn ... ─► commit ─► answers

An answer waits for the commit of what it says, and a delivery for the commit of what it hands over; so whatever a client
was told is still true after a kill at any moment. If a commit fails, memory says what the disk does not: from then on every
request is refused with UNAVAILABLE, and the server ends.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable

from localpubsub.errors import Unavailable
from localpubsub.store import Store

_log = logging.getLogger(__name__)


class GroupCommit:
    """Commits `store` soon after it changes. `on_failure` is called once if that is not possible any more."""

    def __init__(self, store: Store, on_failure: Callable[[], None] = lambda: None) -> None:
        self.failure = ""
        self._store = store
        self._on_failure = on_failure
        self._waiting: asyncio.Future[None] | None = None
        store.on_change = self._changed

    async def settled(self) -> None:
        """Returns once everything done so far is durable. Raises Unavailable if it can't be made so."""
        if self._store.dirty and not self.failure:
            if self._waiting is None:
                self._waiting = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._waiting)  # a client that goes away must not take the others' commit with it
        if self.failure:
            raise Unavailable(self.failure)

    def fail(self, error: sqlite3.Error) -> None:
        """The store can't be trusted any more."""
        self._store.broken = True
        if not self.failure:
            self.failure = f"The store of the local Pub/Sub server failed, nothing more is accepted: {error}"
            _log.critical(self.failure)
            self._on_failure()

    def _changed(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a broker without a server: whoever made it commits
            return
        loop.call_soon(self._commit)

    def _commit(self) -> None:
        try:
            self._store.commit()
        except sqlite3.Error as error:
            self.fail(error)
        if self._waiting is not None:
            self._waiting.set_result(None)
            self._waiting = None
