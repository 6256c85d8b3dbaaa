"""Agents that try to get more than they were given, callers that give up, and answers that come too late."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import (
    ANN,
    SECRET,
    TINA,
    TOM,
    WITH_LOOKUP,
    Slow,
    Till,
    denied_entry,
    done,
    open_desk,
    refused,
    tools,
)

from remit.approvals import ApprovalState
from remit.core import ConflictError, InputError
from remit.gateway import Action, Check, ToolCall, Waiting
from remit.gateway.providers import Completion
from remit.journal import StepState


class Listener:
    """A model that keeps what it was sent."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    async def complete(self, request: Any, *, task: str, **_: Any) -> Completion:
        self.heard.append(request)
        return Completion({"role": "assistant", "content": "ok"}, None, "listener", "simulated", 0, "stop")

    async def close(self) -> None:
        """Has nothing to close."""


async def test_a_request_changed_while_it_is_judged_is_sent_as_it_was_judged(tmp_path: Path) -> None:
    model = Listener()
    async with open_desk(tmp_path, providers={"simulated": model}) as desk:
        messages = [{"role": "user", "content": "hello"}]
        asking = asyncio.create_task(
            desk.cell.gateway.act(desk.credentials, Action("model", "simulated", {"messages": messages}, 1))
        )
        await asyncio.sleep(0)
        messages[0]["content"] = SECRET
        done(await asking)
        assert model.heard[0]["messages"][0]["content"] == "hello"


async def test_a_caller_that_gives_up_leaves_no_permit_without_an_outcome(tmp_path: Path) -> None:
    shop = Slow()
    async with open_desk(tmp_path, server=shop) as desk:
        acting = asyncio.create_task(desk.refund())
        await shop.begun.wait()
        acting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await acting
        shop.go.set()
        await desk.cell.gateway.settle(desk.run.id)
        (step,) = desk.cell.parts.journal.steps(desk.run.id)
        assert step.state is StepState.DONE
        assert len(desk.entries("outcome")) == 1
        assert desk.cell.parts.ledger.holds() == 0
        assert desk.cell.parts.controls.locks() == []


async def test_a_step_in_flight_is_joined_and_not_taken_up_by_the_next_attempt(tmp_path: Path) -> None:
    shop = Slow()
    async with open_desk(tmp_path, server=shop, edit=tools(WITH_LOOKUP)) as desk:
        first = asyncio.create_task(desk.refund(step=1))
        await shop.begun.wait()
        again = await desk.drive_again()
        second = asyncio.create_task(again.refund(step=1))
        await asyncio.sleep(0.05)
        shop.go.set()
        assert done(await second) == done(await first)
        assert len(shop.effects) == 1


class Leaving(Till):
    """A tool that gives up its own task, or the whole process."""

    def __init__(self, leaving: BaseException) -> None:
        super().__init__()
        self.leaving = leaving

    async def issue_refund(self, call: ToolCall, **arguments: Any) -> dict[str, Any]:
        raise self.leaving


@pytest.mark.parametrize("leaving", [asyncio.CancelledError(), SystemExit(3)])
async def test_a_tool_that_leaves_is_an_unknown_outcome(tmp_path: Path, leaving: BaseException) -> None:
    async with open_desk(tmp_path, server=Leaving(leaving)) as desk:
        outcome = await desk.refund()
        assert isinstance(outcome, Waiting)
        assert outcome.for_what == "outcome"


async def test_a_proposal_that_was_rejected_is_not_acted_on(tmp_path: Path) -> None:
    async with open_desk(tmp_path, order="R-2") as desk:
        outcome = await desk.refund(6_000, order="R-2")
        proposal = desk.question(outcome)
        await desk.park()
        await desk.answer(outcome, TINA, "reject", reason="not this one")
        assert refused(await desk.cell.gateway.act_as_person(TOM, proposal)).step is Check.APPROVAL
        assert desk.server.effects == []
        assert desk.question(outcome).state is ApprovalState.REJECTED


async def test_a_yes_to_what_somebody_edited_meanwhile_needs_its_fingerprint(tmp_path: Path) -> None:
    async with open_desk(tmp_path, order="R-2") as desk:
        outcome = await desk.refund(600, order="R-2")
        await desk.park()
        asked = desk.question(outcome)
        changed = {"order_id": "R-2", "amount": 4_999, "why": "more"}
        await desk.answer(outcome, TOM, "edit", reason="more", arguments=changed)
        for seen in ("", asked.digest.partition(":")[2][:12]):
            with pytest.raises(ConflictError):
                await desk.cell.operations.answer(asked.id, person=TINA, answer="approve", seen=seen)
        fingerprint = desk.question(outcome).digest.partition(":")[2][:12]
        await desk.cell.operations.answer(asked.id, person=TINA, answer="approve", seen=fingerprint)
        assert desk.question(outcome).state is ApprovalState.APPROVED


@pytest.mark.parametrize("told", [{"alternatives": ({"o": float("nan")},)}, {"reasoning": "x" * 100_000 + "\ud800"}])
async def test_no_words_of_an_agent_keep_its_refusal_out_of_the_log(tmp_path: Path, told: Any) -> None:
    async with open_desk(tmp_path) as desk:
        denied_entry(desk, await desk.refund(order="R-3", **told))


async def test_a_name_nobody_declared_is_in_the_log_only_by_digest(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        outcome = await desk.act("shop__jane_doe", {})
        assert refused(outcome).step is Check.INPUT
        assert "jane_doe" not in str(denied_entry(desk, outcome))


async def test_a_secret_that_was_stopped_is_not_kept(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        outcome = await desk.act("shop__issue_refund", {"order_id": "R-1", "amount": 20, "why": f"key {SECRET}"})
        assert refused(outcome).step is Check.GUARDRAILS
        for kept in (tmp_path / "fleet" / ".remit").glob("remit.db*"):
            assert SECRET.encode() not in kept.read_bytes()


async def test_a_cancelled_runs_unknown_outcome_is_still_told_and_frees_its_hold(tmp_path: Path) -> None:
    async with open_desk(
        tmp_path, server=Leaving(ConnectionError()), edit=tools(("    idempotent: true\n", ""))
    ) as desk:
        outcome = await desk.refund()
        assert isinstance(outcome, Waiting)
        await desk.cell.operations.cancel(desk.run.id, because="enough", by=TOM)
        assert desk.cell.parts.ledger.holds() == 1
        await desk.cell.operations.answer(
            outcome.approval, person="cara.lead@shop.example", answer="reject", reason="no"
        )
        assert desk.cell.parts.ledger.holds() == 0
        assert desk.cell.parts.controls.locks() == []


async def test_one_key_for_other_input_is_refused(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        value = {"order_id": "R-1", "message": "Please refund 20."}
        await desk.cell.operations.submit("refund-desk", value, on_behalf_of=ANN, dedup="k")
        with pytest.raises(ConflictError, match="other input"):
            await desk.cell.operations.submit("refund-desk", {**value, "order_id": "R-2"}, on_behalf_of=ANN, dedup="k")


async def test_a_stop_of_nothing_is_refused(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        with pytest.raises(InputError, match="no such agent"):
            await desk.cell.operations.stop("agent:refunds-desk", because="typo", by=TOM)
