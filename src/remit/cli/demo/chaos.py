"""What goes wrong on purpose: a worker that is killed, an outside world that breaks; each at a seeded moment, or on demand."""

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, cycle

from remit.app import LiveDemo
from remit.cli.demo.worker_process import WorkerProcess
from remit.core import Clock, InputError

KILL = ""
# Ended tasks between two kills, and between two faults of the outside world; at least so many in all.
KILL_EVERY, FAULT_EVERY = 100, 50
FEWEST = 2
FAULT_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Blow:
    """One thing that goes wrong once so many tasks have ended."""

    after: int
    fault: str
    """Of the outside world; empty kills the worker."""


def blows(seed: int, tasks: int | None, faults: tuple[str, ...]) -> Iterator[Blow]:
    """Yields what goes wrong, in order; as much in a short demo as it takes to see each thing twice or once."""
    draw = random.Random(f"chaos:{seed}")  # noqa: S311  a demo's moments, no key
    kinds = [_spread(draw, tasks, KILL_EVERY, FEWEST, cycle([KILL]))]
    if faults:
        kinds.append(_spread(draw, tasks, FAULT_EVERY, len(faults), cycle(faults)))
    waiting = [next(kind) for kind in kinds]
    while True:
        first = min(range(len(waiting)), key=lambda kind: waiting[kind].after)
        yield waiting[first]
        waiting[first] = next(kinds[first])


def _spread(draw: random.Random, tasks: int | None, every: int, fewest: int, faults: Iterator[str]) -> Iterator[Blow]:
    """Yields one blow in each stretch of the work, at a drawn moment of it."""
    stretch = every if tasks is None else tasks / max(fewest, round(tasks / every))
    for number in count():
        yield Blow(int((number + 0.1 + 0.8 * draw.random()) * stretch), next(faults))


class Breaker:
    """Kills the worker and breaks the outside world; `Practice` of the console, and what chaos is made of."""

    def __init__(self, work: LiveDemo, worker: WorkerProcess, clock: Clock, tell: Callable[[str], object]) -> None:
        self._work = work
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


class Chaos:
    """Lets go wrong what is due, one thing after the other."""

    def __init__(self, breaker: Breaker, due: Iterator[Blow]) -> None:
        self._breaker = breaker
        self._due = due
        self._next = next(due)

    async def strike(self, ended: Callable[[], int]) -> None:
        """Goes on for as long as the demo does; `ended` says how many tasks have ended."""
        while True:
            if ended() < self._next.after:
                await asyncio.sleep(0.1)
                continue
            if self._next.fault:
                await self._breaker.break_outside(self._next.fault)
                await asyncio.sleep(FAULT_SECONDS)
            else:
                await self._breaker.kill_worker()
            self._next = next(self._due)
