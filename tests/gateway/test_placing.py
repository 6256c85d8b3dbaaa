"""A run that finds no place at an upstream is parked with a time to come back; what was not sent was never decided."""

import asyncio
from pathlib import Path
from typing import Any

from tests.gateway.desk import (
    CARA,
    NO_RETRY,
    TOM,
    Desk,
    Refusing,
    Slow,
    Till,
    another_run,
    done,
    failed,
    limits,
    open_desk,
    refused,
    tools,
)
from tests.gateway.test_patience import Away

from remit.approvals import ApprovalState
from remit.gateway import Check, Outcome, ToolCall, Waiting
from remit.gateway.breaker import BreakerState
from remit.gateway.tools import UnreachableError
from remit.journal import StepState

ONE_PLACE = tools(("server: shop\n", "server: shop\nconcurrency: 1\n"))
SOON_OPEN = {"outage_seconds": 0.3, "upstream_failures": 2}


def parked(outcome: Outcome, desk: Desk) -> Waiting:
    """Returns what a run waits for that may go on by itself later."""
    assert isinstance(outcome, Waiting), outcome
    assert (outcome.for_what, outcome.approval) == ("upstream", "tools:shop")
    assert outcome.until is not None
    assert outcome.until > desk.cell.parts.clock.now() - 1_000_000
    return outcome


def holds_nothing(desk: Desk) -> bool:
    """Whether neither budget nor lock nor place is taken."""
    parts = desk.cell.parts
    (state,) = [each for each in parts.upstreams.states() if each.name == "tools:shop"]
    return parts.ledger.holds() == 0 and parts.controls.locks() == [] and state.under_way == 0


async def opened(desk: Desk) -> None:
    """Makes the shop's breaker open."""
    upstream = desk.cell.parts.upstreams.get("tools:shop", places=1)
    while not upstream.is_shut:
        with await upstream.enter() as place:
            place.failed("refused")


async def test_who_finds_every_place_taken_is_parked_and_nothing_is_decided(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Slow(), edit=ONE_PLACE, change=limits(busy_seconds=0)) as desk:
        other = await another_run(desk, "R-2")
        under_way = asyncio.create_task(other.refund(order="R-2"))
        await desk.server.begun.wait()
        parked(await desk.refund(), desk)
        assert desk.entries("decision") == []
        assert desk.cell.parts.journal.step(desk.run.id, 1) is None
        desk.server.go.set()
        done(await under_way)
        assert holds_nothing(desk)
        done(await desk.refund(step=1))


async def test_an_open_breaker_parks_a_run_before_anything_is_asked(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        await opened(desk)
        parked(await desk.refund(), desk)
        parked(await desk.look(step=1), desk)
        assert desk.server.effects == []
        assert desk.entries("decision") == []


async def test_what_was_permitted_and_cannot_be_sent_is_withdrawn_and_done_once_when_the_shop_is_back(
    tmp_path: Path,
) -> None:
    async with open_desk(tmp_path, server=Away(refunds=2), edit=tools(NO_RETRY), change=limits(**SOON_OPEN)) as desk:
        parked(await desk.refund(), desk)
        assert desk.verdicts() == ["permit", "withdraw"]
        assert holds_nothing(desk)
        await desk.park()
        await asyncio.sleep(1.1)  # until a probe may be made
        again = await desk.drive_again()
        done(await again.refund())
        assert desk.server.amounts == [20]
        assert desk.verdicts() == ["permit", "withdraw", "permit"]
        assert holds_nothing(desk)


async def test_an_approval_that_was_used_for_nothing_can_be_used_again(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Away(refunds=2), change=limits(**SOON_OPEN), order="R-2") as desk:
        asked = await desk.refund(80, order="R-2")
        approval = await desk.answer(asked, CARA)
        parked(await desk.refund(80, order="R-2", step=1), desk)
        assert desk.cell.parts.approvals.get(approval.id).state is ApprovalState.APPROVED
        await asyncio.sleep(1.1)
        done(await desk.refund(80, order="R-2", step=1))
        assert desk.server.amounts == [80]
        assert desk.cell.parts.approvals.get(approval.id).state is ApprovalState.USED


class Broken(Till):
    """Books without telling, then is gone for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def issue_refund(self, call: ToolCall, *, order_id: str, amount: float, why: str) -> dict[str, Any]:
        self.asked += 1
        if self.asked == 1:
            await super().issue_refund(call, order_id=order_id, amount=amount, why=why)
            raise ConnectionError("the line went dead")
        if self.asked < 3:
            raise UnreachableError("the server shop is not reachable")
        return {"order_id": order_id, "amount": amount, "refund_id": call.key}


async def test_what_may_have_happened_stays_decided_and_is_asked_again_under_the_same_key(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Broken(), change=limits(**SOON_OPEN)) as desk:
        parked(await desk.refund(), desk)
        row = desk.cell.parts.journal.step(desk.run.id, 1)
        assert row is not None
        assert row.state is StepState.DECIDED
        await desk.park()
        await asyncio.sleep(1.1)
        again = await desk.drive_again()
        done(await again.refund())
        assert (desk.server.amounts, desk.verdicts()) == ([20], ["permit", "resume"])
        assert holds_nothing(desk)


async def test_who_has_waited_for_too_long_is_told(tmp_path: Path) -> None:
    change = limits(**SOON_OPEN, upstream_minutes=0)
    async with open_desk(tmp_path, server=Away(refunds=99), change=change) as desk:
        parked(await desk.refund(), desk)
        reason = "waits for tools:shop at step 1"
        await desk.commit(*desk.cell.parts.journal.park(desk.run.id, desk.credentials.attempt, reason))
        again = await desk.drive_again()
        denied = refused(await again.refund())
        assert denied.step is Check.PERFORM
        assert denied.is_undecided
        assert "tools:shop is out of reach" in denied.reason


async def test_a_person_who_acts_is_told_to_try_again(tmp_path: Path) -> None:
    async with open_desk(tmp_path, order="R-2") as desk:
        proposed = await desk.refund(6_000, order="R-2")
        asked = desk.question(proposed)
        await desk.park()
        await opened(desk)
        denied = refused(await desk.cell.gateway.act_as_person(TOM, asked))
        assert "out of reach" in denied.reason
        assert denied.hint.startswith("Try again in")
        assert desk.cell.parts.approvals.get(asked.id).state is ApprovalState.PENDING


async def test_a_tool_that_says_no_opens_nothing(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Refusing(), change=limits(upstream_failures=1)) as desk:
        for amount in (10, 11, 12):
            assert "the bank is closed" in failed(await desk.refund(amount))
        assert desk.cell.parts.upstreams.get("tools:shop", places=1).state.breaker is BreakerState.CLOSED


async def test_a_fact_that_cannot_be_read_now_parks_the_run(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Away(looks=2), change=limits(**SOON_OPEN)) as desk:
        parked(await desk.refund(), desk)
        assert desk.entries("decision") == []
        await asyncio.sleep(1.1)
        done(await desk.refund(step=1))


async def test_a_lock_is_waited_for_without_a_place(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Slow(), change=limits(lock_seconds=3)) as desk:
        other = await another_run(desk)
        first = asyncio.create_task(desk.refund())
        await desk.server.begun.wait()
        second = asyncio.create_task(other.refund(21))
        await asyncio.sleep(0.3)
        (state,) = [each for each in desk.cell.parts.upstreams.states() if each.name == "tools:shop"]
        assert state.under_way == 1
        desk.server.go.set()
        done(await first)
        await second
