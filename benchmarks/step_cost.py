"""What governing one step costs, beside engines that only save it.

Each row calls the same tool that does nothing. Remit decides (Cedar with schema), holds and settles money on three
budgets, takes a lock, counts a rate, screens the content, journals the step and appends decision and outcome to the
signed log, all durable before it goes on (SQLite, WAL, synchronous=full). DBOS and LangGraph save the step, no more.
What its policies read is alike at every step, so that Cedar's answer is known after the first; where amounts differ each
time, a step costs what Cedar takes more. Figures are milliseconds per step: CPU of the whole process, and wall time
divided by steps.
"""

import argparse
import asyncio
import gc
import logging
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypedDict

from dbos import DBOS, DBOSConfig
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from sqlalchemy import create_engine, event

from _report import Goal, Measured, main
from remit.app import Cell, build, set_interpreter
from remit.gateway import ToolCall
from remit.journal import RunState
from remit.runtime import RunHandle

STEPS = 20
CONCURRENCIES = (1, 10, 100)


class Noop:
    """The tool server: answers at once."""

    async def write(self, call: ToolCall, **arguments: Any) -> dict[str, bool]:
        """Does nothing."""
        return {"ok": True}


def connect(folder: Path) -> Noop:
    """Returns the tool server."""
    return Noop()


def request(name: str, step: int) -> dict[str, Any]:
    """Returns a typical tool call."""
    return {
        "order": f"{name}-{step}",
        "amount": 12.5,
        "currency": "EUR",
        "urgent": False,
        "note": "a short remark " * 6,
    }


async def agent(run: RunHandle) -> dict[str, int]:
    """The code agent: calls the tool as often as it is told."""
    for step in range(run.input["steps"]):
        await run.tool("noop__write", **request(run.input["name"], step))
    return {"done": run.input["steps"]}


async def timed(work: Callable[[], Awaitable[None]], steps: int) -> dict[str, float]:
    """Returns CPU and wall milliseconds per step; what was loaded before is kept out of the garbage collector's way."""
    gc.collect()
    gc.freeze()
    wall, cpu = time.perf_counter(), time.process_time()
    await work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"cpu_ms": cpu / steps * 1000, "wall_ms": wall / steps * 1000}


async def bare(runs: int, concurrency: int) -> dict[str, float]:
    """The tool called directly."""
    tool, call = Noop(), ToolCall("", "", "", 0, "", "")

    async def one(name: str) -> None:
        for step in range(STEPS):
            await tool.write(call, **request(name, step))

    return await timed(lambda: spread(one, runs, concurrency), runs * STEPS)


async def spread(one: Callable[[str], Awaitable[Any]], runs: int, concurrency: int) -> None:
    """Runs `one` for every run, `concurrency` at a time."""
    slots = asyncio.Semaphore(concurrency)

    async def guarded(name: str) -> None:
        async with slots:
            await one(name)

    await asyncio.gather(*(guarded(f"r{number}") for number in range(runs)))


async def remit(folder: Path, runs: int, concurrency: int) -> dict[str, float]:
    """The tool behind the gateway; the runs' own beginning and end are in the figure."""
    shutil.copytree(Path(__file__).parent / "fleets" / "noop", folder)
    cell = build(folder)
    await cell.operations.load()
    await drive(cell, "warm-up")
    figures = await timed(lambda: spread(lambda name: drive(cell, name), runs, concurrency), runs * STEPS)
    spent = sum(charge.amount for charge in cell.parts.ledger.charges())
    assert spent == (runs + 1) * STEPS * 100, spent
    assert cell.parts.ledger.holds() == 0
    await cell.close()
    return figures


async def drive(cell: Cell, name: str) -> None:
    """Takes one task from its start to its end."""
    started = await cell.operations.submit("noop", {"steps": STEPS, "name": name}, on_behalf_of="bench")
    run = await cell.runtime.drive(started.run.id)
    assert run.state is RunState.DONE, run.reason


async def dbos(folder: Path, runs: int, concurrency: int) -> dict[str, float]:
    """A DBOS workflow with one step per call, on SQLite in WAL mode."""
    engine = create_engine(f"sqlite:///{folder}/dbos.db")

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("journal_mode=wal", "synchronous=full", "busy_timeout=30000", "foreign_keys=on"):
            connection.execute(f"pragma {pragma}")

    config: DBOSConfig = {
        "name": "bench",
        "system_database_engine": engine,
        "log_level": "ERROR",
        "max_executor_threads": 4,
    }
    config["system_database_url"] = f"sqlite:///{folder}/dbos.db"
    DBOS(config=config)
    tool, call = Noop(), ToolCall("", "", "", 0, "", "")

    @DBOS.step()
    async def step(arguments: dict[str, Any]) -> dict[str, bool]:
        return await tool.write(call, **arguments)

    @DBOS.workflow()
    async def workflow(name: str) -> None:
        for number in range(STEPS):
            await step(request(name, number))

    DBOS.launch()
    try:
        await workflow("warm-up")
        return await timed(lambda: spread(workflow, runs, concurrency), runs * STEPS)
    finally:
        DBOS.destroy()


class State(TypedDict):
    """The graph's state."""

    name: str
    step: int


async def langgraph(folder: Path, runs: int, concurrency: int) -> dict[str, float]:
    """A LangGraph graph whose one node calls the tool and loops, saved synchronously on SQLite in WAL mode."""
    tool, call = Noop(), ToolCall("", "", "", 0, "", "")

    async def act(state: State) -> dict[str, int]:
        await tool.write(call, **request(state["name"], state["step"]))
        return {"step": state["step"] + 1}

    graph = StateGraph(State)
    graph.add_node("act", act)
    graph.add_edge(START, "act")

    def after(state: State) -> str:
        return END if state["step"] >= STEPS else "act"

    graph.add_conditional_edges("act", after)
    sqlite3.connect(folder / "graph.db").execute("pragma journal_mode=wal")
    async with AsyncSqliteSaver.from_conn_string(str(folder / "graph.db")) as saver:
        app = graph.compile(checkpointer=saver)

        async def one(name: str) -> None:
            config: Any = {"configurable": {"thread_id": name}, "recursion_limit": STEPS + 5}
            await app.ainvoke({"name": name, "step": 0}, config, durability="sync")

        await one("warm-up")
        return await timed(lambda: spread(one, runs, concurrency), runs * STEPS)


def series(folder: Path, scale: int) -> dict[str, float]:
    """Measures every engine at every concurrency, in turn, so that a drift of the machine hits all of them.

    Each has an event loop of its own: DBOS closes the executor of the loop it ran in.
    """
    figures: dict[str, float] = {}
    for concurrency in CONCURRENCIES:
        runs = max(concurrency, 10) * scale
        for name in ("dbos", "graph"):
            (folder / f"{name}-{concurrency}").mkdir()
        rows = {
            "bare": asyncio.run(bare(runs, concurrency)),
            "remit": asyncio.run(remit(folder / f"remit-{concurrency}", runs, concurrency)),
            "dbos": asyncio.run(dbos(folder / f"dbos-{concurrency}", max(runs // 4, 5), concurrency)),
            "langgraph": asyncio.run(langgraph(folder / f"graph-{concurrency}", max(runs // 4, 5), concurrency)),
        }
        for name, row in rows.items():
            for unit, value in row.items():
                figures[f"{name}, concurrency {concurrency}, {unit}"] = round(value, 4)
    return figures


def measure(arguments: argparse.Namespace) -> Measured:
    """Returns the series and its goals."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        set_interpreter()  # as in every process of Remit's that drives runs; here for those beside it, too
        figures = series(Path(folder), 1 if arguments.quick else 4)
    cost = {name: figures[f"{name}, concurrency 100, cpu_ms"] for name in ("remit", "dbos", "langgraph")}
    return figures, [
        Goal("CPU ms per governed step, concurrency 100", cost["remit"], 0.8),
        Goal("remit / DBOS step, CPU", round(cost["remit"] / cost["dbos"], 3), 1.0),
        Goal("remit / LangGraph step, CPU", round(cost["remit"] / cost["langgraph"], 3), 1.0),
    ]


if __name__ == "__main__":
    main(__doc__ or "", measure)
