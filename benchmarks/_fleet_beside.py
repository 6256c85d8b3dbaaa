"""The fleet's eight steps in engines that only save them, a process each: `python _fleet_beside.py ENGINE FOLDER URL PART`.

Nothing is decided, held, locked, checked or logged there, nobody is asked, and no tool misbehaves. The process says
`ready`, begins at a line on its standard input, and prints as JSON what it has used.
"""

import asyncio
import gc
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypedDict, cast

from dbos import DBOS, DBOSConfig
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import END, START, StateGraph
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from _fleet_made import cases, fill_desk
from _processes import family_cpu
from fleet_desk import PLACE, Desk, connect
from fleet_work import WORDS, agent, answer
from remit.gateway import ToolCall

ENGINES = ("dbos", "langgraph")
PROCESSES = 2
STEPS = 8
CONCURRENCY = 100
CONNECTIONS = 10
WARM_UP = 10
STARTS_SECONDS, PATIENCE = 60.0, 300.0
One = Callable[[str], Awaitable[None]]


def key(case_id: str, tool: str) -> ToolCall:
    """Returns what a tool is handed: the key under which it is called."""
    return ToolCall(f"{case_id}:{tool}", case_id, case_id, 0, "beside", "")


async def ask(question: str) -> str:
    """Asks the simulated model."""
    return answer({"messages": [{"role": "user", "content": question}]})["content"]


# --- DBOS


async def dbos(url: str, desk: Desk, part: int, work: Callable[[One], Awaitable[None]]) -> None:
    """A workflow with a step for each call; the agent's code is the same as Remit's."""
    config: DBOSConfig = {"name": "beside", "system_database_url": url, "executor_id": str(part), "log_level": "ERROR"}
    config |= {"application_version": "1", "enable_otlp": False}
    DBOS(config=config)

    @DBOS.step()
    async def call(case_id: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return await getattr(desk, tool)(key(case_id, tool), **arguments)

    @DBOS.step()
    async def model(messages: list[dict[str, Any]]) -> dict[str, Any]:
        return answer({"messages": messages})

    @DBOS.workflow()
    async def workflow(case_id: str) -> None:
        async def tool(name: str, **arguments: Any) -> dict[str, Any]:
            return await call(case_id, name.partition("__")[2], arguments)

        await agent(cast("Any", SimpleNamespace(input={"case_id": case_id}, tool=tool, model=model)))

    DBOS.launch()
    try:
        await work(workflow)
    finally:
        DBOS.destroy()


# --- LangGraph


class State(TypedDict):
    """The graph's state."""

    case_id: str
    case: dict[str, Any]
    decided: dict[str, Any]
    paid: float
    closed: bool


def graph(desk: Desk) -> StateGraph[Any]:
    """Returns the eight steps as nodes in a row."""

    async def get_case(state: State) -> dict[str, Any]:
        return {"case": await desk.get_case(key(state["case_id"], "get_case"), case_id=state["case_id"])}

    async def model(state: State) -> dict[str, Any]:
        return {"decided": json.loads(await ask(f"The case: {json.dumps(state['case'])}"))}

    async def get_stock(state: State) -> dict[str, Any]:
        await desk.get_stock(key(state["case_id"], "get_stock"), shelf=state["case"]["shelf"])
        return {}

    async def note(state: State) -> dict[str, Any]:
        await desk.note(key(state["case_id"], "note"), case_id=state["case_id"], text=state["decided"]["why"])
        return {}

    async def reserve(state: State) -> dict[str, Any]:
        called = key(state["case_id"], "reserve")
        await desk.reserve(called, case_id=state["case_id"], shelf=state["case"]["shelf"])
        return {}

    async def pay(state: State) -> dict[str, Any]:
        paid = await desk.pay(key(state["case_id"], "pay"), case_id=state["case_id"], amount=state["decided"]["pay"])
        return {"paid": paid["amount"]}

    async def notify(state: State) -> dict[str, Any]:
        await desk.notify(key(state["case_id"], "notify"), case_id=state["case_id"], text=WORDS)
        return {}

    async def close_case(state: State) -> dict[str, Any]:
        await desk.close_case(key(state["case_id"], "close_case"), case_id=state["case_id"])
        return {"closed": True}

    made: StateGraph[Any] = StateGraph(State)
    before = START
    for node in (get_case, model, get_stock, note, reserve, pay, notify, close_case):
        made.add_node(node.__name__, cast("Any", node))
        made.add_edge(before, node.__name__)
        before = node.__name__
    made.add_edge(before, END)
    return made


async def langgraph(url: str, desk: Desk, part: int, work: Callable[[One], Awaitable[None]]) -> None:
    """A graph whose state is saved synchronously after each node, by its own PostgreSQL checkpointer."""
    options: Any = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    async with AsyncConnectionPool(url, kwargs=options, min_size=CONNECTIONS, max_size=CONNECTIONS, open=False) as pool:
        saver = AsyncPostgresSaver(cast("Any", pool))
        await saver.setup()
        app = graph(desk).compile(checkpointer=saver)

        async def one(case_id: str) -> None:
            config: Any = {"configurable": {"thread_id": case_id}}
            await app.ainvoke({"case_id": case_id}, config, durability="sync")

        await work(one)


# --- the process


async def run(engine: str, folder: Path, url: str, part: int) -> None:
    """Does this process's part of the cases."""
    desk = connect(folder)
    names = [row[0] for row in desk.database.execute("select id from cases order by id")][part::PROCESSES]

    async def work(one: One) -> None:
        await asyncio.gather(*(one(name) for name in names[:WARM_UP]))
        gc.collect()
        gc.freeze()
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        slots = asyncio.Semaphore(CONCURRENCY)

        async def guarded(name: str) -> None:
            async with slots:
                await one(name)

        wall, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(guarded(name) for name in names[WARM_UP:]))
        told = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        print(json.dumps(told | {"tasks": len(names) - WARM_UP}), flush=True)

    await {"dbos": dbos, "langgraph": langgraph}[engine](url, desk, part, work)
    desk.close()


# --- who starts it


@dataclass(frozen=True, slots=True)
class Beside:
    """What a step costs in an engine that only saves it."""

    cpu_ms: float
    server_cpu_ms: float
    wall_ms: float
    """Of all processes together: wall time by steps."""


def beside(engine: str, folder: Path, url: str, server: int, tasks: int) -> Beside:
    """Has two processes do `tasks` in an engine on an empty database, and returns what each step took."""
    folder.mkdir()
    fill_desk(folder, [case for case in cases(tasks, 100) if not case.fault and not case.waits])
    command = [sys.executable, str(Path(__file__)), engine, str(folder), url]
    started: list[subprocess.Popen[str]] = []
    try:
        for part in range(PROCESSES):  # one after the other: the first makes the tables
            process = subprocess.Popen([*command, str(part)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            started.append(process)
            assert process.stdout is not None
            if process.stdout.readline().strip() != "ready":
                sys.exit(f"{engine} ended before it was ready. Nothing was measured.")
        before, began = family_cpu(server), time.perf_counter()
        for process in started:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        told = [json.loads(_line(process)) for process in started]
        wall, used = time.perf_counter() - began, family_cpu(server) - before
    finally:
        for process in started:
            _end(process)
    steps = sum(each["tasks"] for each in told) * STEPS
    cpu = sum(each["cpu"] for each in told)
    return Beside(cpu / steps * 1000, used / steps * 1000, wall / steps * 1000)


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def _end(process: subprocess.Popen[str]) -> None:
    try:
        process.communicate(timeout=STARTS_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    assert (Path(sys.argv[2]) / PLACE).exists(), sys.argv[2]
    asyncio.run(run(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
    os._exit(0)
