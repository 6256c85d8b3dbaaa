"""A database that is only looked at: nothing is made, migrated or written, whoever else has it open."""

import sqlite3

from remit.core import NotFoundError
from remit.store.sqlite.database import BUSY_MILLISECONDS, STATEMENT_CACHE, SqliteDatabase


class ReadOnlySqlite(SqliteDatabase):
    """Reads a SQLite file as it is; a file that is not there is a `NotFoundError`."""

    def connect(self) -> sqlite3.Connection:
        """Opens a connection that cannot write; the caller closes it."""
        if not self.path.is_file():
            raise NotFoundError("There is no database", which=str(self.path), hint="The first command makes it")
        # Without a journal nobody has it open; SQLite, left to itself, would make one and leave it behind.
        mode = "mode=ro" if self.path.with_name(f"{self.path.name}-wal").exists() else "mode=ro&immutable=1"
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?{mode}",
            uri=True,
            isolation_level=None,
            cached_statements=STATEMENT_CACHE,
            check_same_thread=False,
        )
        connection.row_factory = sqlite3.Row
        for pragma in (f"busy_timeout = {BUSY_MILLISECONDS}", "query_only = on", "trusted_schema = off"):
            connection.execute(f"pragma {pragma}")
        return connection
