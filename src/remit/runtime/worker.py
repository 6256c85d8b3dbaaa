"""What keeps a cell at work: what can go on is queued, what dead processes left is taken over, chores are done in time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from remit.journal import Journal
from remit.runtime.engine import BEATS, Engine
from remit.runtime.runtime import Runtime

_log = logging.getLogger("remit.runtime")
# How soon a run goes on that another process made ready: an answer from the command line, a timer that is due.
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Chore:
    """Something done every `seconds` for as long as the cell is at work; a failure is logged and tried again then."""

    name: str
    seconds: float
    work: Callable[[], Awaitable[object]]


class Worker:
    """Reconciles the engine with the journal, on start-up and ever after, until it is stopped."""

    def __init__(
        self,
        *,
        runtime: Runtime,
        engine: Engine,
        journal: Journal,
        executor_seconds: float,
        drain_seconds: float,
        chores: Sequence[Chore] = (),
    ) -> None:
        self._runtime = runtime
        self._engine = engine
        self._journal = journal
        self._drain_seconds = drain_seconds
        self._stopping = asyncio.Event()
        beat = executor_seconds / BEATS
        own = (  # the heartbeat first: it goes on while the engine drains
            Chore("heartbeat", beat, runtime.beat),
            Chore("queue what can go on", LOOK_SECONDS, self._queue_ready),
            Chore("take over what was left", beat, self._take_over),
        )
        self._chores = (*own, *chores)

    async def work(self) -> None:
        """Works until `stop`, then drains: nothing new begins, what is under way is parked or ends."""
        await self._runtime.beat()
        doing: list[asyncio.Task[None]] = []
        try:
            await self._engine.start()
            doing += [asyncio.create_task(self._repeat(chore), name=chore.name) for chore in self._chores]
            await self._stopping.wait()
            await _end(doing[1:])
            self._runtime.drain()
            await self._engine.drain(self._drain_seconds)
        finally:
            await _end(doing)
            await self._engine.close()

    def stop(self) -> None:
        """Asks `work` to come to its end."""
        self._stopping.set()

    async def _repeat(self, chore: Chore) -> None:
        while True:
            try:
                await chore.work()
            except Exception:  # noqa: BLE001  a chore that fails once must not end the process
                _log.exception("%s failed; it is tried again", chore.name)
            await asyncio.sleep(chore.seconds)

    async def _queue_ready(self) -> None:
        if room := self._engine.room():
            for run in self._journal.ready_runs(limit=room):
                self._engine.dispatch(run)

    async def _take_over(self) -> None:
        for run in self._runtime.left_runs()[: self._engine.room()]:
            if self._engine.dispatch(run):
                _log.warning("the process that drove %s is gone; it is taken over", run)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
