"""The writer: one thread that puts many commits into one durable transaction (group commit).

Each commit runs in a savepoint of its own, so a refused or faulty one fails alone. Nobody hears of a commit before
the transaction that holds it is on disk. Guards are read under the write lock, so whatever was durable before a
batch began is seen by every commit in it: after the receipt of a stop, no decision passes its guard.
"""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Protocol

from remit.core import ConflictError, RemitError
from remit.store.database import Database
from remit.store.model import Commit, CommitRefused, CommitResult, Committed, Entry, Row

# Commits that share one transaction at most: large enough that fsync vanishes, small enough to answer in milliseconds.
LARGEST_BATCH = 256

_Waiting = tuple[Commit, "Future[CommitResult]"]


class Appender(Protocol):
    """Puts entries into the log inside the writer's transaction; `audit.Log` is the one, `NoLog` serves store's tests."""

    def append(self, connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
        """Appends `entries` in order; called once per transaction, under the write lock."""
        ...


class NoLog:
    """Takes no entries."""

    def append(self, connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
        """Raises when somebody tries."""
        if entries:
            raise ConflictError("This writer has no log", hint="Give it one when it is built")


class Writer:
    """Commits to the database from one thread, in batches."""

    def __init__(
        self, database: Database, *, appender: Appender | None = None, on_commit: Callable[[int], None] | None = None
    ) -> None:
        self._connection = database.connect()
        self._appender: Appender = appender or NoLog()
        self._on_commit = on_commit
        self._queue: deque[_Waiting] = deque()
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name="remit-writer", daemon=True)
        self._thread.start()

    def submit(self, commit: Commit) -> "Future[CommitResult]":
        """Queues `commit`; the future resolves when it is durable or refused, and fails when the database does."""
        future: Future[CommitResult] = Future()
        with self._wake:
            if self._closed:
                raise ConflictError("The store is closed", hint="Open it again")
            self._queue.append((commit, future))
            self._wake.notify()
        return future

    async def commit(self, commit: Commit) -> CommitResult:
        """As `submit`, awaited. A caller that is cancelled meanwhile does not undo the commit."""
        return await asyncio.shield(asyncio.wrap_future(self.submit(commit)))

    def commit_now(self, commit: Commit) -> CommitResult:
        """As `submit`, blocking: for the command line and tests."""
        return self.submit(commit).result()

    def close(self) -> None:
        """Commits what is queued, then stops."""
        with self._wake:
            if self._closed:
                return
            self._closed = True
            self._wake.notify()
        self._thread.join()
        self._connection.close()

    def _loop(self) -> None:
        while batch := self._next_batch():
            try:
                results = self._transaction([commit for commit, _ in batch])
            except Exception as fault:  # noqa: BLE001  the fault belongs to the callers, and the writer must live on
                self._fail(batch, fault)
                continue
            for (_, future), result in zip(batch, results, strict=True):
                if isinstance(result, BaseException):
                    future.set_exception(result)
                else:
                    future.set_result(result)
            if self._on_commit:
                self._on_commit(sum(isinstance(result, Committed) for result in results))

    def _next_batch(self) -> list[_Waiting]:
        with self._wake:
            while not self._queue and not self._closed:
                self._wake.wait()
            batch: list[_Waiting] = []
            twins: list[_Waiting] = []
            keys: set[str] = set()
            while self._queue and len(batch) < LARGEST_BATCH:
                waiting = self._queue.popleft()
                if waiting[0].key and waiting[0].key in keys:
                    twins.append(waiting)
                    continue
                keys.add(waiting[0].key)
                batch.append(waiting)
            self._queue.extendleft(reversed(twins))
            return batch

    def _fail(self, batch: list[_Waiting], fault: Exception) -> None:
        """Answers a batch whose transaction failed: a single commit gets the fault, several are tried one by one."""
        if len(batch) == 1:
            batch[0][1].set_exception(fault)
            return
        for commit, future in batch:
            try:
                result = self._transaction([commit])[0]
            except Exception as own:  # noqa: BLE001  as in _loop
                future.set_exception(own)
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _transaction(self, commits: Sequence[Commit]) -> list[CommitResult | BaseException]:
        self._connection.execute("begin immediate")
        try:
            results: list[CommitResult | BaseException] = []
            entries: list[Entry] = []
            for commit in commits:
                result = self._savepoint(commit)
                results.append(result)
                if isinstance(result, Committed):
                    entries.extend(commit.entries)
            if entries:
                self._appender.append(self._connection, entries)
            self._connection.execute("commit")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            raise
        return results

    def _savepoint(self, commit: Commit) -> CommitResult | BaseException:
        execute = self._connection.execute
        execute("savepoint one")
        try:
            result = self._statements(commit)
        except (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError) as fault:
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
