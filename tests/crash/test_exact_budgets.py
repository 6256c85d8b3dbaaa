"""Sixty-four callers in several processes pay from one budget, and processes are killed: not a cent is overspent or lost."""

import random
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from tests.crash.sample import pairs
from tests.crash.station import DATABASES, PATIENCE, SPENDERS_DAY_CAP, Station, wait_for

from remit.journal import RunState

pytestmark = pytest.mark.slow

CALLERS, WORKERS, KILLED = 64, 4, 2
STEPS = 4
PRICES = {"mark": 10_000, "send": 20_000, "post": 30_000}
CALL_SECONDS = 0.05
LOOK_SECONDS = 0.02
AT_ONCE = {"REMIT_LIMITS__CONCURRENT_RUNS": str(CALLERS // WORKERS)}


@contextmanager
def watched(floor: Station) -> Generator[list[tuple[str, int, int, int]]]:
    """Looks at every budget all the time; returns those that were ever beyond their cap."""
    over: list[tuple[str, int, int, int]] = []
    done = Event()

    def look() -> None:
        while not done.wait(LOOK_SECONDS):
            over.extend(floor.read("select id, cap, held, spent from budgets where held + spent > cap"))  # type: ignore[arg-type]

    watching = Thread(target=look)
    watching.start()
    try:
        yield over
    finally:
        done.set()
        watching.join()


@pytest.mark.parametrize(("tool", "variables"), pairs(PRICES, DATABASES), indirect=["variables"])
async def test_sixty_four_callers_spend_exactly_what_they_may(floor: Station, tmp_path: Path, tool: str) -> None:
    draw = random.Random(f"callers {tool}")
    runs = [
        await floor.submit("spender", tool=tool, account=f"a-{n}", steps=STEPS, seconds=CALL_SECONDS)
        for n in range(CALLERS)
    ]
    most = SPENDERS_DAY_CAP // PRICES[tool]
    before = len(floor.desk.calls())
    with watched(floor) as over:
        kill_some(floor, draw, most + before)
        check_held(floor, tool)
        while await floor.answer():
            floor.work()
    assert over == []
    assert {floor.run(run).state for run in runs} == {RunState.DONE}
    happened = [call for call in floor.desk.calls()[before:] if call["fate"] == "done"]
    ((spent,),) = floor.read("select sum(amount) from charges")
    ((days,),) = floor.read(
        "select count(*) from budgets where id like 'agent:spender:%'"
    )  # midnight may be in between
    assert spent == len(happened) * PRICES[tool] <= SPENDERS_DAY_CAP * days
    if tool == "mark" and days == 1:  # what was held by the dead was called again, so nothing was left over
        assert len(happened) == most
    floor.check_over(tmp_path)


def kill_some(floor: Station, draw: random.Random, most: int) -> None:
    """Works with several workers, of whom some are killed in the middle of calls, until nothing is left to do."""
    workers = [floor.driver(variables=AT_ONCE) for _ in range(WORKERS)]
    for victim in draw.sample(workers, KILLED):
        since = len(floor.desk.calls())
        # What the dead one held may be all that was left: then no call comes, and whoever is left ends.
        wait_for(
            lambda since=since, victim=victim: (
                len(floor.desk.calls()) >= min(since + 1, most) or victim.poll() is not None
            )
        )
        time.sleep(draw.uniform(0, CALL_SECONDS))
        victim.kill()
        victim.wait()
    floor.work()
    for worker in workers:
        worker.communicate(timeout=PATIENCE)


def check_held(floor: Station, tool: str) -> None:
    """What nobody knows the outcome of stays held until a person tells, to the cent."""
    asked = len(floor.questions())
    ((held,),) = floor.read("select sum(held) from budgets where id like 'agent:spender:%'")
    assert held == asked * PRICES[tool]
