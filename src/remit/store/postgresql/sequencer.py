"""Gives entries that were committed their place in the log: one process at a time, whichever comes first.

Commits of many processes cannot number their entries without waiting for each other, so they only leave them in
`log_pending`. Here they are taken away and appended in one transaction, under an advisory lock that ends with it: who dies
in between has moved nothing, and another goes on. None is skipped, because what is taken is a queue and not a range of
numbers; none comes twice, because it is gone from there.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, LiteralString

import psycopg

from remit.core import RemitError
from remit.store.model import Appender, ConstraintError, Entry, Query, Row, Value
from remit.store.postgresql.connection import Connection, is_broken, set_text_of, text_of
from remit.store.postgresql.sets import rows_json

_log = logging.getLogger("remit.store")
# Which advisory lock belongs to the log.
LOG = 0x52454D4954 + 1
# Entries moved in one transaction: some ten milliseconds of work.
MOVED = 2_000
# What another process left behind when it died is moved after so long.
LOOK_SECONDS = 0.5
# Entries gather so long, or each batch of commits would have a transaction of the log's, and that of each process. Whoever
# reads the log does not wait for it.
GATHER_SECONDS = 0.25
# After a fault, until the next try.
PAUSE_SECONDS = 1.0
CHANNEL: LiteralString = "remit"
_TAKE: LiteralString = """
with taken as (
  delete from log_pending where id = any(array(select id from log_pending order by id limit %s)) returning *)
select * from taken order by id
"""


class PostgresTransaction:
    """The open transaction of a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, query: Query, parameters: Mapping[str, Value]) -> list[Row]:
        """Returns all rows of a reading query; it sees what this transaction wrote."""
        return [*self._connection.execute(text_of(query), parameters, prepare=True).fetchall()]

    def run(self, query: Query, parameters: Sequence[Mapping[str, Value]]) -> None:
        """Runs a writing query once for each of `parameters`; `ConstraintError` when the database forbids it."""
        try:
            if query.many:
                self._connection.execute(set_text_of(query), {"rows": rows_json(parameters)}, prepare=True)
                return
            for each in parameters:
                self._connection.execute(text_of(query), each, prepare=True)
        except (psycopg.IntegrityError, psycopg.errors.RaiseException) as error:
            raise ConstraintError(str(error)) from error


class PostgresSequencer:
    """Moves entries into the log, in a thread of its own and whenever somebody who reads cannot wait."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        *,
        appender: Appender,
        committed: threading.Event,
        waiting: Callable[[], int],
        reach: Callable[[str], None] | None,
    ) -> None:
        """Looks when `committed` is set; `waiting` says how many entries wait."""
        self._connect = connect
        self._connection: Connection | None = None
        self._appender = appender
        self._committed = committed
        self._waiting = waiting
        self._reach = reach
        self._turn = threading.Lock()
        self._closed = threading.Event()
        self._fault = ""
        """What the last try met; told once, as long as it goes on."""
        self._thread = threading.Thread(target=self._loop, name="remit-sequencer", daemon=True)
        self._thread.start()

    def catch_up(self) -> None:
        """Returns when every entry that was committed before the call is in the log; a fault leaves them waiting."""
        try:
            if waiting := self.lag():
                self._move_all(wait=True, most=waiting)
        except (psycopg.Error, RemitError) as fault:
            _log.warning("entries of the log still wait for their place: %s", fault)

    def lag(self) -> int:
        """Returns how many entries wait for their place."""
        return self._waiting()

    def close(self) -> None:
        """Moves what is left, and stops."""
        self._closed.set()
        self._committed.set()
        self._thread.join()
        self.catch_up()
        with self._turn:
            if self._connection is not None:
                self._connection.close()

    def _loop(self) -> None:
        while not self._closed.is_set():
            self._committed.wait(LOOK_SECONDS)
            self._committed.clear()
            try:
                self._move_all(wait=False)
            except Exception as fault:  # noqa: BLE001  the entries wait where they are, and whoever looks is told how many
                if self._fault != (what := str(fault)):
                    _log.exception("entries could not be moved into the log; it is tried again")
                self._fault = what
                self._closed.wait(PAUSE_SECONDS)
            else:
                self._tell_again()
            self._closed.wait(GATHER_SECONDS)

    def _tell_again(self) -> None:
        if self._fault:
            _log.warning("entries are moved into the log again")
            self._fault = ""

    def _move_all(self, *, wait: bool, most: int = MOVED) -> None:
        """Moves `most` entries or a few more: who waits for those of before is not kept by what comes meanwhile."""
        with self._turn:
            moved = MOVED
            while moved == MOVED and most > 0:
                moved = self._tried_again(wait=wait)
                most -= moved

    def _tried_again(self, *, wait: bool) -> int:
        """Moves some; a connection that is found broken is opened again, once."""
        connection = self._opened()
        try:
            return self._move(wait=wait)
        except psycopg.OperationalError as fault:
            if not is_broken(connection, fault):
                raise
            return self._move(wait=wait)

    def _move(self, *, wait: bool) -> int:
        """Moves the oldest entries and returns how many; without `wait`, none when another process does."""
        connection = self._opened()
        connection.renew_plans()
        connection.execute("begin")
        try:
            moved = self._append(connection) if self._has_turn(connection, wait=wait) else 0
            connection.execute("commit")
        except BaseException:
            with contextlib.suppress(psycopg.Error):
                connection.execute("rollback")
            raise
        return moved

    def _has_turn(self, connection: Connection, *, wait: bool) -> bool:
        if wait:
            connection.execute("select pg_advisory_xact_lock(%s)", [LOG])
            return True
        row: Any = connection.execute("select pg_try_advisory_xact_lock(%s) as got", [LOG]).fetchone()
        return bool(row["got"])

    def _append(self, connection: Connection) -> int:
        taken = connection.execute(_TAKE, [MOVED], prepare=True).fetchall()
        if taken:
            entries = [Entry(r["stream"], r["kind"], r["ref"], r["at"], r["body"], r["seq"]) for r in taken]
            self._appender.append(PostgresTransaction(connection), entries)
            connection.execute("select pg_notify(%s, '')", [CHANNEL])
            if self._reach is not None:
                self._reach("in sequencer")
        return len(taken)

    def _opened(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection
