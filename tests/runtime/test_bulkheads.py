"""One tool that hangs, and one that is dead: everybody else's runs keep their pace, and the others go on by themselves."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.engines import ANN, DONE, PATIENCE, until
from tests.runtime.relay import PEOPLE, PLAYS, TOOLS, contract

from remit.app import Cell, build
from remit.gateway.tools import UnreachableError
from remit.journal import RunState
from remit.runtime import RunHandle

pytestmark = pytest.mark.slow

SLOTS = 60
SETTINGS = f"""name = "bulkheads"
releases = "on-load"
[limits]
concurrent_runs = {SLOTS}
busy_seconds = 0.2
outage_seconds = 1.0
drain_seconds = 1.0
"""
MILL = """server: mill
python: tests.runtime.relay:connect
concurrency: 4
tools:
  grind:
    description: Grinds.
    input: {type: object, properties: {order: {type: string}}, required: [order], additionalProperties: false}
    effect: write
    risk: low
    reversible: true
"""
# What a look takes; eight at once make eighty a second at most, far less than the machine can do.
LOOK_SECONDS, QUICK = 0.1, 160
TRIES = 6


class Mill:
    """A tool that hangs, or is not there, until it works again; `ground` has what it did."""

    def __init__(self, *, dead: bool = False) -> None:
        self.works = asyncio.Event()
        self.dead = dead
        self.ground: list[str] = []
        self.asked = 0

    async def grind(self, call: Any, *, order: str) -> dict[str, int]:
        self.asked += 1
        if self.dead:
            raise UnreachableError("the server mill is not reachable")
        await self.works.wait()
        self.ground.append(call.key)
        return {}


class Lamp:
    """A tool that takes its time."""

    async def look(self, call: Any, *, order: str) -> dict[str, int]:
        await asyncio.sleep(LOOK_SECONDS)
        return {"amount": 7}

    async def pay(self, call: Any, *, order: str, amount: int) -> dict[str, int]:
        return {}


async def looks(run: RunHandle) -> Any:
    """Looks, and is done."""
    await run.tool("desk__look", order=run.input["order"])
    return DONE


async def grinds(run: RunHandle) -> Any:
    """Has something ground, and is done."""
    await run.tool("mill__grind", order=run.input["order"])
    return DONE


@asynccontextmanager
async def at_work(folder: Path, mill: Mill) -> AsyncGenerator[Cell]:
    """Keeps a fleet of two agents at work, of which one needs the mill."""
    grinder = contract("grinder", hands_to="").replace(
        "tools:\n",
        "tools:\n  - use: mill__grind\n    autonomy:\n      - {level: autonomous, because: it is a test}\n",
        1,
    )
    for path, text in {
        "remit.toml": SETTINGS,
        "tools/desk.yaml": TOOLS.replace("server: desk\n", "server: desk\nconcurrency: 8\n"),
        "tools/mill.yaml": MILL,
        "people.yaml": PEOPLE,
        "agents/looker.agent.md": contract("looker", hands_to=""),
        "agents/grinder.agent.md": grinder,
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    PLAYS.clear()
    PLAYS.update(looker=looks, grinder=grinds)
    cell = build(folder, servers={"desk": Lamp(), "mill": mill}, engine="claims")
    await cell.operations.load()
    worker = cell.worker()
    working = asyncio.create_task(worker.work())
    try:
        yield cell
    finally:
        worker.stop()
        await working
        await cell.close()


async def submit(cell: Cell, agent: str, number: int) -> list[str]:
    """Takes so many tasks on."""
    started = [await cell.operations.submit(agent, {"order": "R-1"}, on_behalf_of=ANN) for _ in range(number)]
    return [one.run.id for one in started]


def ended(cell: Cell, runs: list[str]) -> int:
    """Returns how many are done."""
    return sum(cell.parts.journal.run(run).state is RunState.DONE for run in runs)


async def seconds_for_looks(cell: Cell) -> float:
    """Returns how long the other agent's runs take."""
    began = time.monotonic()
    runs = await submit(cell, "looker", QUICK)
    await until(lambda: ended(cell, runs[-8:]) == 8 and ended(cell, runs) == QUICK)
    return time.monotonic() - began


@pytest.mark.parametrize("dead", [False, True], ids=["hangs", "dead"])
async def test_others_keep_nine_tenths_of_their_pace_beside_a_tool_that(tmp_path: Path, dead: bool) -> None:
    mill = Mill(dead=dead)
    async with at_work(tmp_path, mill) as cell:
        alone = min([await seconds_for_looks(cell) for _ in range(2)])
        stuck = await submit(cell, "grinder", 2 * SLOTS)
        await asyncio.sleep(2.0)
        beside: list[float] = []  # the machine may be busy with others, so the best counts
        while len(beside) < TRIES and alone < 0.9 * min(beside, default=2 * alone):
            beside.append(await seconds_for_looks(cell))
        assert alone >= 0.9 * min(beside), (alone, beside)
        (state,) = [each for each in cell.parts.upstreams.states() if each.name == "tools:mill"]
        assert state.under_way <= 4
        assert ended(cell, stuck) == 0
        assert {cell.parts.journal.run(run).state for run in stuck} <= {RunState.WAITING, RunState.RUNNING}
        assert cell.parts.ledger.holds() == 0
        # The mill works again, and whatever waited for it goes on, each once.
        mill.dead = False
        mill.works.set()
        async with asyncio.timeout(4 * PATIENCE):
            while ended(cell, stuck) < len(stuck):  # noqa: ASYNC110  what is waited for is in the database
                await asyncio.sleep(0.1)
        assert len(mill.ground) == len(set(mill.ground)) == len(stuck)


async def test_a_tool_that_hangs_holds_up_no_drain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remit.app.cell.LAST_OUTCOMES", 0.5)
    mill = Mill()
    async with at_work(tmp_path, mill) as cell:
        await submit(cell, "grinder", SLOTS)
        await until(lambda: mill.asked == 4)
        await asyncio.sleep(0.5)
        began = time.monotonic()
    # A second to drain, two to break off, half a one for last outcomes at most, and what the machine takes.
    assert time.monotonic() - began < 8
