"""How commits become durable in SQLite: one transaction a batch, under the write lock.

A batch is first tried as a whole; when one of its commits is refused or faulty, it is rolled back and run again with a
savepoint around each, so that one fails alone. Guards are read under the write lock, so whatever was durable before a
batch began is seen by every commit in it: after the receipt of a stop, no decision passes its guard.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from remit.core import BusyError, RemitError
from remit.store.model import (
    Answer,
    Appender,
    Commit,
    CommitRefused,
    CommitResult,
    Committed,
    ConstraintError,
    Query,
    Row,
    Value,
)

# Troubles of the machine and not of what was asked: no room, a disk that fails, a file that may not be written.
_MACHINE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
_DATA_FAULTS = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError)


class _BusyError(Exception):
    """Another process held the write lock longer than we wait."""


class _SomethingRefusedError(Exception):
    """A commit of the batch did not stand, so the batch has to be run with savepoints."""


class SqliteTransaction:
    """The open transaction of a connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, query: Query, parameters: Mapping[str, Value]) -> list[Row]:
        """Returns all rows of a reading query; it sees what this transaction wrote."""
        return self._connection.execute(query.sql, parameters).fetchall()  # type: ignore[arg-type]

    def run(self, query: Query, parameters: Sequence[Mapping[str, Value]]) -> None:
        """Runs a writing query once for each of `parameters`; `ConstraintError` when the database forbids it."""
        try:
            self._connection.executemany(query.sql, parameters)  # type: ignore[arg-type]
        except sqlite3.IntegrityError as error:
            raise ConstraintError(str(error)) from error


class SqliteCommitter:
    """Makes commits durable through one connection."""

    def __init__(self, connection: sqlite3.Connection, appender: Appender, reach: Callable[[str], None] | None) -> None:
        self._connection = connection
        self._appender = appender
        self._reach = reach

    def commit(self, commits: Sequence[Commit]) -> list[Answer]:
        """Puts as many of `commits` as stand into one durable transaction and returns the answer to each, in order."""
        try:
            with suppress(_SomethingRefusedError, *_DATA_FAULTS):
                return self._batch(commits, self._plainly)
            return self._batch(commits, self._in_savepoint)
        except _BusyError as fault:
            return [BusyError("The database is busy", why=str(fault), hint="Try again") for _ in commits]
        except sqlite3.OperationalError as fault:
            # Together they may be too much, and one of them not.
            if len(commits) > 1 or fault.sqlite_errorcode & 0xFF not in _MACHINE:
                raise
            return [BusyError("The database cannot be written", why=str(fault), hint="`remit doctor` looks at it")]

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def _batch(self, commits: Sequence[Commit], run: Callable[[Commit], Answer]) -> list[Answer]:
        try:
            self._connection.execute("begin immediate")
        except sqlite3.OperationalError as fault:
            raise _BusyError(str(fault)) from fault
        try:
            results: list[Answer] = [run(commit) for commit in commits]
            stand = [commit for commit, result in zip(commits, results, strict=True) if isinstance(result, Committed)]
            if entries := [entry for commit in stand for entry in commit.entries]:
                self._appender.append(SqliteTransaction(self._connection), entries)
            if self._reach is not None:
                self._reach("inside commit")
            self._connection.execute("commit")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            raise
        return results

    def _plainly(self, commit: Commit) -> Answer:
        result = self._statements(commit)
        if isinstance(result, CommitRefused):
            raise _SomethingRefusedError
        return result

    def _in_savepoint(self, commit: Commit) -> Answer:
        execute = self._connection.execute
        execute("savepoint one")
        try:
            result = self._statements(commit)
        except _DATA_FAULTS as fault:
            if not self._connection.in_transaction:
                raise  # SQLite has undone the neighbours too; the batch is tried again, one by one
            result = RemitError("The database refused a commit", which=commit.key, why=str(fault))
            result.__cause__ = fault
        if not isinstance(result, Committed):
            execute("rollback to one")
        execute("release one")
        return result

    def _statements(self, commit: Commit) -> CommitResult:
        returned: list[list[Row]] = []
        for statement in commit.statements:
            cursor = self._connection.execute(statement.query.sql, statement.parameters)  # type: ignore[arg-type]
            rows = cursor.fetchall() if cursor.description else []
            returned.append(rows)
            got = len(rows) if cursor.description else cursor.rowcount
            if statement.want is not None and got != statement.want:
                return CommitRefused(statement.query.name, statement.refusal, got, statement.want)
        return Committed(returned)


class NothingToMove:
    """The sequencer where entries get their place in their own commit."""

    def catch_up(self) -> None:
        """Has nothing to move."""

    def lag(self) -> int:
        """Returns none."""
        return 0

    def close(self) -> None:
        """Has nothing to stop."""
