"""The engine on DBOS: attempts are queued in a database of its own, so a backlog outlives the process that took it on.

DBOS queues, limits and dispatches; it saves no step of a run. A workflow is one call of `Runtime.drive` with a run's
id, strings in and out. Whatever it loses (a queue entry, a workflow of a process that died) is found again in the
journal, so only its public interface is used. It is one per process, as a cell is; several processes may share its
file, and any of them drives what another has queued.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import sqlalchemy
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, WorkflowStatus
from sqlalchemy import event

from remit.core import ConflictError
from remit.journal import Journal, Run
from remit.runtime.engine import RETRY_SECONDS, Retries, break_off, drive_family
from remit.runtime.runtime import Runtime
from remit.store import Database

_log = logging.getLogger("remit.runtime")
_T = TypeVar("_T")
QUEUE = "remit-runs"
WORKFLOW = "remit.drive"
# What a workflow of DBOS means here; raise it when a queue entry of before cannot be read any more.
VERSION = "1"
# Runs driven at once by one process; each waits mostly for tools and models.
CONCURRENT_RUNS = 200
# Queued ahead of a free slot: a slot that frees is refilled only at the next poll.
AHEAD = 3
POLL_SECONDS = 0.1
# More threads only queue for the interpreter lock (measured: 4 are faster than 20).
THREADS = 4
# How often the queue is looked through for what it has lost and what it need not keep.
TIDY_SECONDS = 2.0
# What this process has taken from the queue begins within milliseconds; if not by then, DBOS has failed to begin it.
BEGINS_SECONDS = 30.0
# Entries dropped in one transaction: it holds up the queue for a few milliseconds.
DROPPED = 500
ENDED = ["SUCCESS", "ERROR", "CANCELLED"]


@dataclass(slots=True, eq=False)
class _Queued:
    """A run that this process has queued or drives."""

    ended: asyncio.Future[None]
    entry: str = ""
    """Its id in the queue, as soon as it is there."""
    taken_at: float | None = None
    """When it was first seen that this process has taken it, by the event loop's clock."""
    attempt: asyncio.Task[Any] | None = None
    """What drives it here, as soon as that has begun."""


@dataclass(slots=True)
class DbosEngine:
    """Drives attempts from a durable queue."""

    runtime: Runtime
    journal: Journal
    path: Path
    """The SQLite file of the queue, beside the cell's own."""
    concurrency: int = CONCURRENT_RUNS
    retry_seconds: float = RETRY_SECONDS
    _queued: dict[str, _Queued] = field(default_factory=dict[str, _Queued])
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _retries: Retries = field(init=False)
    _database: sqlalchemy.Engine | None = None
    _threads: ThreadPoolExecutor | None = None
    # What queues a run; there is one exactly while runs are taken from the queue.
    _workflow: Callable[[str], Coroutine[Any, Any, str]] | None = None

    def __post_init__(self) -> None:
        self._retries = Retries(self.dispatch, self.retry_seconds)

    async def start(self) -> None:
        """Opens the queue and takes up what is in it. Raises `ConflictError` when one is at work in this process."""
        self._database = _wal_engine(self.path)
        DBOS(config=self._config(self._database))
        if DBOS.executor_id != self.runtime.executor:
            self._database.dispose()
            raise ConflictError(
                "Another durable cell is at work in this process", hint="Give each a process of its own"
            )
        # Not the event loop's own threads: DBOS would put its own in their place and take them away when it ends.
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="remit-queue")

        @DBOS.workflow(name=WORKFLOW)
        async def drive(run: str) -> str:
            return await self._drive(run)

        self._workflow = cast("Callable[[str], Coroutine[Any, Any, str]]", drive)
        DBOS.listen_queues([QUEUE])
        DBOS.launch()  # in this thread, so that workflows run on its event loop
        await self._in_thread(self._register)
        self.runtime.tell(self.dispatch)
        await self.tidy()
        self._begin(self._keep_tidy())

    def _config(self, database: sqlalchemy.Engine) -> DBOSConfig:
        return {
            "name": "remit",
            "system_database_url": f"sqlite:///{self.path}",
            "system_database_engine": database,
            "application_version": VERSION,
            "executor_id": self.runtime.executor,
            "serializer": DBOSPortableJSONSerializer(),
            "max_executor_threads": THREADS,
            # Nothing is sent; this is how soon the thread that waits for it notices the end.
            "notification_listener_polling_interval_sec": POLL_SECONDS,
            "enable_otlp": False,
            "log_level": "ERROR",
        }

    def _register(self) -> None:
        DBOS.register_queue(QUEUE, worker_concurrency=self.concurrency, polling_interval_sec=POLL_SECONDS)

    def dispatch(self, run: str) -> bool:
        """Queues the next attempt of a run, unless it is queued or under way here; returns whether it did."""
        if self._workflow is None or run in self._retries or run in self._queued:
            return False
        self._hand_over(run)
        return True

    async def drive(self, run: str) -> Run:
        """Drives a run, and whoever it hands work to, until it ends or waits for something outside."""
        if self._workflow is None:
            raise ConflictError("The engine is not at work", which=run)
        return await drive_family(run, self.journal, lambda each: asyncio.shield(self._hand_over(each)))

    def room(self) -> int:
        """Returns how many more runs could be queued now without waiting long."""
        return max(0, self.concurrency * AHEAD - len(self._queued))

    async def drain(self, seconds: float) -> None:
        """Takes nothing more from the queue and waits for what has begun here, at most `seconds`."""
        await self._leave_queue()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while under_way := self._under_way():
                    await asyncio.wait(under_way)

    async def close(self) -> None:
        """Stops the queue; what is in it stays there."""
        await self._leave_queue()
        await break_off(self._under_way())
        for run, queued in list(self._queued.items()):
            self._ended(run, queued)
        if self._threads is not None:
            self._threads.shutdown(wait=False)
        if self._database is not None:
            self._database.dispose()

    async def _leave_queue(self) -> None:
        """Takes nothing more from the queue: a process that drains must not eat what another could drive."""
        if self._workflow is None:
            return
        self._workflow = None
        self._retries.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._in_thread(lambda: DBOS.destroy(destroy_registry=True))

    def _under_way(self) -> list[asyncio.Task[Any]]:
        return [queued.attempt for queued in self._queued.values() if queued.attempt is not None]

    # --- queueing and driving

    def _hand_over(self, run: str) -> asyncio.Future[None]:
        queued = self._queued.get(run)
        if queued is None:
            queued = self._note(run)
            self._begin(self._enqueue(run, queued))
        return queued.ended

    def _note(self, run: str) -> _Queued:
        queued = self._queued[run] = _Queued(asyncio.get_running_loop().create_future())
        return queued

    async def _enqueue(self, run: str, queued: _Queued) -> None:
        workflow = self._workflow
        if workflow is None:
            return
        try:
            entry = await self._in_thread(lambda: DBOS.enqueue_workflow(QUEUE, workflow, run))
        except Exception as fault:  # noqa: BLE001  the journal still says that it is ready
            self._retries.after(run, fault)
            self._ended(run, queued)
        else:
            queued.entry = entry.get_workflow_id()

    async def _drive(self, run: str) -> str:
        """The workflow: strings in and out, and no exception DBOS would have to keep."""
        queued = self._queued.get(run) or self._note(run)
        if queued.attempt is not None:
            return "under way"
        queued.attempt = asyncio.current_task()
        state = "fault"
        try:
            if self._workflow is not None:
                state = (await self.runtime.drive(run)).state.value
        except Exception as fault:  # noqa: BLE001  the run is found again in the journal, whatever this was
            self._retries.after(run, fault)
        finally:
            self._ended(run, queued)
        if self._workflow is None:
            raise asyncio.CancelledError  # DBOS has ended meanwhile and could not note that this has
        return state

    def _ended(self, run: str, queued: _Queued) -> None:
        if self._queued.get(run) is queued:
            del self._queued[run]
        if not queued.ended.done():
            queued.ended.set_result(None)

    # --- keeping the queue tidy

    async def tidy(self) -> None:
        """Forgets runs whose entry somebody else took, and drops entries that are finished or of dead processes."""
        await self._forget_taken()
        here = self.runtime.executors_at_work()
        begun = await self._entries("PENDING")
        await self._drop([each.workflow_id for each in begun if each.executor_id not in here])
        while ended := await self._entries(ENDED, limit=DROPPED):
            await self._drop([each.workflow_id for each in ended])

    async def _forget_taken(self) -> None:
        """Lets go of runs whose entry is not in the queue any more and will not begin here."""
        waiting = {queued.entry: run for run, queued in self._queued.items() if queued.entry and not queued.attempt}
        if not waiting:
            return
        for each in await self._entries(["ENQUEUED", "PENDING"], workflow_ids=list(waiting)):
            queued = self._queued.get(waiting[each.workflow_id])
            if each.status == "ENQUEUED" or queued is None or self._begins_soon(queued, each):
                del waiting[each.workflow_id]
        for entry, run in waiting.items():
            queued = self._queued.get(run)
            if queued is not None and queued.entry == entry and queued.attempt is None:
                self._ended(run, queued)

    def _begins_soon(self, queued: _Queued, entry: WorkflowStatus) -> bool:
        if entry.executor_id != self.runtime.executor:
            return False
        now = asyncio.get_running_loop().time()
        queued.taken_at = queued.taken_at or now
        return now - queued.taken_at < BEGINS_SECONDS

    async def _keep_tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            try:
                await self.tidy()
            except Exception:  # noqa: BLE001  the queue may be busy; it is tidied next time
                _log.exception("the queue could not be tidied")

    async def _entries(self, status: str | list[str], **more: Any) -> list[WorkflowStatus]:
        return await self._in_thread(
            lambda: DBOS.list_workflows(status=status, name=WORKFLOW, load_input=False, load_output=False, **more)
        )

    async def _drop(self, entries: Sequence[str]) -> None:
        if entries:
            await self._in_thread(lambda: DBOS.delete_workflows(list(entries)))

    # --- threads and tasks

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        assert self._threads is not None  # noqa: S101  nothing is asked of the queue before it is opened
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _wal_engine(path: Path) -> sqlalchemy.Engine:
    """Opens the queue's file as DBOS would, in WAL mode besides, which makes it four times faster."""
    Database(f"sqlite:///{path.name}", folder=path.parent).connect().close()  # WAL from here on, whoever else opens it
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "foreign_keys=ON", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
