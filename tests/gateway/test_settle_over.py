"""What was decided in a run that is over comes to an outcome: once nobody performs it, whatever else cannot be settled."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.databases import execute
from tests.gateway.desk import CARA, NO_RETRY, Desk, Till, another_run, open_desk, tools

from remit.core import NotFoundError
from remit.gateway import Gateway, ToolCall
from remit.identity import issue_secret
from remit.journal import LeftRun, StepState

TOM = "tom.treasurer@shop.example"


class Crash(BaseException):
    """The end of a process, in the middle of a call."""


class Slow(Till):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.called, self.answer = asyncio.Event(), asyncio.Event()

    async def issue_refund(self, call: ToolCall, *, order_id: str, amount: float, why: str) -> dict[str, Any]:
        self.called.set()
        await self.answer.wait()
        return await super().issue_refund(call, order_id=order_id, amount=amount, why=why)


def state_of(desk: Desk) -> StepState:
    row = desk.cell.parts.journal.step(desk.run.id, 1)
    assert row is not None
    return row.state


async def cancel(desk: Desk) -> None:
    await desk.cell.operations.cancel(desk.run.id, because="wrong order", by=CARA)


async def test_what_a_person_told_before_the_run_was_cancelled_is_heeded(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Till(failures=1), edit=tools(NO_RETRY)) as desk:
        outcome = await desk.refund()
        await desk.park()
        await desk.answer(outcome, CARA, reason="it is in the list")
        await cancel(desk)
        assert (state_of(desk), desk.cell.parts.ledger.holds()) == (StepState.UNKNOWN, 1)
        await desk.cell.gateway.settle_left()
        assert (state_of(desk), desk.cell.parts.ledger.holds()) == (StepState.DONE, 0)


async def test_what_nobody_has_told_stays_unknown(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Till(failures=1), edit=tools(NO_RETRY)) as desk:
        outcome = await desk.refund()
        await cancel(desk)
        await desk.cell.gateway.settle_left()
        assert (state_of(desk), desk.cell.parts.ledger.holds()) == (StepState.UNKNOWN, 1)
        await desk.answer(outcome, CARA, "reject", reason="it is not in the list")
        assert (state_of(desk), desk.cell.parts.ledger.holds()) == (StepState.DONE, 0)


async def test_a_step_that_cannot_be_settled_keeps_no_other_from_it(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Till(failures=2, error=Crash()), edit=tools(NO_RETRY)) as desk:
        other = await another_run(desk, "R-2")
        for each, order in ((desk, "R-1"), (other, "R-2")):
            with pytest.raises(Crash):
                await each.refund(order=order)
            await cancel(each)
        gone = "delete from payloads where digest = (select judged from steps where run = ?)"
        execute(desk.cell.database, gone, desk.run.id)
        await desk.cell.gateway.settle_left()
        assert (state_of(desk), state_of(other)) == (StepState.DECIDED, StepState.UNKNOWN)


@pytest.mark.parametrize("is_kept", [True, False])
async def test_what_a_version_left_that_is_not_loaded_any_more_is_settled_by_what_was_kept_of_it(
    tmp_path: Path, is_kept: bool
) -> None:
    async with open_desk(tmp_path, server=Till(failures=1), edit=tools(NO_RETRY)) as desk:
        outcome = await desk.refund()
        await desk.park()
        await desk.answer(outcome, CARA, reason="it is in the list")
        await cancel(desk)
        parts, release = desk.cell.parts, desk.run.release
        del parts.releases[release]
        if not is_kept:
            execute(desk.cell.database, "update releases set body = ?", b"{")
        await desk.cell.gateway.settle_left()
        assert (state_of(desk) is StepState.DONE, parts.ledger.holds()) == (is_kept, int(not is_kept))
        if not is_kept:
            approval = parts.approvals.listing()[0]
            with pytest.raises(NotFoundError, match="cannot be made any more"):
                await desk.cell.gateway.settle_doubt(approval)


async def test_what_a_live_process_has_taken_up_is_left_to_it(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Till(failures=1, error=Crash()), edit=tools(NO_RETRY)) as desk:
        with pytest.raises(Crash):
            await desk.refund()
        parts, alive = desk.cell.parts, "elsewhere/2/alive"
        taken = parts.journal.take_over(LeftRun(desk.run, "host/1/test", 0), issue_secret()[1], alive)
        await desk.commit(*taken, parts.executors.beat(alive))
        await cancel(desk)
        await desk.cell.gateway.settle_left()
        assert state_of(desk) is StepState.DECIDED
        await desk.commit(parts.executors.end(alive))
        await desk.cell.gateway.settle_left()
        assert state_of(desk) is StepState.UNKNOWN


async def test_what_this_process_has_taken_up_and_not_begun_is_settled_by_it(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Till(failures=1, error=Crash()), edit=tools(NO_RETRY)) as desk:
        with pytest.raises(Crash):
            await desk.refund()
        parts, own = desk.cell.parts, desk.cell.runtime.executor
        taken = parts.journal.take_over(LeftRun(desk.run, "host/1/test", 0), issue_secret()[1], own)
        await desk.commit(*taken, parts.executors.beat(own))
        await cancel(desk)  # before the new attempt has come to the step
        await desk.cell.gateway.settle_left(own)
        assert state_of(desk) is StepState.UNKNOWN  # and somebody is asked


async def test_what_this_process_performs_is_not_settled_beside_it(tmp_path: Path) -> None:
    slow = Slow()
    async with open_desk(tmp_path, server=slow, edit=tools(NO_RETRY)) as desk:
        performing = asyncio.create_task(desk.refund())
        await slow.called.wait()
        await cancel(desk)
        await desk.cell.gateway.settle_left("host/1/test")
        assert state_of(desk) is StepState.DECIDED
        slow.answer.set()
        await performing
        assert (state_of(desk), slow.amounts) == (StepState.DONE, [20])


async def test_what_a_person_is_doing_is_left_to_them(tmp_path: Path) -> None:
    slow = Slow()
    async with open_desk(tmp_path, order="R-2", server=slow, edit=tools(NO_RETRY)) as desk:
        outcome = await desk.refund(6_000, order="R-2")
        await desk.park()
        acting = asyncio.create_task(desk.answer(outcome, TOM))
        await slow.called.wait()
        await cancel(desk)
        await Gateway(desk.cell.parts).settle_left()  # as another process would
        assert state_of(desk) is StepState.DECIDED
        slow.answer.set()
        await acting
        assert (state_of(desk), slow.amounts) == (StepState.DONE, [6_000])
        assert desk.cell.parts.approvals.listing(state="pending") == []
