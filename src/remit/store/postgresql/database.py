"""One PostgreSQL database, shared by many processes."""

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, LiteralString, TypeVar

from psycopg import DataError
from psycopg_pool import ConnectionPool, PoolTimeout

from remit.core import BusyError, Connections
from remit.store.model import Appender, Dialect, Migration, Query, Row, Value
from remit.store.postgresql.changes import PostgresChanges
from remit.store.postgresql.committer import PostgresCommitter
from remit.store.postgresql.connection import (
    AWAY,
    Connection,
    NoAnswerError,
    check_url,
    connect,
    place,
    set_up,
    settings,
    text_of,
    unreachable,
    without_nul,
)
from remit.store.postgresql.migrate import migrate_postgresql
from remit.store.postgresql.sequencer import PostgresSequencer

_LAG: LiteralString = "select count(*) as count from (select 1 from log_pending limit 100000) as waiting"
_POSITION: LiteralString = "select size + (select entries + charges from figures_head) as position from log_head"
# As long as connections of the pool are opened again, and then again when somebody asks: with longer and longer pauses in
# between, a server that was away for minutes would be found again minutes after it is back.
REOPENED_SECONDS = 3.0
T = TypeVar("T")


class PostgresDatabase:
    """Opens connections to one database and reads through a pool of them."""

    dialect: Dialect = "postgresql"

    def __init__(self, url: str, *, limits: Connections, read_only: bool = False) -> None:
        check_url(url)
        self._url = url
        self._limits = limits
        self._read_only = read_only
        self._local = threading.local()
        self._committed = threading.Event()
        self._pool: ConnectionPool[Connection] | None = None
        self._opening = threading.Lock()
        self._sequencer: PostgresSequencer | None = None

    @property
    def place(self) -> str:
        """Returns host and name, never with a password."""
        return place(self._url)

    def connect(self, name: str = "remit", *, is_brief: bool = False) -> Connection:
        """Opens a new connection with our settings; the caller closes it."""
        return connect(self._url, self._limits, read_only=self._read_only, name=name, is_brief=is_brief)

    def migrate(self, *, post: bool = False) -> list[Migration]:
        """Applies the migrations that are missing and returns them; see `remit.store.migrate`."""
        try:
            with self.connect("remit migrate") as connection:
                return migrate_postgresql(connection, post=post, look=partial(self.connect, "remit migrate"))
        except AWAY as fault:
            raise unreachable(self._url, fault) from fault

    def read(self, query: Query, parameters: Mapping[str, Value] | None = None) -> list[Row]:
        """Returns all rows of a reading query as of now."""
        return self._read(text_of(query), parameters)

    def read_one(self, query: Query, parameters: Mapping[str, Value] | None = None) -> Row | None:
        """Returns the first row, or None."""
        rows = self._read(text_of(query), parameters)
        return rows[0] if rows else None

    @contextmanager
    def snapshot(self) -> Generator[None]:
        """Lets everything this thread reads inside speak of one moment, the log up to then included."""
        if getattr(self._local, "snapshot", None) is not None:
            yield
            return
        if self._sequencer is not None:
            self._sequencer.catch_up()
        with self._asked(_begin_snapshot) as (connection, _):
            self._local.snapshot = connection
            try:
                yield
            finally:
                self._local.snapshot = None
                with suppress(*AWAY):  # what was read was read
                    connection.execute("commit")

    def committer(self, appender: Appender, reach: Callable[[str], None] | None) -> PostgresCommitter:
        """Opens what the writer commits with; its entries wait for the sequencer, which has the appender."""
        opened = partial(self.connect, "remit writer", is_brief=True)
        return PostgresCommitter(
            opened, lock_seconds=self._limits.lock_seconds, on_entries=self._committed.set, reach=reach
        )

    def sequencer(self, appender: Appender, reach: Callable[[str], None] | None) -> PostgresSequencer:
        """Begins to move committed entries into the log."""
        self._sequencer = PostgresSequencer(
            partial(self.connect, "remit sequencer", is_brief=True),
            appender=appender,
            committed=self._committed,
            waiting=lambda: self._read(_LAG, None)[0]["count"],
            reach=reach,
        )
        return self._sequencer

    def changes(self) -> PostgresChanges:
        """Opens a feed of what is committed."""
        return PostgresChanges(
            partial(self.connect, "remit changes"), lambda: self._read(_POSITION, None)[0]["position"]
        )

    def close(self) -> None:
        """Closes every reader."""
        with self._opening:
            if self._pool is not None:
                self._pool.close()
                self._pool = None

    def _read(self, text: LiteralString, parameters: Mapping[str, Value] | None) -> list[Row]:
        inside: Connection | None = getattr(self._local, "snapshot", None)
        if inside is not None:
            try:
                return _rows(inside, text, parameters)
            except AWAY as fault:  # another moment is not the one that was asked about
                raise unreachable(self._url, fault) from fault
        with self._asked(partial(_rows, text=text, parameters=parameters)) as (_, rows):
            return rows

    @contextmanager
    def _asked(self, ask: Callable[[Connection], T]) -> Generator[tuple[Connection, T]]:
        """Lends a connection that has answered what is asked of it first, and the answer."""
        # When the server was started anew, every connection of the pool is broken, and one more is not.
        for tries_left in range(self._limits.readers, -1, -1):
            with self._taken() as connection:
                try:
                    answer = ask(connection)
                except AWAY as fault:
                    if not connection.closed or not tries_left or isinstance(fault, NoAnswerError):
                        raise unreachable(self._url, fault) from fault
                    continue
                yield connection, answer
                return

    @contextmanager
    def _taken(self) -> Generator[Connection]:
        """Lends a connection of the pool."""
        pool = self._pool or self._open()
        try:
            connection = pool.getconn()
        except PoolTimeout as fault:
            raise BusyError(
                "The database cannot be reached", which=self.place, why=str(fault), hint="`remit doctor` looks at it"
            ) from fault
        try:
            yield connection
        finally:
            pool.putconn(connection)

    def _open(self) -> "ConnectionPool[Connection]":
        with self._opening:
            if self._pool is None:
                kwargs: dict[str, Any] = settings(self._limits, read_only=True, name="remit reader")
                pool: ConnectionPool[Connection] = ConnectionPool(
                    self._url,
                    connection_class=Connection,
                    kwargs=kwargs,
                    min_size=1,
                    max_size=self._limits.readers,
                    timeout=self._limits.connect_seconds,
                    reconnect_timeout=REOPENED_SECONDS,
                    configure=partial(set_up, limits=self._limits),
                    open=True,
                    name="remit",
                )
                self._pool = pool
            return self._pool


def _begin_snapshot(connection: Connection) -> None:
    connection.execute("begin isolation level repeatable read read only")


def _rows(connection: Connection, text: LiteralString, parameters: Mapping[str, Value] | None) -> list[Row]:
    connection.renew_plans()
    try:
        return [*connection.execute(text, parameters or {}, prepare=True).fetchall()]
    except DataError as fault:
        if parameters is None or fault.sqlstate is not None:
            raise
        # It was not even sent: what somebody looks for may hold anything.
        return [*connection.execute(text, without_nul(parameters), prepare=True).fetchall()]
