"""Who drives attempts: the narrow interface of an engine, and the one that works inside the calling process.

The journal is the truth and an engine its dispatcher: what it was told and has lost is found again in the journal.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from remit.journal import Journal, Run, RunState
from remit.runtime.runtime import Runtime

_log = logging.getLogger("remit.runtime")
# Runs in flight at once; each waits mostly for tools and models.
CONCURRENT_RUNS = 100
# Heartbeats in the time after which a silent process counts as gone.
BEATS = 3


class Engine(Protocol):
    """Drives attempts of runs: in this process (`InlineEngine`), or from a durable queue (`DbosEngine`)."""

    async def start(self) -> None:
        """Takes up work."""
        ...

    def dispatch(self, run: str) -> object:
        """Queues the next attempt of a run; one that is under way here is not queued twice."""
        ...

    async def drive(self, run: str) -> Run:
        """Drives a run, and whoever it hands work to, until it ends or waits for something outside."""
        ...

    def room(self) -> int:
        """Returns how many more runs could be queued now without waiting long."""
        ...

    async def drain(self, seconds: float) -> None:
        """Waits until nothing is under way any more, at most `seconds`."""
        ...

    async def close(self) -> None:
        """Stops; attempts under way are left to whoever finds them."""
        ...


async def drive_family(run: str, journal: Journal, attempt: Callable[[str], Awaitable[object]]) -> Run:
    """Makes attempts of a run, and of whoever it hands work to, until it ends or waits for something outside."""
    while True:
        await attempt(run)
        done = journal.run(run)
        child = journal.find_run(done.waits_for) if done.state is RunState.WAITING else None
        if child is None:
            return done
        if not child.state.is_over and not (await drive_family(child.id, journal, attempt)).state.is_over:
            return journal.run(run)


class InlineEngine:
    """Drives attempts in the calling process, for tests and the command line. It keeps no queue of its own."""

    def __init__(self, runtime: Runtime, journal: Journal, *, executor_seconds: float) -> None:
        self._runtime = runtime
        self._journal = journal
        self._pause = executor_seconds / BEATS
        self._slots = asyncio.Semaphore(CONCURRENT_RUNS)
        self._driving: dict[str, asyncio.Task[Run]] = {}
        self._beating: asyncio.Task[None] | None = None
        runtime.tell(self.dispatch)

    async def start(self) -> None:
        """Has nothing to start: it works when it is asked."""

    def dispatch(self, run: str) -> asyncio.Task[Run]:
        """Drives the next attempt of `run` soon; a run that is being driven here is not driven twice."""
        known = self._driving.get(run)
        if known is not None and not known.done():
            return known
        driving = asyncio.create_task(self._drive(run), name=f"drive {run}")
        self._driving[run] = driving
        driving.add_done_callback(lambda _: self._driving.pop(run, None) if self._driving.get(run) is driving else None)
        if self._beating is None or self._beating.done():
            self._beating = asyncio.create_task(self._beat(), name="heartbeat")
        return driving

    async def drive(self, run: str) -> Run:
        """Drives a run, and whoever it hands work to, until it ends or waits for something outside."""
        return await drive_family(run, self._journal, self.dispatch)

    def room(self) -> int:
        """Returns how many more runs could be driven at once."""
        return max(0, CONCURRENT_RUNS - len(self._driving))

    async def drain(self, seconds: float) -> None:
        """Waits until nothing is driven any more, at most `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._driving:
                    await asyncio.wait(list(self._driving.values()))

    async def close(self) -> None:
        """Stops the heartbeat."""
        if self._beating is not None:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating

    async def _drive(self, run: str) -> Run:
        async with self._slots:
            return await self._runtime.drive(run)

    async def _beat(self) -> None:
        """Says that this process is alive while it drives anything; beginning an attempt says so too."""
        await asyncio.sleep(self._pause)
        while self._driving:
            try:
                await self._runtime.beat()
            except Exception:  # noqa: BLE001  the next beat may get through
                _log.exception("a heartbeat could not be kept")
            await asyncio.sleep(self._pause)
