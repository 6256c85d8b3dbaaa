"""A fault in the process itself, which lives on: the run it was driving is not left behind."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.crash.station import ANN, CONTRACTS, Desk, contract, write_fleet

from remit.app import build
from remit.core import BusyError
from remit.gateway import Check, ToolCall, steps
from remit.gateway.records import commit_permit
from remit.journal import RunState
from remit.operations import lock_server
from remit.runtime import RunHandle


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


async def swallowing(run: RunHandle) -> Any:
    """Takes whatever goes wrong for a no, and goes on."""
    done = 0
    for n in (1, 2):
        try:
            await run.tool("desk__mark", n=n, account="a-1", weight=1)
        except Exception:  # noqa: BLE001, S112  as agents' code does
            continue
        done += 1
    return {"done": done}


@pytest.mark.parametrize("moment", ["while it is decided", "when the permit is committed"])
async def test_a_store_that_is_away_for_a_moment_denies_nothing(
    tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    text = contract("worker").replace("tests.crash.crew:steps", "tests.crash.test_faults:swallowing")
    fleet = write_fleet(tmp_path, desk, {**CONTRACTS, "worker": text})
    await lock_server(fleet, "desk")
    cell = build(fleet, servers={"desk": Pencil()}, engine="inline")
    await cell.operations.load()
    told = {"account": "a-1", "tool": "mark"}
    run = (await cell.operations.submit("worker", told, on_behalf_of=ANN)).run
    away = [BusyError("The database cannot be reached")]

    def away_once(check: Callable[..., Any]) -> Callable[..., Any]:
        def called(*given: Any) -> Any:
            if away:
                raise away.pop()
            return check(*given)

        return called

    if moment == "while it is decided":
        checks = (Check.RESERVE, away_once(steps.reserve)), (Check.LOCK, steps.take_locks)
        monkeypatch.setattr("remit.gateway.gateway._PLANNING", checks)
    else:
        monkeypatch.setattr("remit.gateway.gateway.commit_permit", away_once(commit_permit))
    with pytest.raises(BusyError):
        await cell.runtime.drive(run.id)
    ended = await cell.runtime.drive(run.id)
    assert (away, ended.state, cell.parts.journal.content(ended.output or "")) == ([], RunState.DONE, {"done": 2})
    await cell.close()
