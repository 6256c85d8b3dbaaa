"""The engine of workers: the journal is the queue, and this process claims from it as much as it can drive.

A claim, an attempt's begin and each of its steps are guarded commits, so any number of workers may do this at once. What
a worker that died has claimed is free again when its lease runs out; what it has begun is taken over.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from remit.core import ConflictError, RemitError
from remit.journal import Claims, Journal, Run
from remit.runtime.engine import RETRY_SECONDS, Retries, break_off
from remit.runtime.runtime import Runtime
from remit.store import Committed, Writer

_log = logging.getLogger("remit.runtime")
# Claims take a fifth of the time at most, however much there is to look through.
REST = 4
SHORTEST_REST, LONGEST_REST = 0.005, 1.0
# While more waits than there is room for, an eighth of the places are claimed for together: a claim costs what many cost.
WORTH_A_CLAIM = 8
# Runs whose releases are compiled, one after another, before they begin: of more the claims would run out meanwhile, and
# another worker would compile and begin the same.
PREPARED_AT_ONCE = 40
# What a process has left is taken over by one that is full, too, up to so many times its places: it claims nothing new
# until it is below them again. Runs that nobody drives would wait behind everything that waits already.
LEFT_SHARE = 2


@dataclass(slots=True)
class ClaimsEngine:
    """Drives runs that it has claimed in the journal, `concurrency` at once."""

    runtime: Runtime
    journal: Journal
    writer: Writer
    claims: Claims
    releases: Callable[[], Collection[str]]
    """What is loaded here; runs of other releases are left to workers that have them."""
    concurrency: int
    expire_seconds: float
    """How often claims that ran out are looked for."""
    retry_seconds: float = RETRY_SECONDS
    _has_started: bool = False
    _driving: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, "asyncio.Task[None]"])
    _unknown: set[str] = field(default_factory=set[str])
    _retries: Retries = field(init=False)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _has_more: bool = False
    """Whether more waited, at the latest claim, than there was room for."""
    _tasks: list[asyncio.Task[None]] = field(default_factory=list["asyncio.Task[None]"])

    def __post_init__(self) -> None:
        self._retries = Retries(self.take_over, self.retry_seconds)

    async def start(self) -> None:
        """Takes up work."""
        self._has_started = True
        self.runtime.tell(self.dispatch)
        self._tasks = [
            asyncio.create_task(self._keep_claiming(), name="claim"),
            asyncio.create_task(self._keep_expiring(), name="give back late claims"),
        ]

    def dispatch(self, run: str) -> bool:
        """Looks at once for what can go on; `run` gets its turn, here or elsewhere."""
        self._wake.set()
        return False

    def take_over(self, run: str) -> bool:
        """Takes a run over that its process has left; returns whether it tries to."""
        if not self._tasks or run in self._driving or run in self._retries or not self.room(for_left=True):
            return False
        self._drive(run, self.runtime.take_over(run))
        return True

    async def drive(self, run: str) -> Run:
        """Returns the run as it was driven so far: it gets its turn like every other."""
        if not self._tasks:
            raise ConflictError("The engine is not at work", which=run)
        self._wake.set()
        return self.journal.run(run)

    async def refill(self) -> None:
        """Looks for what can go on, if there is room."""
        self._wake.set()

    def room(self, *, for_left: bool = False) -> int:
        """Returns how many more runs could be driven now; `for_left`, of those that their process has left."""
        return max(0, self.concurrency * (LEFT_SHARE if for_left else 1) - len(self._driving))

    async def drain(self, seconds: float) -> None:
        """Claims nothing more, gives back what has not begun, and waits for the rest, at most `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop_claiming()
                await self._give_back()
                while self._driving:
                    await asyncio.wait(list(self._driving.values()))

    async def close(self) -> None:
        """Stops; attempts under way are broken off and left to whoever finds them."""
        await self._stop_claiming()
        await break_off(list(self._driving.values()))
        if self._has_started:
            await self._give_back()

    async def _stop_claiming(self) -> None:
        tasks, self._tasks = self._tasks, []
        self._retries.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _give_back(self) -> None:
        with suppress(RemitError):  # else they run out
            await self.writer.commit(self.claims.release())

    # --- claiming

    async def _keep_claiming(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            began = time.monotonic()
            try:
                await self._claim()
            except Exception:  # noqa: BLE001  the database may be away for a while
                _log.exception("nothing could be claimed; it is tried again")
            rest = REST * (time.monotonic() - began)
            await asyncio.sleep(min(LONGEST_REST, max(SHORTEST_REST, rest)))

    async def _claim(self) -> None:
        room = self._claimable()
        if not room or self.runtime.fault() or not self.journal.has_ready_runs():
            return
        result = await self.writer.commit(self.claims.claim(room=room, unknown=self._left_to_others()))
        if not isinstance(result, Committed):
            return
        runs, known = self.claims.claimed(result), self.releases()
        self._unknown.update(run.release for run in runs if run.release not in known)
        # What is just being parked here, and can go on already, gets its turn once its last attempt has ended.
        ours = {run.id for run in runs if run.release in known and run.id not in self._driving}
        for run in runs:
            if run.id in ours:
                self._drive(run.id, self.runtime.drive_claimed(run))
        if others := [run for run in runs if run.id not in ours]:
            await self.writer.commit(self.claims.give_back(others))
        self._has_more = len(runs) == room
        if runs and self._claimable():
            self._wake.set()

    def _claimable(self) -> int:
        """Returns how many runs may be claimed now: as many as there is room for, and can begin in time."""
        return max(0, min(self.room(), PREPARED_AT_ONCE - self.runtime.preparing))

    def _left_to_others(self) -> Collection[str]:
        """Returns releases that have runs and are not loaded here: one claim of each was given back."""
        self._unknown.difference_update(self.releases())
        return self._unknown

    async def _keep_expiring(self) -> None:
        while True:
            try:
                await self.writer.commit(self.claims.expire())
            except Exception:  # noqa: BLE001  as above
                _log.exception("late claims could not be given back; it is tried again")
            await asyncio.sleep(self.expire_seconds)

    # --- driving

    def _drive(self, run: str, work: Coroutine[Any, Any, None]) -> None:
        driving = self._driving[run] = asyncio.create_task(work, name=f"drive {run}")
        driving.add_done_callback(lambda ended: self._ended(run, ended))

    def _ended(self, run: str, driving: asyncio.Task[None]) -> None:
        if self._driving.get(run) is driving:
            del self._driving[run]
        if self._has_more and self.room() * WORTH_A_CLAIM >= self.concurrency:
            self._wake.set()
        if not driving.cancelled() and (fault := driving.exception()) and self._tasks:
            self._retries.after(run, fault)
