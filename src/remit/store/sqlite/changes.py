"""The change feed of SQLite: a number that changes with every commit of any process, looked at often."""

import asyncio
import sqlite3

# How often commits are looked for; a person does not see a quarter of a second.
POLL_SECONDS = 0.25


class SqliteChanges:
    """Says when something was committed, in this process or in another, by looking often."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
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
