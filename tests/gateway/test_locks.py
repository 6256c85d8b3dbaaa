"""What facts and gates saw of a resource holds when the action is performed: whoever waited for its lock looks again."""

import asyncio
from pathlib import Path
from typing import Any

from tests.gateway.desk import CARA, Desk, another_run, done, open_desk, refused

from remit.gateway import Check, Outcome, ToolCall
from remit_fleets.refunds.shop import Shop


class Trusting(Shop):
    """Pays back whatever it is asked for, when it is let go; what is due, others have to know."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go = asyncio.Event(), asyncio.Event()
        self.looks, self.both_looked = 0, asyncio.Event()
        self.between: Any = None

    async def issue_refund(self, call: ToolCall, *, order_id: str, amount: float, why: str) -> dict[str, Any]:
        self.begun.set()
        await self.go.wait()
        row = (call.key, order_id, round(amount * 100), why)
        self._database.execute("insert or ignore into refunds values (?, ?, ?, ?)", row)
        return {"order_id": order_id, "amount": amount, "refund_id": call.key}

    async def get_order(self, call: ToolCall, *, order_id: str) -> dict[str, Any]:
        told = await super().get_order(call, order_id=order_id)
        self.looks += 1
        if self.looks == 4:  # facts and gate, for each of two refunds: what is left is the lock
            self.both_looked.set()
        if self.looks == 2 and self.between is not None:  # the gate has looked, and nothing else will
            happens, self.between = self.between, None
            await happens()
        return told


async def both_at_once(desk: Desk, other: Desk, amount: float) -> tuple[Outcome, Outcome]:
    """Has two runs ask for a refund of one order, the second one while the first holds the lock."""
    first = asyncio.create_task(desk.refund(amount))
    await desk.server.begun.wait()
    second = asyncio.create_task(other.refund(amount))
    await desk.server.both_looked.wait()
    desk.server.go.set()
    return await first, await second


async def test_who_waits_for_a_lock_does_not_act_on_what_was_so_before(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Trusting()) as desk:
        other = await another_run(desk)
        first, second = await both_at_once(desk, other, 40)
        done(first)
        denied = refused(second)
        assert (denied.step, denied.words) == (Check.GUARDRAILS, "40 is more than the 0.0 left of the payment")
        assert desk.server.refunded("R-1") == 4_000


async def test_what_changed_between_the_look_and_the_lock_is_looked_at_again(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Trusting()) as desk:
        other = await another_run(desk)
        desk.server.go.set()

        async def pay() -> None:
            done(await desk.refund(40))

        desk.server.between = pay
        assert refused(await other.refund(40)).step is Check.GUARDRAILS
        assert desk.server.refunded("R-1") == 4_000


async def test_what_still_holds_is_done_after_the_wait(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Trusting()) as desk:
        other = await another_run(desk)
        first, second = await both_at_once(desk, other, 15)
        done(first)
        done(second)
        assert desk.server.refunded("R-1") == 3_000
        assert desk.cell.parts.controls.locks() == []


async def test_a_switch_pulled_during_the_wait_stops_it(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Trusting()) as desk:
        other = await another_run(desk)
        first = asyncio.create_task(desk.refund(15))
        await desk.server.begun.wait()
        second = asyncio.create_task(other.refund(15))
        await desk.server.both_looked.wait()
        await desk.cell.operations.stop("tool:shop__issue_refund", because="look at it first", by=CARA)
        desk.server.go.set()
        done(await first)
        assert refused(await second).step is Check.SWITCHES
        assert desk.server.refunded("R-1") == 1_500


async def test_the_record_names_what_was_read_last(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Trusting()) as desk:
        other: Desk = await another_run(desk)
        first = asyncio.create_task(desk.refund(15))
        await desk.server.begun.wait()
        second = asyncio.create_task(other.refund(15))
        await desk.server.both_looked.wait()
        desk.server.go.set()
        await first
        done(await second)
        decided = other.entries("decision")[-1].fields
        assert len(decided["reads"]) == 2
        assert decided["constraints"].count("gate before: remit_fleets.refunds.checks:refund_matches_order") == 1
