"""A fault in the process itself, which lives on: the run it was driving is not left behind."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.crash.station import ANN, Desk, write_fleet

from remit.app import build
from remit.gateway import ToolCall
from remit.journal import RunState
from remit.operations import lock_server


class Pencil:
    """The tools, in this process."""

    async def mark(self, call: ToolCall, *, n: int, **_: Any) -> dict[str, int]:
        return {"n": n}

    send = post = mark


class Faulty:
    """Breaks the first time a point is passed."""

    def __init__(self, point: str) -> None:
        self.point = point
        self.broken = False

    def reach(self, point: str) -> None:
        if point == self.point and not self.broken:
            self.broken = True
            raise OSError("the disk is away")


@pytest.mark.slow
async def test_a_run_whose_attempt_broke_with_a_fault_of_ours_is_driven_again(tmp_path: Path, desk: Desk) -> None:
    fleet = write_fleet(tmp_path, desk)
    await lock_server(fleet, "desk")
    faulty = Faulty("after claim")
    cell = build(fleet, servers={"desk": Pencil()}, reach=faulty.reach)
    await cell.operations.load()
    run = (await cell.operations.submit("worker", {"account": "a-1", "tool": "mark"}, on_behalf_of=ANN)).run
    worker = cell.worker()
    working = asyncio.create_task(worker.work())
    async with asyncio.timeout(60):
        while not cell.parts.journal.run(run.id).state.is_over:  # noqa: ASYNC110  the journal is all there is to see
            await asyncio.sleep(0.05)
    worker.stop()
    await working
    ended = cell.parts.journal.run(run.id)
    assert (ended.state, ended.attempt, faulty.broken) == (RunState.DONE, 2, True)
    assert cell.parts.journal.lost_attempts(run.id) == 1
    await cell.close()
