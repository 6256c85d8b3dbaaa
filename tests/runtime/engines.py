"""A cell whose runs are driven by either engine, with agents that do what the test says."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from tests.runtime.relay import ANN, PEOPLE, PLAYS, TOOLS, Desk, Work, contract

from remit.app import Cell, build
from remit.journal import Claims, Places, Run, RunState
from remit.runtime import Chore, ClaimsEngine, Engine, InlineEngine, RunHandle, Worker
from remit.testing import SettableClock

Kind = Literal["inline", "claims"]
KINDS: tuple[Kind, ...] = ("inline", "claims")
DONE = {"resolved": True}
# Runs under way at once: few, so that a test can fill them.
CONCURRENCY = 3
RETRY_SECONDS = 0.2
EXECUTOR_SECONDS = 6.0
# What the machine may take for anything here; no test waits for it to pass.
PATIENCE = 30.0


class Door:
    """A tool that waits until somebody opens."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.open = asyncio.Event()

    async def look(self, call: Any, *, order: str) -> dict[str, int]:
        self.calls.append(call.key)
        await self.open.wait()
        return {"amount": 7}

    async def pay(self, call: Any, *, order: str, amount: int) -> dict[str, int]:
        self.calls.append(call.key)
        return {"amount": amount}


async def pays(run: RunHandle) -> Any:
    """Pays once and is done."""
    await run.tool("desk__pay", order=run.input["order"], amount=5)
    return DONE


async def looks(run: RunHandle) -> Any:
    """Looks, pays and is done."""
    await run.tool("desk__look", order=run.input["order"])
    return await pays(run)


async def asks(run: RunHandle) -> Any:
    """Has a person look at its answer."""
    return dict(await run.ask_person(DONE, because="a test", role="lead"))


async def hands_over(run: RunHandle) -> Any:
    """Hands its work to the taker."""
    return await run.handoff("taker", intent="pay it", context={"order": run.input["order"]})


@asynccontextmanager
async def open_cell(
    folder: Path,
    *,
    server: object | None = None,
    clock: SettableClock | None = None,
    reach: Callable[[str], None] | None = None,
    **plays: Work,
) -> AsyncGenerator[Cell]:
    """Opens a fleet of a giver and a taker, the same one if it is there already."""
    fleet = folder / "fleet"
    for path, text in {
        "remit.toml": 'name = "engines"\nreleases = "on-load"\n',
        "tools/desk.yaml": TOOLS,
        "people.yaml": PEOPLE,
        "agents/giver.agent.md": contract("giver", hands_to="taker"),
        "agents/taker.agent.md": contract("taker", takes_from="giver"),
    }.items():
        (fleet / path).parent.mkdir(parents=True, exist_ok=True)
        (fleet / path).write_text(text, encoding="utf-8")
    PLAYS.clear()
    PLAYS.update(plays)
    cell = build(fleet, clock=clock, servers={"desk": server or Desk()}, reach=reach)
    try:
        await cell.operations.load()
        yield cell
    finally:
        await cell.close()


def new_engine(cell: Cell, kind: Kind, *, concurrency: int = CONCURRENCY) -> Engine:
    """Returns an engine of this kind that drives the cell's runs; it is not started."""
    runtime, parts = cell.runtime, cell.parts
    if kind == "inline":
        return InlineEngine(
            runtime,
            parts.journal,
            executor_seconds=EXECUTOR_SECONDS,
            concurrency=concurrency,
            retry_seconds=RETRY_SECONDS,
        )
    return ClaimsEngine(
        runtime=runtime,
        journal=parts.journal,
        writer=parts.writer,
        claims=Claims(parts.clock, executor=runtime.executor, seconds=EXECUTOR_SECONDS, places=Places()),
        releases=parts.releases.keys,
        concurrency=concurrency,
        expire_seconds=EXECUTOR_SECONDS,
        retry_seconds=RETRY_SECONDS,
    )


@asynccontextmanager
async def at_work(cell: Cell, kind: Kind, **options: Any) -> AsyncGenerator[Engine]:
    """Starts an engine of this kind, and closes it whatever happens."""
    engine = new_engine(cell, kind, **options)
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


@asynccontextmanager
async def worker_on(cell: Cell, kind: Kind, *chores: Chore, drain_seconds: float = 5.0) -> AsyncGenerator[Worker]:
    """Keeps the cell at work, and stops it whatever happens."""
    worker = Worker(
        runtime=cell.runtime,
        engine=new_engine(cell, kind),
        executor_seconds=cell.settings.limits.executor_seconds,
        drain_seconds=drain_seconds,
        chores=chores,
    )
    working = asyncio.create_task(worker.work())
    try:
        yield worker
    finally:
        worker.stop()
        await working


async def submit(cell: Cell, agent: str = "giver") -> Run:
    """Takes a task on; its run is not driven yet."""
    return (await cell.operations.submit(agent, {"order": "R-1"}, on_behalf_of=ANN)).run


async def drive(engine: Engine, cell: Cell, run: Run) -> Run:
    """Drives a run as the command line does, until nobody need do anything for it but outside, and returns it."""
    driven = await engine.drive(run.id)
    while driven.state in (RunState.QUEUED, RunState.RUNNING) or driven.waits_for.startswith("run_"):
        await asyncio.sleep(0.02)
        driven = await engine.drive(run.id)
    return cell.parts.journal.run(run.id)


async def until(holds: Callable[[], bool]) -> None:
    """Waits until `holds`, or fails."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110  what is waited for may be another process's doing
            await asyncio.sleep(0.02)


async def until_run(cell: Cell, run: Run, state: RunState = RunState.DONE) -> Run:
    """Waits until the run is in this state, and returns it."""
    await until(lambda: cell.parts.journal.run(run.id).state is state)
    return cell.parts.journal.run(run.id)
