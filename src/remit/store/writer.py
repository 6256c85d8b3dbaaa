"""The writer: one thread that puts many commits into one durable transaction (group commit).

Nobody hears of a commit before the transaction that holds it is on disk. How a transaction is made is the database's:
`store.sqlite.committer`, `store.postgresql.committer`.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace

from remit.core import BusyError, ConflictError
from remit.store.model import (
    Answer,
    Appender,
    Commit,
    CommitResult,
    Committed,
    Database,
    DeferredError,
    Entry,
    Transaction,
)

# Commits that share one transaction at most: large enough that fsync vanishes, small enough to answer in milliseconds.
LARGEST_BATCH = 256
# Commits of one turn of an event loop that go at once: as many make a batch that is worth its transaction.
TOGETHER = 64
# After a batch of so many, the next one gathers until it is large, or nobody has come for a moment, some milliseconds at
# most: under load a transaction costs nearly the same for a hundred commits as for thirty.
MANY, ENOUGH, GATHER_SECONDS, STILL_SECONDS = 24, 200, 0.03, 0.005
# Commits that may wait: seconds of work, in some ten megabytes. More would only be answered after everybody has given up.
MOST_WAITING = 10_000

_log = logging.getLogger("remit.store")


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A commit, and who waits for it: a thread, or a coroutine of `loop`."""

    commit: Commit
    future: "Future[CommitResult] | asyncio.Future[CommitResult]"
    loop: asyncio.AbstractEventLoop | None = None
    until: float | None = None
    """Until when it is handed in again, once it was deferred."""

    def is_wanted(self) -> bool:
        """Whether the commit was not withdrawn; from here on it cannot be. A coroutine's is never withdrawn."""
        if self.until is not None or not isinstance(self.future, Future):
            return True
        return self.future.set_running_or_notify_cancel()


class NoLog:
    """Takes no entries."""

    def append(self, transaction: Transaction, entries: Sequence[Entry]) -> None:
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
        """Calls `on_commit` with the number of commits made durable.

        `reach` is called inside each transaction before its end, and after it before anybody hears of it.
        """
        self._committer = database.committer(appender or NoLog(), reach)
        self._reach = reach
        self._on_commit = on_commit
        self._queue: deque[_Waiting] = deque()
        self._wake = threading.Condition()
        self._turn: asyncio.AbstractEventLoop | None = None
        """Whose turn has to end before the thread is woken for what was committed in it."""
        self._wanted = 1
        """How many commits the thread is woken for at least, while it gathers."""
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
        self._committer.close()

    def _enqueue(self, waiting: _Waiting) -> None:
        with self._wake:
            if self._closed:
                raise ConflictError("The store is closed", hint="Open it again")
            if len(self._queue) >= MOST_WAITING:
                raise BusyError("The store is busy", why=f"{MOST_WAITING} commits wait for it", hint="Try again")
            self._queue.append(waiting)
            if len(self._queue) < self._wanted:
                return
            if waiting.loop is None or len(self._queue) >= TOGETHER:
                self._wake.notify()
            elif self._turn is not waiting.loop:
                # What else is ready in this turn commits as well: woken now, the thread would take the first one alone.
                self._turn = waiting.loop
                waiting.loop.call_soon(self._end_turn)

    def _end_turn(self) -> None:
        with self._wake:
            self._turn = None
            if len(self._queue) >= self._wanted:
                self._wake.notify()

    def _loop(self) -> None:
        batch = self._next_batch(0)
        while batch:
            self._commit(batch)
            batch = self._next_batch(len(batch))

    def _next_batch(self, before: int) -> list[_Waiting]:
        """Waits for commits and takes them, knowing how many the last batch had; none means that the store is closed."""
        batch: list[_Waiting] = []
        with self._wake:
            if before >= MANY:
                self._gather()
            while not batch:
                while not self._queue and not self._closed:
                    self._wake.wait()
                if not self._queue:
                    break
                batch = self._take()
        return batch

    def _gather(self) -> None:
        """Waits for enough commits, as long as some come, and for a while at most."""
        self._wanted, seen, until = ENOUGH, -1, time.monotonic() + GATHER_SECONDS
        while not self._closed and seen < len(self._queue) < ENOUGH and time.monotonic() < until:
            seen = len(self._queue)
            self._wake.wait(STILL_SECONDS)
        self._wanted = 1

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
        begun = time.monotonic()
        try:
            results = self._committer.commit([waiting.commit for waiting in batch])
        except Exception as fault:  # noqa: BLE001  the fault belongs to the callers, and the writer must live on
            if len(batch) > 1:
                for waiting in batch:
                    self._commit([waiting])
                return
            results = [fault]
        if self._reach is not None:
            self._reach("after commit")
        _answer(self._settled(batch, results, begun))
        durable = sum(isinstance(result, Committed) for result in results)
        if self._on_commit and durable:
            try:
                self._on_commit(durable)
            except Exception:  # noqa: BLE001  what a listener does is not the committers' fault
                _log.exception("a listener failed; the commits stand")

    def _settled(
        self, batch: Sequence[_Waiting], results: Sequence[Answer], begun: float
    ) -> list[tuple[_Waiting, Answer]]:
        """Returns who has an answer; what was deferred begins the next batch, so that it stays before its twins."""
        settled: list[tuple[_Waiting, Answer]] = []
        deferred: list[_Waiting] = []
        for waiting, result in zip(batch, results, strict=True):
            if not isinstance(result, DeferredError):
                settled.append((waiting, result))
                continue
            until = waiting.until or begun + result.seconds
            if time.monotonic() < until:
                deferred.append(replace(waiting, until=until))
            else:
                settled.append((waiting, result.fault))
        if deferred:
            with self._wake:
                self._queue.extendleft(reversed(deferred))
        return settled


def _answer(settled: Sequence[tuple[_Waiting, Answer]]) -> None:
    """Tells everybody, waking each event loop once."""
    by_loop: dict[asyncio.AbstractEventLoop | None, list[tuple[_Waiting, Answer]]] = {}
    for waiting, result in settled:
        by_loop.setdefault(waiting.loop, []).append((waiting, result))
    for loop, answers in by_loop.items():
        if loop is None:
            _resolve(answers)
            continue
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, answers)


def _resolve(answers: Sequence[tuple[_Waiting, Answer]]) -> None:
    for waiting, result in answers:
        if waiting.future.done():  # its caller was cancelled; the commit stands all the same
            continue
        if isinstance(result, BaseException):
            waiting.future.set_exception(result)
        else:
            waiting.future.set_result(result)
