"""Who drives attempts: the narrow interface of an engine, one inside the calling process, one that leaves it to others.

The journal is the truth and an engine its dispatcher: what it was told and has lost is found again in the journal.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Any, Protocol

from remit.core import ConflictError, NotFoundError
from remit.journal import Journal, Run, RunState
from remit.runtime.runtime import Runtime

_log = logging.getLogger("remit.runtime")
# Runs in flight at once; each waits mostly for tools and models.
CONCURRENT_RUNS = 100
# Heartbeats in the time after which a silent process counts as gone.
BEATS = 3
# A run that could not be driven is left alone so long: what stood in its way (a busy database) may be over then.
RETRY_SECONDS = 5.0
# What an attempt that is broken off gets to hear how its last call ended.
BREAK_OFF_SECONDS = 1.0


class Engine(Protocol):
    """Drives attempts: as it is asked (`InlineEngine`), as it claims runs (`ClaimsEngine`), or not at all (`RemoteEngine`)."""

    async def start(self) -> None:
        """Takes up work."""
        ...

    def dispatch(self, run: str) -> bool:
        """Queues the next attempt of a run, unless it is queued or under way here; returns whether it did.

        An engine that is not at work leaves it to whoever finds it in the journal.
        """
        ...

    def take_over(self, run: str) -> bool:
        """Drives a run on that its process has left; returns whether it tries to."""
        ...

    async def refill(self) -> None:
        """Takes up what the journal has that can go on, as far as there is room."""
        ...

    async def drive(self, run: str) -> Run:
        """Drives a run, and whoever it hands work to, until it ends or waits for something outside."""
        ...

    def room(self, *, for_left: bool = False) -> int:
        """Returns how many more runs could be driven now; `for_left`, of those that their process has left."""
        ...

    async def drain(self, seconds: float) -> None:
        """Begins nothing more and waits until nothing is under way any more, at most `seconds`."""
        ...

    async def close(self) -> None:
        """Stops; attempts under way are broken off and left to whoever finds them."""
        ...


class Retries:
    """Runs that could not be driven: each is handed over again after a while, and not before."""

    def __init__(self, hand_over: Callable[[str], object], seconds: float) -> None:
        self._hand_over = hand_over
        self._seconds = seconds
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def __contains__(self, run: object) -> bool:
        return run in self._timers

    def after(self, run: str, fault: BaseException) -> None:
        """Tries `run` again after a while; one that does not exist is only told of."""
        _log.error("run %s could not be driven", run, exc_info=fault)
        if run not in self._timers and not isinstance(fault, NotFoundError):
            loop = asyncio.get_running_loop()
            self._timers[run] = loop.call_later(self._seconds, self._again, run)

    def close(self) -> None:
        """Tries nothing again any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _again(self, run: str) -> None:
        del self._timers[run]
        self._hand_over(run)


def dispatch_ready(engine: Engine, journal: Journal) -> None:
    """Dispatches what can go on, the longest ready first, as far as there is room."""
    if room := engine.room():
        for run in journal.ready_runs(limit=room):
            engine.dispatch(run)


async def break_off(attempts: Collection[asyncio.Task[Any]]) -> None:
    """Ends attempts in the middle, as the end of their process would."""
    for _ in range(2):  # the first time, an attempt still waits for the outcome of its last call
        for attempt in attempts:
            attempt.cancel()
        if attempts:
            await asyncio.wait(attempts, timeout=BREAK_OFF_SECONDS)


async def drive_family(run: str, journal: Journal, attempt: Callable[[str], Awaitable[object]]) -> Run:
    """Makes attempts of a run, and of whoever it hands work to, until it ends or waits for something outside."""
    while True:
        before = journal.run(run).attempt
        await attempt(run)
        done = journal.run(run)
        child = journal.find_run(done.waits_for) if done.state is RunState.WAITING else None
        # A process that is about to stop begins no attempt any more.
        if child is None or (child.state.is_over and done.attempt == before):
            for rollback in journal.undoing.open_rollbacks(run) if done.state is RunState.FAILED else ():
                await drive_family(rollback.id, journal, attempt)
            return done
        if not child.state.is_over and not (await drive_family(child.id, journal, attempt)).state.is_over:
            return journal.run(run)


class InlineEngine:
    """Drives attempts in the calling process, for tests and the command line. It keeps no queue of its own."""

    def __init__(
        self,
        runtime: Runtime,
        journal: Journal,
        *,
        executor_seconds: float,
        concurrency: int = CONCURRENT_RUNS,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._runtime = runtime
        self._journal = journal
        self._pause = executor_seconds / BEATS
        self._concurrency = concurrency
        self._slots = asyncio.Semaphore(concurrency)
        self._driving: dict[str, asyncio.Task[Run]] = {}
        self._retries = Retries(self.dispatch, retry_seconds)
        self._beating: asyncio.Task[None] | None = None
        self._is_closed = False
        runtime.tell(self.dispatch)

    async def start(self) -> None:
        """Has nothing to start: it works when it is asked."""

    def dispatch(self, run: str) -> bool:
        """Drives the next attempt of `run` soon, unless it is being driven here; returns whether it will."""
        known = self._driving.get(run)
        if self._is_closed or run in self._retries or (known is not None and not known.done()):
            return False
        self._hand_over(run)
        return True

    def take_over(self, run: str) -> bool:
        """Drives a run on that its process has left; returns whether it tries to."""
        return self.dispatch(run)

    async def refill(self) -> None:
        """Takes up what the journal has that can go on, as far as there is room."""
        dispatch_ready(self, self._journal)

    async def drive(self, run: str) -> Run:
        """Drives a run, and whoever it hands work to, until it ends or waits for something outside.

        The attempt goes on when the caller goes away.
        """
        if self._is_closed:
            raise ConflictError("The engine is not at work", which=run)
        return await drive_family(run, self._journal, lambda each: asyncio.shield(self._hand_over(each)))

    def room(self, *, for_left: bool = False) -> int:
        """Returns how many more runs could be driven at once, whatever they are."""
        return max(0, self._concurrency - len(self._driving))

    async def drain(self, seconds: float) -> None:
        """Waits until nothing is driven any more, at most `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._driving:
                    await asyncio.wait(list(self._driving.values()))

    async def close(self) -> None:
        """Stops; attempts under way are broken off and left to whoever finds them."""
        self._is_closed = True
        self._retries.close()
        await break_off(list(self._driving.values()))
        if self._beating is not None:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating

    def _hand_over(self, run: str) -> asyncio.Task[Run]:
        known = self._driving.get(run)
        if known is not None and not known.done():
            return known
        driving = self._driving[run] = asyncio.create_task(self._drive(run), name=f"drive {run}")
        driving.add_done_callback(lambda ended: self._ended(run, ended))
        if self._beating is None or self._beating.done():
            self._beating = asyncio.create_task(self._beat(), name="heartbeat")
        return driving

    def _ended(self, run: str, driving: asyncio.Task[Run]) -> None:
        if self._driving.get(run) is driving:
            del self._driving[run]
        if not driving.cancelled() and (fault := driving.exception()) and not self._is_closed:
            self._retries.after(run, fault)

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


class RemoteEngine:
    """Drives nothing: what can go on, another process finds in the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def start(self) -> None:
        """Has nothing to start."""

    def dispatch(self, run: str) -> bool:
        """Leaves `run` to whoever finds it in the journal."""
        return False

    def take_over(self, run: str) -> bool:
        """Leaves `run` to whoever finds it in the journal."""
        return False

    async def refill(self) -> None:
        """Takes up nothing."""

    async def drive(self, run: str) -> Run:
        """Returns the run as others have driven it so far."""
        return self._journal.run(run)

    def room(self, *, for_left: bool = False) -> int:
        """Returns none: nothing is queued here."""
        return 0

    async def drain(self, seconds: float) -> None:
        """Has nothing to wait for."""

    async def close(self) -> None:
        """Has nothing to stop."""
