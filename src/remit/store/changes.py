"""The change feed: a number that changes with every commit of any process, and a way to wait for it."""

import asyncio
import sqlite3

from remit.store.database import Database

# How often commits are looked for; a person does not see a quarter of a second.
POLL_SECONDS = 0.25


class ChangeFeed:
    """Says when something was committed, in this process or in another, by looking often."""

    def __init__(self, database: Database) -> None:
        self._connection: sqlite3.Connection = database.connect()
        self._connection.execute("pragma query_only = on")

    def position(self) -> int:
        """Returns a number that differs after any other connection has committed."""
        return int(self._connection.execute("pragma data_version").fetchone()[0])

    async def wait(self, after: int, *, seconds: float) -> int:
        """Returns the new position, or `after` when nothing was committed within `seconds`."""
        polls = max(1, round(seconds / POLL_SECONDS))
        for _ in range(polls):
            if (position := self.position()) != after:
                return position
            await asyncio.sleep(POLL_SECONDS)
        return self.position()

    def close(self) -> None:
        """Closes the feed's connection."""
        self._connection.close()
