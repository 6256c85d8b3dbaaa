"""Pages of the console with ten thousand agents and a million steps behind them: how long each takes, and how large it is.

Every page and its JSON twin is asked for over HTTP by a person who is logged in, from a cell that serves in this
process; the same pages of the same fleet with a thousand steps are the measure beside it. After the first look the
figures are rolled up, as a worker does.
"""

import argparse
import asyncio
import re
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx2

from _report import Goal, Measured, main
from _seeded import STEPS, Size, seed
from _server import server
from _transfer import transfer
from remit.app import Cell, build, serve
from remit.core import SystemClock, load_settings
from remit.store import open_database

REFUNDS = Path(__file__).parents[1] / "src" / "remit_fleets" / "refunds"
WHO = "olga.owner@shop.example"
# People wait no longer than this without losing the thread; a page of more takes a phone too long to fetch.
GOAL_MS, GOAL_KB = 200.0, 150.0
_ID = re.compile(r"[a-z]+[-_][0-9a-f]*[0-9][0-9a-f]*")
RUNS, QUICK_RUNS = 125_000, 20_000
SMALL = Size(agents=10, runs=125, units=5, logged=125, whole=125)


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it was answered."""

    path: str
    ms: float
    """The slowest of all looks but the first, which also compiles the template."""
    middle_ms: float
    """The median of the same."""
    kilobytes: float


def measure(arguments: argparse.Namespace) -> Measured:
    """Seeds two fleets and measures their pages."""
    on_server = arguments.database == "postgresql"
    runs = arguments.runs or (QUICK_RUNS if arguments.quick and on_server else RUNS)
    large = Size(runs=runs, logged=runs // 10 if arguments.quick else min(runs, RUNS))
    looks = 6 if arguments.quick else 15
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = stack.enter_context(server()) if on_server else None
        urls = [postgres.fresh() if postgres else "" for _ in range(2)]
        small = asyncio.run(_measure(folder / "small", SMALL, looks, urls[0]))
        pages = asyncio.run(_measure(folder / "large", large, looks, urls[1]))
    figures: dict[str, Any] = {
        "database": arguments.database,
        "agents": large.agents,
        "runs": large.runs,
        "steps": large.steps,
        "log entries": large.logged * (STEPS + 2),
        "seconds to seed and roll up": pages.seconds,
        "microseconds a task to roll up": pages.roll_up,
    }
    before = {_name(page.path): page for page in small.pages}
    for page in pages.pages:
        name = _name(page.path)
        ratio = page.middle_ms / before[name].middle_ms
        figures[f"{name} ms"] = round(page.middle_ms, 1)
        figures[f"{name} ms at most"] = round(page.ms, 1)
        figures[f"{name} kB"] = round(page.kilobytes, 1)
        figures[f"{name} against a thousand steps"] = round(ratio, 2)
    slowest, largest = max(pages.pages, key=lambda p: p.middle_ms), max(pages.pages, key=lambda p: p.kilobytes)
    return figures, [
        Goal(f"slowest page, median ms ({_name(slowest.path)})", round(slowest.middle_ms, 1), GOAL_MS),
        Goal(f"largest page, kB ({_name(largest.path)})", round(largest.kilobytes, 1), GOAL_KB),
    ]


@dataclass(frozen=True, slots=True)
class _Measured:
    pages: Sequence[Page]
    seconds: float
    roll_up: float


async def _measure(folder: Path, size: Size, looks: int, url: str) -> _Measured:
    started = time.perf_counter()
    shutil.copytree(REFUNDS, folder, ignore=shutil.ignore_patterns("__pycache__", ".remit", "*.py"))
    # Whoever may see every page: the example's people have one role each.
    people = (folder / "people.yaml").read_text(encoding="utf-8")
    every = "roles: [care-lead, operator, platform]"
    (folder / "people.yaml").write_text(people.replace("roles: [care-lead]}", every + "}"), encoding="utf-8")
    cell = build(folder)
    await cell.operations.load()
    path = Path(cell.database.place)
    await cell.close()
    seed(path, size, SystemClock().now())
    if url:
        database = open_database(url, folder=folder)
        database.migrate(post=True)
        database.close()
        transfer(path, url)
    cell = _built(folder, url)
    try:
        await cell.operations.load()
        rolled = time.perf_counter()
        while commit := cell.kpis.roll_up():
            await cell.parts.writer.commit(commit)
        roll_up = (time.perf_counter() - rolled) / size.runs * 1e6
        seconds = time.perf_counter() - started
        async with _visiting(cell) as client:
            pages = [await _look(client, each, looks) for each in _paths(cell)]
        return _Measured(pages, round(seconds, 1), round(roll_up, 1))
    finally:
        await cell.close()


def _built(folder: Path, url: str) -> Cell:
    settings = load_settings(folder)
    return build(folder, settings=settings.model_copy(update={"database_url": url} if url else {}))


@asynccontextmanager
async def _visiting(cell: Cell) -> AsyncGenerator[httpx2.AsyncClient]:
    """Serves the cell, without driving anything, and logs somebody in."""
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(cell, on_ready=ready.set_result, host="127.0.0.1", port=0))
    try:
        address = f"http://127.0.0.1:{await ready}"
        link = await cell.access.issue_link(WHO, by="benchmark")
        async with httpx2.AsyncClient(base_url=address, timeout=60, headers={"origin": address}) as client:
            entered = await client.post(f"/login/{link}")
            assert entered.status_code == 303, entered.text
            yield client
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


def _paths(cell: Cell) -> list[str]:
    """Returns every page, with a run, a task, a question and an agent from the middle of the history."""
    journal = cell.parts.journal
    run, other = journal.runs(state="done", limit=2)
    agent, asked = run.agent, cell.parts.approvals.listing(state="pending", limit=1)[0]
    return [
        "/", "/agents", "/agents?unit=unit-001", "/agents?search=agent-009", f"/agents/{agent}", "/tasks",
        "/tasks?state=failed", f"/tasks?agent={agent}", f"/tasks/{run.task}", "/runs", "/runs?state=waiting",
        "/runs?state=cancelled", f"/runs?agent={agent}", f"/runs/{run.id}", f"/runs/{run.id}/steps/3",
        f"/comparison?left={run.id}&right={other.id}", "/approvals", "/approvals?state=used", f"/approvals/{asked.id}",
        "/switches", "/switches/dry-run?scope=fleet", "/log", "/log?kind=run.queued", f"/log?search={run.id}",
        "/log/10", "/figures", "/figures?period=90d", "/people", "/settings", "/account", "/index.json", "/agents.json", "/runs.json",
        "/tasks.json", "/approvals.json", "/log.json", f"/runs/{run.id}.json",
    ]  # fmt: skip


async def _look(client: httpx2.AsyncClient, path: str, looks: int) -> Page:
    times: list[float] = []
    size = 0
    for _ in range(looks):
        began = time.perf_counter()
        answer = await client.get(path)
        times.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
        size = len(answer.content)
    return Page(path, max(times[1:]), median(times[1:]), size / 1000)


def _name(path: str) -> str:
    """Returns a page's path without what differs between two fleets."""
    return _ID.sub("…", path)


OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "--database",
        {"choices": ["postgresql", "sqlite"], "default": "sqlite", "help": "where the fleet keeps everything"},
    ),
    ("--runs", {"type": int, "default": 0, "help": f"how many there are (default {RUNS})"}),
)

if __name__ == "__main__":
    main(__doc__ or "", measure, *OPTIONS)
