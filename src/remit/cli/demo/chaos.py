"""What goes wrong on purpose: a worker that is killed, an outside world that breaks; each at a seeded moment, or on demand."""

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle

from remit.app import LiveDemo
from remit.cli.demo.looked_at import LookedAt
from remit.cli.demo.worker_process import WorkerProcess
from remit.core import Clock, InputError

KILL = ""
# Ended tasks between two kills, and between two faults of the outside world; at least so many in all.
KILL_EVERY, FAULT_EVERY = 100, 50
FEWEST_KILLS = 2
FAULT_SECONDS = 4.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Blow:
    """One thing that goes wrong once so many tasks have ended."""

    after: int
    fault: str
    """Of the outside world; empty kills the worker."""


def kills(seed: int, tasks: int | None) -> Iterator[Blow]:
    """Yields when the worker dies, in order; at least twice within so many tasks."""
    return _spread(f"kill:{seed}", tasks, KILL_EVERY, FEWEST_KILLS, (KILL,))


def breakdowns(seed: int, tasks: int | None, faults: tuple[str, ...]) -> Iterator[Blow]:
    """Yields when which fault befalls the outside world, in order; each at least once within so many tasks."""
    return _spread(f"break:{seed}", tasks, FAULT_EVERY, len(faults), faults)


def _spread(seed: str, tasks: int | None, every: int, fewest: int, faults: tuple[str, ...]) -> Iterator[Blow]:
    """Yields one blow in each stretch of the work, at a drawn moment of it; the last leaves some work to be done."""
    draw = random.Random(seed)  # noqa: S311  a demo's moments, no key
    stretch = every if tasks is None else tasks / max(fewest, round(tasks / every), 1)
    for number, fault in enumerate(cycle(faults)):
        yield Blow(int((number + 0.1 + 0.5 * draw.random()) * stretch), fault)


class Breaker:
    """Kills the worker and breaks the outside world; `Practice` of the console, and what chaos is made of."""

    def __init__(
        self,
        work: LiveDemo,
        worker: WorkerProcess,
        clock: Clock,
        tell: Callable[[str], object],
        looked_at: LookedAt,
    ) -> None:
        self._work = work
        self._looked_at = looked_at
        self._worker = worker
        self._clock = clock
        self._tell = tell
        self.killed_at: list[int] = []

    @property
    def faults(self) -> tuple[str, ...]:
        """What can befall the outside world, by name."""
        return self._work.faults

    async def kill_worker(self) -> str:
        """Ends the worker with `kill -9` and starts another; says so in a sentence."""
        gone = await self._worker.kill()
        if gone is None:
            told = "The worker had just ended by itself; another one is started and takes its runs over."
        else:
            self.killed_at.append(self._clock.now())
            told = f"The worker, process {gone}, was killed with kill -9; another one takes its runs over."
        self._tell(told)
        return told

    async def break_outside(self, fault: str) -> str:
        """Switches a fault of the outside world on for some seconds; says so in a sentence."""
        if fault not in self.faults:
            raise InputError("No such fault", which=fault, hint=f"There are: {', '.join(self.faults) or 'none'}")
        self._work.break_outside(fault, FAULT_SECONDS)
        told = f"The outside world is broken for {FAULT_SECONDS:g} seconds: {fault}."
        self._tell(told)
        return told

    def look_at(self, approval: str) -> float:
        """Leaves a question to whoever looks at it; returns for how many seconds from now."""
        return self._looked_at.note(approval)


async def strike(breaker: Breaker, due: Iterator[Blow], ended: Callable[[], int]) -> None:
    """Lets go wrong what is due, for as long as the demo goes on; `ended` says how many tasks have ended."""
    for blow in due:
        while ended() < blow.after:  # noqa: ASYNC110  tasks end in another process, nobody could set an event
            await asyncio.sleep(LOOK_SECONDS)
        if blow.fault:
            await breaker.break_outside(blow.fault)
            await asyncio.sleep(FAULT_SECONDS)
        else:
            already = len(breaker.killed_at)
            while len(breaker.killed_at) == already:
                await breaker.kill_worker()
                await asyncio.sleep(LOOK_SECONDS)
    await asyncio.Event().wait()  # of an outside world that cannot be broken, nothing is due
