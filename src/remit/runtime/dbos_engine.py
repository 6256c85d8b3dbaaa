"""The engine on DBOS: attempts are queued in a database of its own, so a backlog outlives the process that took it on.

DBOS queues, limits and dispatches; it saves no step of a run. A workflow is one call of `Runtime.drive` with a run's
id, strings in and out. Whatever it loses (a queue entry, a workflow of a process that died) is found again in the
journal, so only its public interface is used. It is one per process, as a cell is.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import sqlalchemy
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer
from sqlalchemy import event

from remit.core import ConflictError
from remit.journal import Journal, Run
from remit.runtime.engine import drive_family
from remit.runtime.runtime import Runtime

_log = logging.getLogger("remit.runtime")
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
# Finished entries of the queue are of no use to anybody; so many are dropped at once.
DROPPED = 500
# Entries the queue was asked for that somebody else may have taken are looked at again after so long.
DOUBT_SECONDS = 1.0


@dataclass(slots=True)
class _Queued:
    """A run that was handed to the queue by this process."""

    since: float
    ended: asyncio.Future[None]
    has_begun: bool = False


@dataclass(slots=True)
class DbosEngine:
    """Drives attempts from a durable queue."""

    runtime: Runtime
    journal: Journal
    path: Path
    """The SQLite file of the queue, beside the cell's own."""
    concurrency: int = CONCURRENT_RUNS
    _queued: dict[str, _Queued] = field(default_factory=dict[str, _Queued])
    _enqueueing: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _workflow: Callable[[str], Coroutine[Any, Any, str]] | None = None

    async def start(self) -> None:
        """Opens the queue and takes up what is in it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        config: DBOSConfig = {
            "name": "remit",
            "system_database_url": f"sqlite:///{self.path}",
            "system_database_engine": _wal_engine(self.path),
            "application_version": VERSION,
            "executor_id": self.runtime.executor,
            "serializer": DBOSPortableJSONSerializer(),
            "max_executor_threads": THREADS,
            "notification_listener_polling_interval_sec": 1.0,
            "enable_otlp": False,
            "log_level": "ERROR",
        }
        DBOS(config=config)

        @DBOS.workflow(name=WORKFLOW)
        async def drive(run: str) -> str:
            return await self._drive(run)

        self._workflow = cast("Callable[[str], Coroutine[Any, Any, str]]", drive)
        DBOS.listen_queues([QUEUE])
        DBOS.launch()  # in this thread, so that workflows run on its event loop
        await DBOS.register_queue_async(QUEUE, worker_concurrency=self.concurrency, polling_interval_sec=POLL_SECONDS)
        self.runtime.tell(self.dispatch)
        await self.tidy()

    def dispatch(self, run: str) -> None:
        """Queues the next attempt of a run; one that is under way here is not queued twice."""
        self._hand_over(run)

    async def drive(self, run: str) -> Run:
        """Drives a run, and whoever it hands work to, until it ends or waits for something outside."""
        return await drive_family(run, self.journal, lambda each: asyncio.shield(self._hand_over(each)))

    def room(self) -> int:
        """Returns how many more runs could be queued now without waiting long."""
        self._forget_taken()
        return max(0, self.concurrency * AHEAD - len(self._queued))

    async def drain(self, seconds: float) -> None:
        """Waits until nothing that has begun here is under way any more, at most `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while begun := [each.ended for each in self._queued.values() if each.has_begun]:
                    await asyncio.wait(begun)

    async def close(self) -> None:
        """Stops the queue; what is in it stays there."""
        for task in list(self._enqueueing):
            task.cancel()
        if self._workflow is not None:
            self._workflow = None
            await asyncio.to_thread(DBOS.destroy, destroy_registry=True)

    async def tidy(self) -> None:
        """Takes what dead processes had begun out of the queue, and drops what is finished."""
        here = self.runtime.executors_at_work()
        begun = await DBOS.list_workflows_async(status="PENDING", name=WORKFLOW, load_input=False, load_output=False)
        left = [each.workflow_id for each in begun if each.executor_id not in here]
        if left:
            await DBOS.cancel_workflows_async(left)
        for status in ("SUCCESS", "ERROR", "CANCELLED"):
            ended = await DBOS.list_workflows_async(
                status=status, name=WORKFLOW, limit=DROPPED, load_input=False, load_output=False
            )
            if ended:
                await DBOS.delete_workflows_async([each.workflow_id for each in ended])

    def _hand_over(self, run: str) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        known = self._queued.get(run)
        if known is not None:
            return known.ended
        queued = self._queued[run] = _Queued(loop.time(), loop.create_future())
        task = loop.create_task(self._enqueue(run), name=f"queue {run}")
        self._enqueueing.add(task)
        task.add_done_callback(self._enqueueing.discard)
        return queued.ended

    async def _enqueue(self, run: str) -> None:
        if self._workflow is None:
            self._ended(run)
            raise ConflictError("The engine is not started", which=run)
        try:
            await DBOS.enqueue_workflow_async(QUEUE, self._workflow, run)
        except Exception:  # noqa: BLE001  the journal still says that it is ready, so the next round queues it again
            _log.exception("run %s could not be queued", run)
            self._ended(run)

    async def _drive(self, run: str) -> str:
        """The workflow: strings in and out, and no exception DBOS would have to keep."""
        loop = asyncio.get_running_loop()
        queued = self._queued.setdefault(run, _Queued(loop.time(), loop.create_future()))
        queued.has_begun = True
        try:
            return (await self.runtime.drive(run)).state.value
        except Exception as fault:  # noqa: BLE001  the run is found again in the journal, whatever this was
            _log.exception("run %s could not be driven", run)
            return f"fault: {type(fault).__name__}"
        finally:
            self._ended(run)

    def _ended(self, run: str) -> None:
        queued = self._queued.pop(run, None)
        if queued is not None and not queued.ended.done():
            queued.ended.set_result(None)

    def _forget_taken(self) -> None:
        """Lets go of what another process has taken from the queue, or driven meanwhile."""
        loop = asyncio.get_running_loop()
        late = loop.time() - DOUBT_SECONDS
        for run, queued in list(self._queued.items()):
            if not queued.has_begun and queued.since < late:
                found = self.journal.find_run(run)
                if found is None or found.ready_at is None:
                    self._ended(run)


def _wal_engine(path: Path) -> sqlalchemy.Engine:
    """Opens the queue's file as DBOS would, in WAL mode besides, which makes it four times faster."""
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "foreign_keys=ON", "journal_mode=WAL", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
