"""A tool with two places is called twice at once, however many workers there are and whoever of them is killed."""

import asyncio
from pathlib import Path

import pytest
from tests.crash.station import POST_PLACES, Station, wait_for

pytestmark = pytest.mark.slow

RUNS, STEPS, CALL_SECONDS = 12, 3, 0.1


async def test_several_workers_together_call_it_no_more_often_at_once_than_it_has_places(
    floor: Station, tmp_path: Path
) -> None:
    before = len(floor.desk.calls())
    runs = [await floor.submit(tool="post", account=f"a-{n}", steps=STEPS, seconds=CALL_SECONDS) for n in range(RUNS)]
    for worker in [floor.driver() for _ in range(3)]:
        floor.ended(worker)
    at_once = [call["at_once"] for call in floor.desk.calls()[before:]]
    assert (len(at_once), max(at_once)) == (RUNS * STEPS, POST_PLACES)
    floor.check_done(runs, STEPS, tmp_path)


async def test_who_is_killed_inside_a_call_leaves_the_place_to_others_when_the_run_is_taken_over(
    floor: Station, tmp_path: Path
) -> None:
    before = len(floor.desk.calls())
    runs = [await floor.submit(tool="post", account=f"a-{n}", steps=1, seconds=1) for n in range(2 * POST_PLACES)]
    killed = floor.driver()
    wait_for(lambda: len(floor.desk.calls()) >= before + POST_PLACES)
    killed.kill()
    floor.died(killed)
    await asyncio.sleep(1)  # its calls end where they are made
    floor.work()
    assert len(floor.questions()) == POST_PLACES  # whether they happened; nobody who called has heard
    assert len(floor.desk.calls()) == before + 2 * POST_PLACES  # and the others did not wait for the answers
    while await floor.answer():
        floor.work()
    floor.check_done(runs, 1, tmp_path)
