"""Who drives attempts: the narrow interface of an engine, and the one that works inside this process."""

import asyncio

from remit.journal import Run
from remit.runtime.runtime import Runtime

# Runs in flight at once; each waits mostly for tools and models.
CONCURRENT_RUNS = 100


class InlineEngine:
    """Drives attempts in the calling process, for tests and the command line. It keeps no queue of its own: the journal is the truth."""

    def __init__(self, runtime: Runtime, *, concurrency: int = CONCURRENT_RUNS) -> None:
        self._runtime = runtime
        self._slots = asyncio.Semaphore(concurrency)
        self._driving: dict[str, asyncio.Task[Run]] = {}

    def dispatch(self, run: str) -> asyncio.Task[Run]:
        """Drives the next attempt of `run` soon; a run that is being driven here is not driven twice."""
        known = self._driving.get(run)
        if known is not None and not known.done():
            return known
        driving = asyncio.create_task(self._drive(run), name=f"drive {run}")
        self._driving[run] = driving
        driving.add_done_callback(lambda _: self._driving.pop(run, None) if self._driving.get(run) is driving else None)
        return driving

    async def drain(self) -> None:
        """Waits until nothing is driven any more."""
        while self._driving:
            await asyncio.wait(list(self._driving.values()))

    async def _drive(self, run: str) -> Run:
        async with self._slots:
            return await self._runtime.drive(run)
