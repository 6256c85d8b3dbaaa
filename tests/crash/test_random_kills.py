"""Many tasks, and a worker that is killed over and over: each has an outcome, and nothing happens twice."""

import asyncio
import random
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.crash.sample import FULL, SEED
from tests.crash.station import PATIENCE, SPENDER_CAP, SPENDERS_DAY_CAP, Desk, Station, wait_for

from remit.journal import Run

TASKS, KILLS = (200, 12) if FULL else (60, 4)
ACCOUNTS = 30
# Between two kills so many calls are seen, of about three for each task; whoever comes after the last kill has work left.
CALLS = (10, 70) if FULL else (8, 40)
CALL_SECONDS = 0.02
PRICE = 10_000
LOOK_SECONDS = 0.02
# People are not that fast.
MOST_ANSWERS = 2


async def submit_all(station: Station, draw: random.Random) -> dict[str, tuple[str, Run]]:
    """Takes the tasks on; returns what each is to do, by run."""
    runs: dict[str, tuple[str, Run]] = {}
    for number in range(TASKS):
        told: dict[str, Any] = {
            "account": f"a-{draw.randrange(ACCOUNTS)}",
            "steps": draw.randint(2, 5),
            "tool": "mark",
            "seconds": CALL_SECONDS,
        }
        agent = "worker"
        match number % 10:
            case 0 | 1:
                told["tool"] = "send"
            case 2:
                told["tool"] = "post"
            case 3:
                told["heavy_at"] = 2
            case 4 | 5:
                told["sleep_at"] = 1
            case 6:
                agent = "giver"
            case 7 | 8:
                agent, told["steps"] = "spender", 8
            case _:
                pass
        run = await station.submit(agent, **told)
        runs[run.id] = (agent, run)
    return runs


def kill_after(desk: Desk, worker: "subprocess.Popen[str]", calls: int) -> None:
    """Kills the worker once so many calls more were seen."""
    since = len(desk.calls())
    wait_for(lambda: len(desk.calls()) >= since + calls)
    assert worker.poll() is None, worker.communicate()
    worker.kill()
    worker.wait()


def is_busy(station: Station) -> bool:
    """Whether anything is left to do."""
    return bool(station.read("select id from runs where state in ('queued', 'running', 'waiting') limit 1"))


def check_runs(station: Station, runs: Mapping[str, tuple[str, Run]]) -> None:
    """Each run did what it was to do, once; who may spend little did as much as the money was for."""
    for agent, run in runs.values():
        value, output = station.told(run)
        if agent == "spender":
            assert output["done"] <= SPENDER_CAP // PRICE
        else:
            assert output == {"done": 3 if agent == "giver" else value["steps"]}
        station.check_effects(run, tool=value["tool"], count=1 if agent == "giver" else output["done"])
        for child in station.cell.parts.journal.children(run.id):
            station.check_effects(child, tool=value["tool"], count=2)


@pytest.mark.slow
async def test_every_task_has_an_outcome_however_often_its_worker_is_killed(station: Station, tmp_path: Path) -> None:
    print("REMIT_CRASH_SEED", SEED)  # noqa: T201  to have the same tasks and moments again
    draw = random.Random(SEED)
    runs = await submit_all(station, draw)
    for _ in range(KILLS):
        killing = asyncio.create_task(asyncio.to_thread(kill_after, station.desk, station.up(), draw.randint(*CALLS)))
        while not killing.done():
            await station.answer(MOST_ANSWERS)
            await asyncio.sleep(LOOK_SECONDS)
        await killing
        assert is_busy(station)
    worker, deadline = station.up(), time.monotonic() + PATIENCE
    while is_busy(station):
        await station.answer(MOST_ANSWERS)
        assert time.monotonic() < deadline, station.cell.parts.journal.counts()
        await asyncio.sleep(LOOK_SECONDS)
    worker.terminate()
    assert worker.wait(PATIENCE) == 0
    check_runs(station, runs)
    ((spent,),) = station.read("select sum(amount) from charges where agent = 'spender'")
    ((days,),) = station.read(
        "select count(*) from budgets where id like 'agent:spender:%'"
    )  # midnight may be in between
    assert 0 < spent <= SPENDERS_DAY_CAP * days
    station.check_over(tmp_path)
