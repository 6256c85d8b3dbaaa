"""A character that not every database keeps, in the words of a tool or a person, stops nothing and nobody."""

from pathlib import Path
from typing import Any

from tests.gateway.desk import Till
from tests.operations.demos import open_demo
from tests.operations.people import done_by, seen_by
from tests.runtime.workshop import work

from remit.gateway import ToolCall, ToolError
from remit.journal import RunState

NUL = "\0"


class Garbling(Till):
    """Answers every refund with words that hold a NUL."""

    async def issue_refund(self, call: ToolCall, *, order_id: str, amount: float, why: str) -> dict[str, Any]:
        raise ToolError(f"no{NUL}refund")


async def test_a_run_fails_with_what_the_tool_said(tmp_path: Path) -> None:
    async with open_demo(tmp_path, 20, server=Garbling()) as cell:
        run = await work(cell, f"please{NUL} refund 20")
        assert run.state is RunState.FAILED
        assert "shop__issue_refund" in run.reason
        seen_by(cell, "operator").tasks.get(run.task)
        assert sum(cell.kpis.work().actions.values()) > 0


async def test_a_task_about_an_odd_order_ends(tmp_path: Path) -> None:
    async with open_demo(tmp_path, 20) as cell:
        run = await work(cell, "please refund 20", order=f"R{NUL}1")
        assert run.state.is_over
        assert sum(cell.kpis.work().gates.values()) == 0


async def test_a_stop_holds_whatever_the_reason_is_written_with(tmp_path: Path) -> None:
    async with open_demo(tmp_path, 20) as cell:
        await done_by(cell, "operator").stop("agent:refund-desk", because=f"odd{NUL}figures")
        (switch,) = seen_by(cell, "operator").switches.in_force()
        assert switch.because.startswith("odd")
        assert len(seen_by(cell, "auditor").log.page(search="agent:refund-desk").rows) == 1
