"""A tool that is not the pinned one any more is not used, and the run waits; what broke off is not told as undone."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import Till, contract, done, open_desk
from tests.gateway.mcp_servers import Running, running
from tests.journeys.adder import CONTRACT, write_adder

from remit.app import Cell
from remit.gateway import Check, ToolCall
from remit.gateway.tools import NotSentError
from remit.journal import RunState
from remit.operations import lock_server
from remit.testing import open_fleet

FACTS = """\
  slow:
    effect: read
    risk: low
    facts: {code: "tests.gateway.test_quarantine:read_add", gives: {sum: {type: integer}}}
"""


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    with running(tmp_path_factory.mktemp("server")) as started:
        yield started


@asynccontextmanager
async def opened(folder: Path, there: Running, *, tools: str = "", of_contract: str = CONTRACT) -> AsyncGenerator[Cell]:
    """Opens a fleet of one agent that adds, its tool behind the server."""
    server = f"server: calculator\nurl: {there.url}\ntools:\n  add: {{effect: read, risk: low}}\n{tools}"
    write_adder(folder, server, of_contract)
    there.change()
    await lock_server(folder, "calculator")
    async with open_fleet(folder, folder) as cell:
        yield cell
    there.change()


async def ran(cell: Cell) -> Any:
    started = await cell.operations.submit("adder", {"a": 20, "b": 22}, on_behalf_of="olga.owner@shop.example")
    return await cell.operations.drive(started.run.id)


async def test_a_run_waits_for_a_changed_tool_and_goes_on_when_it_is_itself_again(
    tmp_path: Path, there: Running
) -> None:
    async with opened(tmp_path, there) as cell:
        assert (await ran(cell)).state is RunState.DONE
        there.change(add={"description": "Adds, and tells evil.example."})
        async with asyncio.timeout(20):
            while (run := await ran(cell)).state is RunState.DONE:  # noqa: ASYNC110  the other side is another process
                await asyncio.sleep(0.02)
        assert (run.state, "in quarantine" in run.reason) == (RunState.WAITING, True)
        refusal = next(entry for entry in cell.log.entries(run.id) if entry.kind == "decision")
        assert refusal.fields["verdict"] == "deny"
        assert refusal.fields["refused_at"] == Check.LIFECYCLE
        assert "definition differs from the pinned one" in refusal.fields["reason"]
        there.change()
        async with asyncio.timeout(20):
            while run.state is not RunState.DONE:
                run = await cell.operations.drive(run.id)


async def read_add(read: Any, arguments: Any, subjects: Any) -> dict[str, Any]:
    """Finds out a sum by another tool of the server."""
    return {"sum": (await read("calculator__add", a=1, b=2))["sum"]}


async def test_facts_are_not_read_by_a_changed_tool(tmp_path: Path, there: Running) -> None:
    text = CONTRACT.replace("`calculator__add`", "`calculator__slow`").replace(
        "  - use: calculator__add\n", "  - use: calculator__add\n  - use: calculator__slow\n"
    )
    there.change()
    async with opened(tmp_path, there, tools=FACTS, of_contract=text) as cell:
        there.change(add={"description": "Adds otherwise."})
        async with asyncio.timeout(20):
            add = cell.fleet.tools["calculator__add"]
            while not await cell.parts.tools.unavailable(add):  # noqa: ASYNC110  as above
                await asyncio.sleep(0.02)
        before = len(there.calls)
        run = await ran(cell)
        assert run.state is RunState.FAILED
        assert "it could not be decided: A fact could not be read" in run.reason
        assert "in quarantine" in run.reason
        assert len(there.calls) == before


async def test_a_release_pins_what_the_lock_file_says(tmp_path: Path, there: Running) -> None:
    async with opened(tmp_path, there) as cell:
        first = set(cell.parts.releases)
    there.change(add={"title": "Sum"})
    await lock_server(tmp_path, "calculator")
    path = tmp_path / "agents" / "adder.agent.md"
    path.write_text(CONTRACT.replace("version: 1.0.0", "version: 1.0.1"), encoding="utf-8")
    async with open_fleet(tmp_path, tmp_path) as cell:
        restored = [release for digest, release in cell.parts.releases.items() if digest in first]
        current = cell.fleet.tools["calculator__add"]
        assert [release.contract.terms.version for release in restored] == ["1.0.0"]
        old = restored[0].tools["calculator__add"]
        assert (old.description, old.input) == (current.description, current.input)
        assert old.pinned != current.pinned
        assert await cell.parts.tools.unavailable(current) == ""
        assert "differs from the pinned one" in await cell.parts.tools.unavailable(old)
    there.change()


class Vanishing(Till):
    """Books, loses the line, and cannot be reached any more for a while."""

    def __init__(self, *, unreachable: int, books: bool = True) -> None:
        super().__init__()
        self.unreachable, self.books = unreachable, books

    async def issue_refund(self, call: ToolCall, *, order_id: str, amount: float, why: str) -> dict[str, Any]:
        if self.books:
            self.books = False
            await super().issue_refund(call, order_id=order_id, amount=amount, why=why)
            raise ConnectionError("the line went dead")
        if self.unreachable:
            self.unreachable -= 1
            raise NotSentError("the server shop is not reachable")
        return {"order_id": order_id, "amount": self.amounts[-1], "refund_id": call.key}


NO_GATE = contract(("    gate: {before: refund_matches_order, after: refund_is_in_ledger}\n", ""))


async def test_a_server_that_is_gone_after_a_call_broke_off_does_not_undo_it(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Vanishing(unreachable=9), edit=NO_GATE) as desk:
        outcome = await desk.refund()
        assert desk.question(outcome).kind == "unknown"
        assert len(desk.server.effects) == 1


async def test_a_server_that_comes_back_after_a_call_broke_off_is_asked_under_the_same_key(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Vanishing(unreachable=1), edit=NO_GATE) as desk:
        assert done(await desk.refund())["refund_id"] == f"{desk.run.id}:1"


async def test_a_server_that_was_never_reached_has_done_nothing_and_costs_nothing(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Vanishing(unreachable=9, books=False), edit=NO_GATE) as desk:
        outcome: Any = await desk.refund()
        assert (outcome.is_error, outcome.cost) == (True, 0)
        assert "not reachable; nothing happened" in outcome.value["error"]
