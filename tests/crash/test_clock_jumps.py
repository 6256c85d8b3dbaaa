"""A worker's clock jumps while it works: it stops itself or goes on rightly, and nothing is done twice or left for an hour."""

from pathlib import Path
from typing import Any

import pytest
from tests.crash.driver import FENCED
from tests.crash.shift import Shift
from tests.crash.station import ANN, TOOLS, Desk, Station, wait_for, write_fleet

from remit.app import Cell, build
from remit.core import SECOND
from remit.gateway import ToolCall
from remit.journal import Run, RunState
from remit.operations import lock_server
from remit.testing import SettableClock

HOUR = 3_600.0
# Less than what a run may take: not its limits are tried here.
JUMP = 1_800.0
RUNS, STEPS = 9, 8
CALL_SECONDS = 0.15


class Jumping:
    """The tools, in this process: while they are called, its clock jumps by an hour, and it stops itself."""

    def __init__(self) -> None:
        self.clock = SettableClock()
        self.cell: Cell | None = None

    async def mark(self, call: ToolCall, *, n: int, **_: Any) -> dict[str, int]:
        assert self.cell
        self.clock.advance(int(HOUR * SECOND))
        self.cell.runtime.drain()
        return {"n": n}

    send = post = mark


async def test_what_a_process_parks_whose_clock_has_jumped_is_ready_for_the_others_now(
    tmp_path: Path, desk: Desk
) -> None:
    fleet, jumping = write_fleet(tmp_path, desk), Jumping()
    await lock_server(fleet, "desk")
    jumping.cell = cell = build(fleet, servers={"desk": jumping}, clock=jumping.clock, engine="inline")
    await cell.operations.load()
    run = (await cell.operations.submit("worker", {"account": "a-1", "tool": "mark"}, on_behalf_of=ANN)).run
    now = jumping.clock.now()
    parked = await cell.runtime.drive(run.id)
    assert (parked.state, parked.is_ready(now)) == (RunState.WAITING, True)
    await cell.close()


async def take_on(floor: Station) -> list[Run]:
    """Takes runs on, with each of the tools."""
    return [
        await floor.submit(tool=TOOLS[n % 3], account=f"a-{n}", steps=STEPS, seconds=CALL_SECONDS) for n in range(RUNS)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("jump", "variables"), [(JUMP, "postgresql"), (-JUMP, "postgresql")], indirect=["variables"])
async def test_a_clock_that_jumps_and_is_set_right_again_costs_its_worker_and_nothing_else(
    floor: Station, tmp_path: Path, jump: float
) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0", encoding="utf-8")
    runs = await take_on(floor)
    shift, calls = Shift(floor, told=[{"CRASH_CLOCK": str(clock)}, {}]), len(floor.desk.calls())
    shift.begin()
    await shift.until(lambda: len(floor.desk.calls()) >= calls + RUNS)
    clock.write_text(str(jump), encoding="utf-8")
    await shift.until(lambda: shift.ended[FENCED])
    clock.write_text("0", encoding="utf-8")
    await shift.finish()
    floor.check_done(runs, STEPS, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("variables", ["sqlite"], indirect=True)
async def test_workers_on_one_file_share_a_clock_and_go_on_when_it_jumps_ahead_as_after_a_sleep(
    floor: Station, tmp_path: Path
) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0", encoding="utf-8")
    runs, calls = await take_on(floor), len(floor.desk.calls())
    workers = [floor.driver(variables={"CRASH_CLOCK": str(clock)}) for _ in range(2)]
    wait_for(lambda: len(floor.desk.calls()) >= calls + RUNS)
    clock.write_text(str(JUMP), encoding="utf-8")
    for worker in workers:
        floor.ended(worker)
    while await floor.answer():
        floor.work()
    floor.check_done(runs, STEPS, tmp_path)
