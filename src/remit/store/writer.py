"""The writer: one thread that puts many commits into one durable transaction (group commit).

A batch is first tried as a whole; when one of its commits is refused or faulty, it is rolled back and run again with a
savepoint around each, so that one fails alone. Nobody hears of a commit before the transaction that holds it is on
disk. Guards are read under the write lock, so whatever was durable before a batch began is seen by every commit in it:
after the receipt of a stop, no decision passes its guard.
"""

import asyncio
import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from remit.core import BusyError, ConflictError, RemitError
from remit.store.database import Database
from remit.store.model import Commit, CommitRefused, CommitResult, Committed, Entry, Row

# Commits that share one transaction at most: large enough that fsync vanishes, small enough to answer in milliseconds.
LARGEST_BATCH = 256

_log = logging.getLogger("remit.store")
_DATA_FAULTS = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
_Answer = CommitResult | BaseException


class _BusyError(Exception):
    """Another process held the write lock longer than we wait."""


class _SomethingRefusedError(Exception):
    """A commit of the batch did not stand, so the batch has to be run with savepoints."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A commit, and who waits for it: a thread, or a coroutine of `loop`."""

    commit: Commit
    future: "Future[CommitResult] | asyncio.Future[CommitResult]"
    loop: asyncio.AbstractEventLoop | None = None

    def is_wanted(self) -> bool:
        """Whether the commit was not withdrawn; from here on it cannot be. A coroutine's is never withdrawn."""
        return not isinstance(self.future, Future) or self.future.set_running_or_notify_cancel()


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
        self,
        database: Database,
        *,
        appender: Appender | None = None,
        on_commit: Callable[[int], None] | None = None,
        reach: Callable[[str], None] | None = None,
    ) -> None:
        """Calls `on_commit` with the number of commits made durable, and `reach` inside each transaction before its end."""
        self._connection = database.connect()
        self._appender: Appender = appender or NoLog()
        self._on_commit = on_commit
        self._reach = reach
        self._queue: deque[_Waiting] = deque()
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name="remit-writer", daemon=True)
        self._thread.start()

    def submit(self, commit: Commit) -> "Future[CommitResult]":
        """Queues `commit`; the future resolves when it is durable or refused, and fails when the database does.

        Cancelling the future withdraws the commit as long as the writer has not taken it.
        """
        future: Future[CommitResult] = Future()
        self._enqueue(_Waiting(commit, future))
        return future

    async def commit(self, commit: Commit) -> CommitResult:
        """As `submit`, awaited. A caller that is cancelled meanwhile does not undo the commit."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[CommitResult] = loop.create_future()
        self._enqueue(_Waiting(commit, future, loop))
        return await future

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

    def _enqueue(self, waiting: _Waiting) -> None:
        with self._wake:
            if self._closed:
                raise ConflictError("The store is closed", hint="Open it again")
            self._queue.append(waiting)
            self._wake.notify()

    def _loop(self) -> None:
        while batch := self._next_batch():
            self._commit(batch)

    def _next_batch(self) -> list[_Waiting]:
        """Waits for commits and takes them; an empty batch means that the store is closed."""
        batch: list[_Waiting] = []
        with self._wake:
            while not batch:
                while not self._queue and not self._closed:
                    self._wake.wait()
                if not self._queue:
                    break
                batch = self._take()
        return batch

    def _take(self) -> list[_Waiting]:
        """Takes what fits into one batch; twins wait for the next one, in their order, and withdrawn commits go."""
        batch: list[_Waiting] = []
        twins: list[_Waiting] = []
        keys: set[str] = set()
        while self._queue and len(batch) < LARGEST_BATCH:
            waiting = self._queue.popleft()
            if waiting.commit.key and waiting.commit.key in keys:
                twins.append(waiting)
            elif waiting.is_wanted():
                keys.add(waiting.commit.key)
                batch.append(waiting)
        self._queue.extendleft(reversed(twins))
        return batch

    def _commit(self, batch: Sequence[_Waiting]) -> None:
        """Commits a batch and answers its callers; when its transaction fails, each is tried alone."""
        try:
            results = self._transaction([waiting.commit for waiting in batch])
        except _BusyError as fault:
            results = [BusyError("The database is busy", why=str(fault), hint="Try again") for _ in batch]
        except Exception as fault:  # noqa: BLE001  the fault belongs to the callers, and the writer must live on
            if len(batch) > 1:
                for waiting in batch:
                    self._commit([waiting])
                return
            results = [fault]
        _answer(batch, results)
        durable = sum(isinstance(result, Committed) for result in results)
        if self._on_commit and durable:
            try:
                self._on_commit(durable)
            except Exception:  # noqa: BLE001  what a listener does is not the committers' fault
                _log.exception("a listener failed; the commits stand")

    def _transaction(self, commits: Sequence[Commit]) -> list[_Answer]:
        with suppress(_SomethingRefusedError, *_DATA_FAULTS):
            return self._batch(commits, self._plainly)
        return self._batch(commits, self._in_savepoint)

    def _batch(self, commits: Sequence[Commit], run: Callable[[Commit], _Answer]) -> list[_Answer]:
        try:
            self._connection.execute("begin immediate")
        except sqlite3.OperationalError as fault:
            raise _BusyError(str(fault)) from fault
        try:
            results: list[_Answer] = [run(commit) for commit in commits]
            stand = [commit for commit, result in zip(commits, results, strict=True) if isinstance(result, Committed)]
            if entries := [entry for commit in stand for entry in commit.entries]:
                self._appender.append(self._connection, entries)
            if self._reach is not None:
                self._reach("inside commit")
            self._connection.execute("commit")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            raise
        return results

    def _plainly(self, commit: Commit) -> _Answer:
        result = self._statements(commit)
        if isinstance(result, CommitRefused):
            raise _SomethingRefusedError
        return result

    def _in_savepoint(self, commit: Commit) -> _Answer:
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


def _answer(batch: Sequence[_Waiting], results: Sequence[_Answer]) -> None:
    """Tells everybody, waking each event loop once."""
    by_loop: dict[asyncio.AbstractEventLoop | None, list[tuple[_Waiting, _Answer]]] = {}
    for waiting, result in zip(batch, results, strict=True):
        by_loop.setdefault(waiting.loop, []).append((waiting, result))
    for loop, answers in by_loop.items():
        if loop is None:
            _resolve(answers)
            continue
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, answers)


def _resolve(answers: Sequence[tuple[_Waiting, _Answer]]) -> None:
    for waiting, result in answers:
        if waiting.future.done():  # its caller was cancelled; the commit stands all the same
            continue
        if isinstance(result, BaseException):
            waiting.future.set_exception(result)
        else:
            waiting.future.set_result(result)
