"""What keeps a cell at work: what can go on is queued, what dead processes left is taken over, chores are done in time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from remit.core import ConflictError
from remit.runtime.engine import BEATS, Engine
from remit.runtime.last_resort import EndProcess, LastResort
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


class FencedError(ConflictError):
    """This process has stopped itself, because others may have taken over what it drove."""

    def __init__(self, executor: str, why: str) -> None:
        hint = "Others go on with its runs; start it again"
        super().__init__("This worker has stopped itself", which=executor, why=why, hint=hint)


class Worker:
    """Reconciles the engine with the journal, on start-up and ever after, until it is stopped."""

    def __init__(
        self,
        *,
        runtime: Runtime,
        engine: Engine,
        executor_seconds: float,
        drain_seconds: float,
        chores: Sequence[Chore] = (),
        last_resort: EndProcess | None = None,
    ) -> None:
        """Stops itself when the runtime does not trust itself any more.

        `last_resort` is how the process ends where it then does not come to its end by itself.
        """
        self._runtime = runtime
        self._engine = engine
        self._drain_seconds = drain_seconds
        self._stopping = asyncio.Event()
        beat = executor_seconds / BEATS
        own = (  # the heartbeat first: it goes on while the engine drains
            Chore("heartbeat", beat, runtime.beat),
            Chore("queue what can go on", LOOK_SECONDS, engine.refill),
            Chore("take over what was left", beat, self._take_over),
        )
        self._chores = (*own, *chores)
        self._watch_seconds = beat / BEATS
        self._fault = ""
        self._last_resort = LastResort(runtime.fault, last_resort) if last_resort else None

    async def work(self) -> None:
        """Works until `stop`, then drains: nothing new begins, what is under way is parked or ends."""
        await self._runtime.beat()
        doing: list[asyncio.Task[None]] = []
        if self._last_resort is not None:
            self._last_resort.arm()
        try:
            await self._engine.start()
            doing += [asyncio.create_task(self._repeat(chore), name=chore.name) for chore in self._chores]
            watching = asyncio.create_task(self._watch(), name="watch itself")
            doing.append(watching)
            await self._stopping.wait()
            await _end(doing[1:-1])
            self._runtime.drain()
            await self._leave(watching)
        finally:
            await _end(doing)
            await self._engine.close()
            if self._last_resort is not None and not self._fault:
                self._last_resort.disarm()
        if self._fault:
            raise FencedError(self._runtime.executor, self._fault)

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

    async def _watch(self) -> None:
        """Returns when this process may not trust itself any more."""
        while not self._fault:
            await asyncio.sleep(self._watch_seconds)
            self._fault = self._runtime.fault()
        self._runtime.drain()
        self._stopping.set()

    async def _leave(self, watching: asyncio.Task[None]) -> None:
        """Drains; but what others may have taken over is not waited for."""
        draining = asyncio.create_task(self._engine.drain(self._drain_seconds), name="drain")
        await asyncio.wait([draining, watching], return_when=asyncio.FIRST_COMPLETED)
        await _end([draining])

    async def _take_over(self) -> None:
        if self._runtime.fault():
            return  # what looks late to a clock that jumped may be well
        for run in self._runtime.left_runs()[: self._engine.room(for_left=True)]:
            if self._engine.take_over(run):
                _log.info("the process that drove %s is gone; it is taken over", run)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
