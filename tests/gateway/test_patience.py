"""A server that cannot be reached is waited for, as long as the cell says; nothing is sent that was stopped meanwhile."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import CARA, NO_RETRY, Desk, Till, done, failed, limits, open_desk, refused, tools
from tests.gateway.mcp_servers import MODULE, arguments, logged
from tests.journeys.adder import CONTRACT, write_adder

from remit.app import Cell
from remit.gateway import ToolCall
from remit.gateway.tools import UnreachableError
from remit.journal import Run, RunState
from remit.operations import lock_server
from remit.testing import open_fleet

# Starts the server unless it is to be down; then its process ends at once.
STARTER = f"""
import pathlib, runpy, sys
if pathlib.Path("down").exists():
    sys.exit(1)
sys.argv[0] = "server"
runpy.run_module({MODULE!r}, run_name="__main__")
"""


# --- a real server over stdio


@asynccontextmanager
async def opened(folder: Path, *, seconds: float = 10.0) -> AsyncGenerator[Cell]:
    """Opens a fleet of one agent that adds; its server is down while there is a file `down`."""
    (folder / "starter.py").write_text(STARTER, encoding="utf-8")
    command = ["python", "starter.py", *arguments(folder)]
    server = f"server: calculator\ncommand: {command}\ntools:\n  add: {{effect: read, risk: low}}\n"
    write_adder(folder, server, CONTRACT)
    await lock_server(folder, "calculator")
    (folder / "down").touch()
    async with open_fleet(folder, folder, change=limits(outage_seconds=seconds)) as cell:
        yield cell


async def ran(cell: Cell) -> Run:
    started = await cell.operations.submit("adder", {"a": 20, "b": 22}, on_behalf_of="olga.owner@shop.example")
    return await cell.operations.drive(started.run.id)


@pytest.mark.slow
async def test_a_server_that_is_down_and_comes_back_is_used_soon_after(tmp_path: Path) -> None:
    async with opened(tmp_path) as cell:
        running = asyncio.create_task(ran(cell))
        await asyncio.sleep(1.5)
        assert not running.done()
        (tmp_path / "down").unlink()
        back = time.monotonic()
        run = await running
        assert run.state is RunState.DONE, run.reason
        # It is found within a second; its process takes a while to start where much else is going on.
        assert time.monotonic() - back < 8
        assert len([call for call in logged(tmp_path / "calls.log") if "arguments" in call]) >= 1


@pytest.mark.slow
async def test_a_server_that_stays_down_fails_the_call_when_patience_is_over(tmp_path: Path) -> None:
    async with opened(tmp_path, seconds=1.0) as cell:
        begun = time.monotonic()
        run = await ran(cell)
        assert run.state is RunState.FAILED
        assert "not reachable" in run.reason
        assert "nothing happened" in run.reason
        assert time.monotonic() - begun + 0.25 >= 1.0


@pytest.mark.slow
async def test_a_program_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path, seconds=60.0) as cell:
        (tmp_path / "down").unlink()
        declared = tmp_path / "tools/calculator.yaml"
        declared.write_text(declared.read_text(encoding="utf-8").replace("command: ['python'", "command: ['nowhere'"))
    async with open_fleet(tmp_path, tmp_path) as cell:
        begun = time.monotonic()
        run = await ran(cell)
        assert run.state is RunState.FAILED
        assert "there is no program 'nowhere'" in run.reason
        assert time.monotonic() - begun < 5


# --- what is done meanwhile


class Away(Till):
    """A shop that is not there for the first calls of each kind."""

    def __init__(self, *, refunds: int = 0, looks: int = 0, breaks: int = 0) -> None:
        super().__init__()
        self.refunds, self.looks, self.breaks = refunds, looks, breaks
        self.asked = 0
        self.on_ask: Any = None

    async def issue_refund(self, call: ToolCall, *, order_id: str, amount: float, why: str) -> dict[str, Any]:
        self.asked += 1
        if self.on_ask:
            await self.on_ask()
        if self.refunds:
            self.refunds -= 1
            raise UnreachableError("the server shop is not reachable")
        return await super().issue_refund(call, order_id=order_id, amount=amount, why=why)

    async def get_order(self, call: ToolCall, *, order_id: str) -> Any:
        if self.looks:
            self.looks -= 1
            raise UnreachableError("the server shop is not reachable")
        if self.breaks:
            self.breaks -= 1
            raise ConnectionError("the line went dead")
        return await super().get_order(call, order_id=order_id)


async def test_an_effect_is_sent_once_its_server_is_back(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Away(refunds=2)) as desk:
        done(await desk.refund())
        assert (desk.server.asked, desk.server.amounts) == (3, [20])


async def test_a_tool_that_must_not_be_repeated_waits_all_the_same(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Away(refunds=2), edit=tools(NO_RETRY)) as desk:
        done(await desk.refund())
        assert desk.server.amounts == [20]


async def test_without_patience_it_is_told_at_once(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Away(refunds=1), change=limits(outage_seconds=0)) as desk:
        assert "not reachable; nothing happened" in failed(await desk.refund())
        assert desk.server.asked == 1


async def test_patience_ends_and_nothing_has_happened(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Away(refunds=99), change=limits(outage_seconds=0.6)) as desk:
        assert "not reachable; nothing happened" in failed(await desk.refund())
        assert desk.server.asked == 3
        assert desk.cell.parts.ledger.holds() == 0
        assert desk.cell.parts.controls.held_by(f"{desk.run.id}:1") == []


async def stopped(desk: Desk, scope: str) -> None:
    """Stops something while the desk waits for the shop."""

    async def stop() -> None:
        if desk.server.asked == 2:
            await desk.cell.operations.stop(scope, because="look at it first", by=CARA)

    desk.server.on_ask = stop


@pytest.mark.parametrize("scope", ["tool:shop__issue_refund", "agent:refund-desk", "fleet"])
async def test_what_is_stopped_meanwhile_is_not_sent_any_more(tmp_path: Path, scope: str) -> None:
    async with open_desk(tmp_path, server=Away(refunds=99)) as desk:
        await stopped(desk, scope)
        told = failed(await desk.refund())
        assert f"it was not tried again: {scope} is stopped: look at it first" in told
        assert desk.server.asked == 2
        assert desk.server.amounts == []


async def test_what_a_run_asked_for_that_is_cancelled_meanwhile_is_not_sent_any_more(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Away(refunds=2)) as desk:

        async def cancel() -> None:
            if desk.server.asked == 2:
                await desk.cell.operations.cancel(desk.run.id, because="a mistake", by=CARA)

        desk.server.on_ask = cancel
        told = failed(await desk.refund())
        assert "it was not tried again: the run is cancelled" in told
        assert (desk.server.asked, desk.server.amounts) == (2, [])


class Dead(Away):
    """Books without telling, and is gone."""

    async def issue_refund(self, call: ToolCall, *, order_id: str, amount: float, why: str) -> dict[str, Any]:
        self.asked += 1
        await self.on_ask()
        if self.asked == 1:
            await Till.issue_refund(self, call, order_id=order_id, amount=amount, why=why)
            raise ConnectionError("the line went dead")
        raise UnreachableError("the server shop is not reachable")


async def test_what_may_have_happened_and_is_stopped_is_not_asked_again_but_put_to_a_person(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Dead()) as desk:
        await stopped(desk, "fleet")
        asked = desk.question(await desk.refund())
        assert asked.kind == "unknown"
        assert "it was not tried again: fleet is stopped" in asked.because
        assert (desk.server.asked, desk.server.amounts) == (2, [20])


# --- what is read


async def test_facts_and_gates_wait_for_the_server_they_read_from(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Away(looks=2)) as desk:
        done(await desk.refund())


async def test_a_read_for_facts_that_breaks_off_is_made_again(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Away(breaks=2)) as desk:
        done(await desk.refund())


async def test_what_cannot_be_read_in_the_end_is_no_answer_and_so_denied(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Away(looks=99), change=limits(outage_seconds=0.3)) as desk:
        denied = refused(await desk.refund())
        assert "it could not be decided: A fact could not be read" in denied.reason
        assert desk.server.amounts == []
