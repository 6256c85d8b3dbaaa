"""The change feed of PostgreSQL: the server tells when the log has grown, and is asked now and then besides."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable

import psycopg

from remit.core import BusyError
from remit.store.postgresql.connection import Connection
from remit.store.postgresql.sequencer import CHANNEL

_log = logging.getLogger("remit.store")
# Without a word from the server it is asked so often: its word may have been lost, and figures change without one.
POLL_SECONDS = 1.0
# After the connection broke, until the next try.
PAUSE_SECONDS = 1.0


class PostgresChanges:
    """Says when something was committed, in this process or in another."""

    def __init__(self, connect: Callable[[], Connection], position: Callable[[], int]) -> None:
        """Hears through a connection of its own, once somebody waits; `position` asks the database where it stands."""
        self._connect = connect
        self._position = position
        self._seen = 0
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._guard = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def position(self) -> int:
        """Returns a number that differs after anything that people could see was committed."""
        return self._position()

    async def wait(self, after: int, *, seconds: float) -> int:
        """Returns the new position, or `after` when nothing was committed within `seconds`."""
        await self._begin()
        ticket = asyncio.get_running_loop(), asyncio.Event()
        with self._guard:
            self._waiting.add(ticket)
            seen = self._seen
        try:
            if seen == after:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ticket[1].wait(), seconds)
        finally:
            with self._guard:
                self._waiting.discard(ticket)
        return self._seen

    def close(self) -> None:
        """Stops listening."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    async def _begin(self) -> None:
        """Begins to listen, the first time: in a process where nobody ever waits, each word would only cost a look."""
        if self._thread is not None:
            return
        seen = await asyncio.to_thread(self._position)
        with self._guard:
            if self._thread is None and not self._closed.is_set():
                self._seen = seen
                self._thread = threading.Thread(target=self._listen, name="remit-changes", daemon=True)
                self._thread.start()

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                with self._connect() as connection:
                    connection.execute(f"listen {CHANNEL}")
                    while not self._closed.is_set():
                        for _ in connection.notifies(timeout=POLL_SECONDS / 4, stop_after=1):
                            pass
                        self._look()
            except (psycopg.Error, BusyError) as fault:
                _log.warning("the change feed lost its connection: %s", fault)
                self._closed.wait(PAUSE_SECONDS)

    def _look(self) -> None:
        position = self._position()
        with self._guard:
            changed = position != self._seen
            self._seen = position
            waiting = [*self._waiting] if changed else []
        for loop, event in waiting:
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(event.set)
