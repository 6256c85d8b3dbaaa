"""Killed at every boundary while another worker goes on beside it: what it left is done, once, and nothing is kept."""

from pathlib import Path
from typing import Any

import pytest
from tests.crash.sample import pairs, some
from tests.crash.station import DATABASES, TOOLS, Station, wait_for

from remit.journal import Run, RunState

pytestmark = pytest.mark.slow

STEPS, EACH = 4, 2
# At which passing of a point the first worker dies: in the middle of its work, or at the first where there are few.
POINTS = {
    "claimed": 2,
    "after claim": 2,
    "before effect": 4,
    "after effect": 4,
    "before outcome": 4,
    "after outcome": 4,
    "parked": 1,
    "inside commit": 8,
    "after commit": 8,
}


async def take_on(floor: Station, **more: Any) -> list[Run]:
    """Takes runs on, some with each tool, all on few accounts; some need a yes."""
    runs: list[Run] = []
    for tool in TOOLS:
        for number in range(EACH):
            told: dict[str, Any] = more | ({"heavy_at": 3} if number else {})
            runs.append(await floor.submit(tool=tool, account=f"a-{number}", steps=STEPS, **told))
    return runs


def killed_beside_another(floor: Station, point: str, nth: int) -> None:
    """Has a worker die that began first, while another comes and goes on to the end."""
    dying = floor.driver(point, nth)
    wait_for(lambda: floor.read("select id from executors"))
    other = floor.driver()
    floor.died(dying)
    floor.ended(other)


async def finish(floor: Station, runs: list[Run], folder: Path) -> None:
    """Works until every run is over, answering what people are asked, and checks everything."""
    while await floor.answer():
        floor.work()
    for number, run in enumerate(runs):
        ended = floor.run(run)
        assert (ended.state, ended.reason) == (RunState.DONE, "")
        floor.check_effects(run, tool=TOOLS[number // EACH], count=STEPS)
        attempts = floor.attempts(run)
        assert [number for number, _ in attempts] == list(range(1, ended.attempt + 1))
    floor.check_over(folder)


@pytest.mark.parametrize(("point", "variables"), pairs(POINTS, DATABASES), indirect=["variables"])
async def test_what_a_worker_killed_at_a_point_has_left_another_does_once(
    floor: Station, tmp_path: Path, point: str
) -> None:
    runs = await take_on(floor)
    killed_beside_another(floor, point, POINTS[point])
    await finish(floor, runs, tmp_path)


@pytest.mark.parametrize(("point", "variables"), pairs(["taking over", "resuming"], DATABASES), indirect=["variables"])
async def test_who_takes_over_and_is_killed_over_it_is_taken_over_from(
    floor: Station, tmp_path: Path, point: str
) -> None:
    runs = await take_on(floor)
    floor.work("after effect", 3)
    floor.work(point)
    floor.work()
    await finish(floor, runs, tmp_path)
    assert sum(state == "lost" for run in runs for _, state in floor.attempts(run)) > 0


@pytest.mark.parametrize("variables", ["postgresql"], indirect=True)
@pytest.mark.parametrize("nth", some([1, 2]))
async def test_a_sequencer_that_is_killed_skips_no_entry_and_doubles_none(
    floor: Station, tmp_path: Path, nth: int
) -> None:
    runs = await take_on(floor, seconds=0.3)  # or all would be over before it moves entries again, as they gather
    killed_beside_another(floor, "in sequencer", nth)
    await finish(floor, runs, tmp_path)
    assert floor.read("select * from log_pending") == []
    assert floor.read("select stream from log group by stream having max(seq) <> count(*)") == []
