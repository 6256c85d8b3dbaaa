"""Plays the generated fleet: takes all its tasks on at once, lets workers do them, answers for people, and watches."""

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from _fleet_made import Case
from _processes import Usage, usage
from remit.app import Cell, build, set_interpreter
from remit.approvals import Approval
from remit.store import Query

PERSON = "lead@fleet.example"
# Tasks that are taken on at the same moment, and answers that are given so.
AT_ONCE = 200
# How often people look for questions, and how often it is seen whether the work is done.
LOOK_SECONDS = 0.2
# The share of time that counting the ended takes: one part in so many.
SELDOM = 50
# How often it is said how far it is.
TELL_SECONDS = 10.0
PATIENCE = 1_800.0
STARTS_SECONDS = 120.0
ENDS_SECONDS = 60.0
_ENDED = Query("fleet.ended_tasks", "select count(ended_at) as ended from tasks")
# Each transaction that writes takes the next number.
_NUMBER = Query(
    "fleet.number", "select cast(cast(pg_snapshot_xmax(pg_current_snapshot()) as text) as bigint) as number"
)


@dataclass(frozen=True, slots=True)
class Terms:
    """How the fleet is played."""

    workers: int
    """Processes; 0 means this process itself."""
    an_hour: int = 0
    """How many tasks come; 0 means all at once, before the workers start."""
    server_cpu: Callable[[], float] = float
    """Says what the database server has used, where it can be seen."""
    idle: float = 0.0
    """Seconds for which there is nothing to do, before tasks come."""


@dataclass(frozen=True, slots=True)
class Idle:
    """Seconds of CPU in a second with nothing to do."""

    worker: float
    intake: float
    server: float


@dataclass(slots=True)
class _Workers:
    used: Callable[[], list[Usage]]
    since: list[Usage]
    """What they had used when counting began."""

    def taken(self) -> list[Usage]:
        """Returns what they have used since."""
        return [Usage(now.cpu - then.cpu, now.peak) for now, then in zip(self.used(), self.since, strict=True)]


@dataclass(slots=True)
class Played:
    """What it took."""

    taking_on: float = 0.0
    wall: float = 0.0
    """Seconds from the start of the workers to the end of the last task."""
    intake_cpu: float = 0.0
    starting: float = 0.0
    """Seconds until all workers are at work; part of `wall` when all tasks were there before."""
    answered: int = 0
    workers: list[Usage] = field(default_factory=list[Usage])
    """Without what they used until they were at work."""
    server_cpu: float = 0.0
    """CPU seconds of the database server meanwhile, where it is a process that can be seen."""
    unfinished: int = 0
    transactions: int = 0
    """That wrote, of all processes; on PostgreSQL."""
    idle: Idle | None = None


async def play(folder: Path, made: Sequence[Case], terms: Terms) -> Played:
    """Takes the tasks on, lets workers do them, and returns what it took."""
    played = Played()
    cell = build(folder, engine="remote" if terms.workers else "claims")
    try:
        await cell.operations.load()
        if not terms.workers:
            set_interpreter()
        taking_on = _take_on(cell, made, terms.an_hour, played)
        if not terms.an_hour:
            await taking_on
        before, began = terms.server_cpu(), time.perf_counter()
        async with _working(cell, folder, terms.workers) as workers:
            played.starting = time.perf_counter() - began
            number = _number(cell)
            if terms.an_hour:
                if terms.idle:
                    played.idle = await _idle(cell, workers, terms)
                before, began, number = terms.server_cpu(), time.perf_counter(), _number(cell)
                await asyncio.gather(taking_on, _until_done(cell, played, len(made)))
            else:
                await _until_done(cell, played, len(made))
            played.wall, played.server_cpu = time.perf_counter() - began, terms.server_cpu() - before
            played.workers, played.transactions = workers.taken(), _number(cell) - number
    finally:
        await cell.close()
    return played


async def _take_on(cell: Cell, made: Sequence[Case], an_hour: int, played: Played) -> None:
    """Takes all tasks on at once, or at so many an hour, by chance."""
    began, cpu, due, drawn = time.perf_counter(), time.process_time(), 0.0, random.Random(1)
    if an_hour:
        async with asyncio.TaskGroup() as taken:
            for case in made:
                due += drawn.expovariate(an_hour / 3_600)
                await asyncio.sleep(max(0.0, began + due - time.perf_counter()))
                taken.create_task(_submit(cell, case))
    else:
        told = began
        for first in range(0, len(made), AT_ONCE):
            await asyncio.gather(*(_submit(cell, case) for case in made[first : first + AT_ONCE]))
            if (now := time.perf_counter()) >= told + TELL_SECONDS:
                told = now
                _tell(f"{first + AT_ONCE:,} of {len(made):,} tasks are taken on after {now - began:.0f} s")
    played.taking_on, played.intake_cpu = time.perf_counter() - began, time.process_time() - cpu


async def _submit(cell: Cell, case: Case) -> None:
    customer = f"customer-{case.id}@fleet.example"
    await cell.operations.submit(case.agent, {"case_id": case.id}, on_behalf_of=customer, dedup=case.id)


async def _until_done(cell: Cell, played: Played, tasks: int) -> None:
    """Answers for people until all tasks have ended."""
    began = seen = told = time.perf_counter()
    pause = 0.0
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while True:
                played.answered += await _answer(cell)
                if (now := time.perf_counter()) >= seen + pause:
                    row = cell.database.read_one(_ENDED)
                    seen = time.perf_counter()
                    # It counts all tasks there are, and is not what is measured.
                    pause = SELDOM * (seen - now)
                    played.unfinished = tasks - (row["ended"] if row else 0)
                    if not played.unfinished:
                        return
                if now >= told + TELL_SECONDS:
                    told = now
                    _tell(f"{tasks - played.unfinished:,} of {tasks:,} tasks have ended after {now - began:.0f} s")
                await asyncio.sleep(LOOK_SECONDS)


def _tell(what: str) -> None:
    print(f"  {what}", file=sys.stderr, flush=True)


async def _answer(cell: Cell) -> int:
    """Says yes to every question that is open."""
    asked = cell.parts.approvals.listing(state="pending")
    for first in range(0, len(asked), AT_ONCE):
        await asyncio.gather(*(_say_yes(cell, each) for each in asked[first : first + AT_ONCE]))
    return len(asked)


async def _say_yes(cell: Cell, asked: Approval) -> None:
    answered = await cell.operations.answer(asked.id, person=PERSON, answer="approve")
    cell.operations.dispatch(answered.run)


async def _idle(cell: Cell, workers: _Workers, terms: Terms) -> Idle:
    """Does nothing for a while but look for questions, and returns what that takes; what is taken later counts from its end."""
    began, server, own = time.perf_counter(), terms.server_cpu(), time.process_time()
    workers.since = workers.used()
    while time.perf_counter() - began < terms.idle:
        await _answer(cell)
        cell.database.read_one(_ENDED)
        await asyncio.sleep(LOOK_SECONDS)
    wall, taken = time.perf_counter() - began, workers.taken()
    worker = sum(each.cpu for each in taken) / len(taken)
    workers.since = workers.used()
    return Idle(worker / wall, (time.process_time() - own) / wall, (terms.server_cpu() - server) / wall)


def _number(cell: Cell) -> int:
    """Returns the number of the latest transaction that writes; 0 where nobody counts."""
    row = cell.database.read_one(_NUMBER) if cell.database.dialect == "postgresql" else None
    return int(row["number"]) if row else 0


@asynccontextmanager
async def _working(cell: Cell, folder: Path, workers: int) -> AsyncGenerator[_Workers]:
    if not workers:
        async with _working_here(cell) as here:
            yield here
        return
    started = [_start(folder) for _ in range(workers)]
    try:
        since = [await asyncio.to_thread(_at_work, process) for process in started]
        yield _Workers(lambda: [usage(process.pid) for process in started], since)
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            await asyncio.to_thread(_end, process)


@asynccontextmanager
async def _working_here(cell: Cell) -> AsyncGenerator[_Workers]:
    def used() -> list[Usage]:
        return [Usage(time.process_time(), usage(_own_process()).peak)]

    worker, since = cell.worker(), used()
    working = asyncio.create_task(worker.work())
    try:
        yield _Workers(used, since)
    finally:
        worker.stop()
        await working


def _own_process() -> int:
    return int(Path("/proc/self").readlink().name)


def _start(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "remit.cli", "worker", "--fleet", str(folder), "--until-input-ends"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _at_work(process: subprocess.Popen[str]) -> Usage:
    """Waits until the worker says that it is at work, and returns what starting has used."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if "at work" not in line:
        sys.exit(f"A worker ended before it was at work: {line!r}. Nothing was measured.")
    return usage(process.pid)


def _end(process: subprocess.Popen[str]) -> None:
    try:
        process.communicate(timeout=ENDS_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
