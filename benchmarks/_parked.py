"""Work that waits for people, done by a process of its own: `python _parked.py ROLE FOLDER COUNT`.

Each role prints a JSON line at every milestone; who started it takes the time. Remit's roles work on a fleet that lies
in the folder already, DBOS's on a queue of their own there.
"""

import asyncio
import gc
import json
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig
from sqlalchemy import create_engine, event

from remit.app import Cell, build
from remit.gateway import ToolCall
from remit.journal import RunState
from remit.runtime import Chore, RunHandle, Worker

# Runs that are parked before anything is measured, so that what is loaded or allocated once is not counted.
WARM_UP = 200
# Runs that are submitted at once.
AT_ONCE = 100
PATIENCE = 600.0


class Noop:
    """The tool server: answers at once."""

    async def write(self, call: ToolCall, **arguments: Any) -> dict[str, bool]:
        """Does nothing."""
        return {"ok": True}


def connect(folder: Path) -> Noop:
    """Returns the tool server."""
    return Noop()


def request(name: str, step: int, amount: float) -> dict[str, Any]:
    """Returns a tool call; above 50 a person is asked."""
    note = "a short remark " * 6
    return {"order": f"{name}-{step}", "amount": amount, "currency": "EUR", "urgent": False, "note": note}


async def agent(run: RunHandle) -> dict[str, int]:
    """The code agent: one call, and if it has two steps, another one that a person has to approve."""
    name, steps = run.input["name"], run.input["steps"]
    for step in range(steps):
        await run.tool("noop__write", **request(name, step, 100 if step else 12.5))
    return {"done": steps}


def tell(**figures: Any) -> None:
    """Says that a milestone is reached, with this process's CPU seconds and resident bytes."""
    gc.collect()
    print(json.dumps(figures | {"cpu": time.process_time(), "rss": resident()}), flush=True)


def resident() -> int:
    """Returns the resident bytes of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def until(holds: Callable[[], bool]) -> None:
    """Waits until `holds`."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110  another process's doing is waited for, too
            await asyncio.sleep(0.01)


async def submit(cell: Cell, count: int, prefix: str, steps: int) -> list[str]:
    """Takes so many tasks on and returns their runs, queued."""
    runs: list[str] = []
    for first in range(0, count, AT_ONCE):
        names = [f"{prefix}{number}" for number in range(first, min(count, first + AT_ONCE))]
        started = [
            cell.operations.submit("noop", {"steps": steps, "name": name}, on_behalf_of="bench") for name in names
        ]
        runs += [each.run.id for each in await asyncio.gather(*started)]
    return runs


# --- Remit


async def park(folder: Path, count: int) -> None:
    """Drives runs until each waits for a person, and says what this process has grown by."""
    cell = build(folder)
    await cell.operations.load()
    warm_up = min(count, WARM_UP)
    await _park(cell, warm_up, "w")
    tell(parked=warm_up)
    await _park(cell, count - warm_up, "p")
    tell(parked=count)
    await cell.close()


async def _park(cell: Cell, count: int, prefix: str) -> None:
    runs = await submit(cell, count, prefix, 2)
    done = await asyncio.gather(*(cell.engine.drive(run) for run in runs))
    assert {run.state for run in done} <= {RunState.WAITING}, done[0].reason


async def restart(folder: Path, count: int) -> None:
    """Puts a cell to work as `remit up` does, until `count` runs are done; ends when it is told to."""
    cell = build(folder, engine="claims")
    await cell.operations.load()
    worker, counts = worker_of(cell), cell.parts.journal.counts
    working = asyncio.create_task(worker.work())
    await until(lambda: counts().get("done", 0) >= count)
    tell(done=count)
    await asyncio.to_thread(sys.stdin.readline)
    worker.stop()
    await working
    await cell.close()


def worker_of(cell: Cell) -> Worker:
    """Returns the cell's worker, which says that it is ready once each of its own chores was done."""

    async def ready() -> None:
        tell(ready=True)

    limits = cell.settings.limits
    return Worker(
        runtime=cell.runtime,
        engine=cell.engine,
        executor_seconds=limits.executor_seconds,
        drain_seconds=limits.drain_seconds,
        chores=(Chore("say that it is ready", PATIENCE, ready),),
    )


async def run_inline(folder: Path, count: int) -> None:
    """Drives runs of one step with the inline engine."""
    await _run(build(folder), count)


async def run_claims(folder: Path, count: int) -> None:
    """Drives runs of one step with the engine that claims."""
    await _run(build(folder, engine="claims"), count)


async def _run(cell: Cell, count: int) -> None:
    await cell.operations.load()
    await cell.engine.start()
    await _drive(cell, WARM_UP, "w")
    tell(runs=0)
    await _drive(cell, count, "r")
    tell(runs=count)
    await cell.close()


async def _drive(cell: Cell, count: int, prefix: str) -> None:
    runs = await submit(cell, count, prefix, 1)
    await asyncio.gather(*(cell.engine.drive(run) for run in runs))
    journal = cell.parts.journal
    await until(lambda: set(journal.counts()) == {"done"})  # the engine that claims has only been told


# --- DBOS

_Waiter = Callable[[str], Awaitable[None]]


class Counted:
    """How many workflows have come to their wait, and how many beyond it."""

    waiting = 0
    done = 0


def launch(folder: Path) -> _Waiter:
    """Starts DBOS on a SQLite file in WAL mode; returns the workflow that does one step and waits for an answer."""
    engine = create_engine(f"sqlite:///{folder}/dbos.db")

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("journal_mode=wal", "synchronous=full", "busy_timeout=30000", "foreign_keys=on"):
            connection.execute(f"pragma {pragma}")

    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": f"sqlite:///{folder}/dbos.db",
        "system_database_engine": engine,
        "application_version": "1",
        "log_level": "ERROR",
        "max_executor_threads": 4,
    }
    DBOS(config=config)
    tool, call = Noop(), ToolCall("", "", "", 0, "", "")

    @DBOS.step(name="write")
    async def write(arguments: dict[str, Any]) -> dict[str, bool]:
        return await tool.write(call, **arguments)

    @DBOS.workflow(name="waiter")
    async def waiter(name: str) -> None:
        await write(request(name, 0, 12.5))
        Counted.waiting += 1
        await DBOS.recv_async("answer", timeout_seconds=86_400)
        await write(request(name, 1, 100))
        Counted.done += 1

    @DBOS.workflow(name="worker")
    async def worker(name: str) -> None:
        await write(request(name, 0, 12.5))

    DBOS.launch()
    return worker if folder.name == "work" else waiter


async def dbos_park(folder: Path, count: int) -> None:
    """Starts workflows until each waits for an answer, then ends like a process that is killed."""
    waiter = launch(folder)
    warm_up = min(count, WARM_UP)
    await _start(waiter, 0, warm_up)
    tell(parked=warm_up)
    await _start(waiter, warm_up, count)
    tell(parked=count)
    os._exit(0)


async def _start(waiter: _Waiter, first: int, last: int) -> None:
    for number in range(first, last):
        with_id: Any = DBOS.start_workflow_async
        await with_id(waiter, f"p{number}")
    await until(lambda: Counted.waiting == last)


async def dbos_restart(folder: Path, count: int) -> None:
    """Recovers `count` workflows until all wait again, then answers some of them until those are done."""
    launch(folder)
    await until(lambda: Counted.waiting == count)
    tell(ready=True)
    answered = int(sys.argv[4])
    for each in (await DBOS.list_workflows_async(status="PENDING", load_input=False))[:answered]:
        await DBOS.send_async(each.workflow_id, "yes", "answer")
    await until(lambda: Counted.done == answered)
    tell(done=answered)
    os._exit(0)


async def dbos_run(folder: Path, count: int) -> None:
    """Runs workflows of one step."""
    worker = launch(folder)
    await asyncio.gather(*(worker(f"w{number}") for number in range(WARM_UP)))
    tell(runs=0)
    for first in range(0, count, AT_ONCE):
        await asyncio.gather(*(worker(f"r{number}") for number in range(first, min(count, first + AT_ONCE))))
    tell(runs=count)
    os._exit(0)


ROLES = {work.__name__: work for work in (park, restart, run_inline, run_claims, dbos_park, dbos_restart, dbos_run)}

if __name__ == "__main__":
    logging.disable(logging.WARNING)
    asyncio.run(ROLES[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3])))
