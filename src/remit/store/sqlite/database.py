"""One SQLite file, shared by several processes: WAL, full durability, one reader per thread."""

import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from remit.core import InputError
from remit.store.migrate import migrate
from remit.store.model import Appender, Dialect, Migration, Query, Row, Value
from remit.store.sqlite.changes import SqliteChanges
from remit.store.sqlite.committer import NothingToMove, SqliteCommitter

# How long a writer waits for another process before it gives up; a stop must not be lost to a busy file.
BUSY_MILLISECONDS = 10_000
# Between two tries to put a new file into WAL mode, which several processes may want at the same moment.
WAL_PAUSE = 0.01
# Statements kept compiled per connection; we have fewer than this.
STATEMENT_CACHE = 512


class SqliteDatabase:
    """Opens connections to one SQLite file and reads through the calling thread's own."""

    dialect: Dialect = "sqlite"

    def __init__(self, url: str, *, folder: Path) -> None:
        self.path = sqlite_path(url, folder)
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []

    def connect(self) -> sqlite3.Connection:
        """Opens a new connection with our settings; the caller closes it."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, isolation_level=None, cached_statements=STATEMENT_CACHE, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        for pragma in (
            f"busy_timeout = {BUSY_MILLISECONDS}",
            "synchronous = full",
            "foreign_keys = on",
            "trusted_schema = off",
        ):
            connection.execute(f"pragma {pragma}")
        _use_wal(connection)
        return connection

    def read(self, query: Query, parameters: Mapping[str, Value] | None = None) -> list[Row]:
        """Returns all rows of a reading query as of now."""
        return self._reader().execute(query.sql, parameters or {}).fetchall()  # type: ignore[arg-type]

    def read_one(self, query: Query, parameters: Mapping[str, Value] | None = None) -> Row | None:
        """Returns the first row, or None."""
        return self._reader().execute(query.sql, parameters or {}).fetchone()  # type: ignore[arg-type]

    @contextmanager
    def snapshot(self) -> Generator[None]:
        """Lets everything this thread reads inside speak of one moment, whatever is committed meanwhile."""
        reader = self._reader()
        if reader.in_transaction:
            yield
            return
        reader.execute("begin")
        try:
            yield
        finally:
            reader.execute("commit")

    @property
    def place(self) -> str:
        """Returns the file's path."""
        return str(self.path)

    def migrate(self, *, post: bool = False) -> list[Migration]:
        """Applies the migrations that are missing and returns them; see `remit.store.migrate`."""
        connection = self.connect()
        try:
            return migrate(connection, post=post)
        finally:
            connection.close()

    def committer(self, appender: Appender, reach: Callable[[str], None] | None) -> SqliteCommitter:
        """Opens what the writer commits with; entries get their place in the same transaction."""
        return SqliteCommitter(self.connect(), appender, reach)

    def sequencer(self, appender: Appender, reach: Callable[[str], None] | None) -> NothingToMove:
        """Returns one that has nothing to do."""
        return NothingToMove()

    def changes(self) -> SqliteChanges:
        """Opens a feed of what is committed."""
        return SqliteChanges(self.connect())

    def close(self) -> None:
        """Closes every reader."""
        for connection in self._readers:
            connection.close()
        self._readers.clear()
        self._local = threading.local()

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self.connect()
            connection.execute("pragma query_only = on")
            self._local.connection = connection
            self._readers.append(connection)
        return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Puts the file into WAL mode; SQLite's busy timeout does not cover this switch, so it is tried again here."""
    deadline = time.monotonic() + BUSY_MILLISECONDS / 1000
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                connection.close()
                raise
            time.sleep(WAL_PAUSE)
        else:
            return


def sqlite_path(url: str, folder: Path) -> Path:
    """Returns the file of a `sqlite:///…` URL; three slashes count from `folder`, four from the root."""
    scheme, _, rest = url.partition(":///")
    if scheme != "sqlite" or not rest:
        raise InputError(
            "Cannot open this database",
            which=url.partition(":")[0],
            why="only SQLite is supported",
            hint="Write sqlite:///PATH",
        )
    return folder / rest
