"""What an agent's code leaves running takes no step beside the end of its run, nor after it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.relay import ANN, contract, open_relay, take

from remit.app import Cell
from remit.gateway import Check, gateway
from remit.journal import Run, RunState
from remit.runtime import RunHandle, attempts

AGENT = {"giver": contract("giver")}
DONE = {"resolved": True, "text": "done", "amount": 5}


class Gate:
    """Holds actions between judging and planning until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, is_stubborn: bool = False) -> None:
        self.reached, self.opened, self.broken_off = asyncio.Event(), asyncio.Event(), 0
        self._is_stubborn = is_stubborn
        planning = gateway._PLANNING  # pyright: ignore[reportPrivateUsage]
        monkeypatch.setattr(gateway, "_PLANNING", ((Check.GUARDRAILS, self.wait), *planning))

    async def wait(self, *_: Any) -> None:
        self.reached.set()
        while not self.opened.is_set():
            try:
                await self.opened.wait()
            except asyncio.CancelledError:
                self.broken_off += 1
                if not self._is_stubborn:
                    raise


def entries(cell: Cell, run: Run) -> list[str]:
    return [entry.kind for entry in cell.log.entries(run.id)]


async def test_a_step_that_is_under_way_when_its_code_ends_has_ended_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, left = Gate(monkeypatch), set[Any]()

    async def leave(run: RunHandle) -> Any:
        left.add(asyncio.create_task(run.tool("desk__pay", order="R-1", amount=5)))
        await gate.reached.wait()
        asyncio.get_running_loop().call_later(0.1, gate.opened.set)
        return DONE

    async with open_relay(tmp_path, AGENT, giver=leave) as (cell, desk):
        run = await take(cell)
        assert run.state is RunState.DONE, run.reason
        assert [step.state for step in cell.parts.journal.steps(run.id)] == ["done"]
        assert entries(cell, run)[-1] == "run.completed"
        assert [key for _, key in desk.calls] == [f"{run.id}:1"]
        await asyncio.wait(left)


@pytest.mark.parametrize("is_stubborn", [False, True])
async def test_a_step_that_would_hold_up_the_end_of_its_run_is_broken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_stubborn: bool
) -> None:
    monkeypatch.setattr(attempts, "LAST_STEP_SECONDS", 0.05)
    gate, left = Gate(monkeypatch, is_stubborn=is_stubborn), set[Any]()

    async def leave(run: RunHandle) -> Any:
        left.add(asyncio.create_task(run.tool("desk__pay", order="R-1", amount=5)))
        await gate.reached.wait()
        return DONE

    async with open_relay(tmp_path, AGENT, giver=leave) as (cell, desk):
        run = await take(cell)
        assert run.state is RunState.DONE, run.reason
        assert gate.broken_off
        gate.opened.set()
        await asyncio.wait(left)
        assert (desk.calls, cell.parts.journal.steps(run.id), cell.parts.ledger.holds()) == ([], [], 0)


async def test_code_that_is_left_running_takes_no_step_once_its_run_has_ended(tmp_path: Path) -> None:
    left, came = set[Any](), list[BaseException | None]()

    async def go_on(run: RunHandle, ended: asyncio.Event) -> None:
        await ended.wait()
        for step in (
            lambda: run.tool("desk__pay", order="R-1", amount=5),
            lambda: run.value("later", lambda: 1),
            lambda: run.ask_person(DONE, because="why not", role="lead"),
            lambda: run.sleep(1),
        ):
            try:
                await step()
            except BaseException as fault:  # noqa: BLE001  whatever it is, it has not happened
                came.append(fault)

    ended = asyncio.Event()

    async def leave(run: RunHandle) -> Any:
        left.add(asyncio.create_task(go_on(run, ended)))
        return DONE

    async with open_relay(tmp_path, AGENT, giver=leave) as (cell, desk):
        run = await take(cell)
        ended.set()
        await asyncio.wait(left)
        assert [type(fault).__name__ for fault in came] == ["EndedSignal"] * 4
        assert (desk.calls, cell.parts.journal.steps(run.id)) == ([], [])
        assert entries(cell, run)[-1] == "run.completed"


async def test_an_attempt_that_is_broken_off_waits_for_no_step_its_code_has_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, left = Gate(monkeypatch), set[Any]()

    async def leave(run: RunHandle) -> Any:
        left.add(asyncio.create_task(run.tool("desk__pay", order="R-1", amount=5)))
        await asyncio.Event().wait()

    async with open_relay(tmp_path, AGENT, giver=leave) as (cell, desk):
        started = await cell.operations.submit("giver", {"order": "R-1"}, on_behalf_of=ANN)
        driving = asyncio.create_task(cell.runtime.drive(started.run.id))
        await gate.reached.wait()
        driving.cancel()
        async with asyncio.timeout(attempts.LAST_STEP_SECONDS / 2):
            await asyncio.wait([driving])
        await asyncio.wait(left)
        assert (gate.broken_off, desk.calls) == (1, [])
