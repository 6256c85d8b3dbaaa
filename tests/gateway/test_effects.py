"""Steps 11 to 13: what is permitted happens once, and nobody guesses what became of it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import (
    CARA,
    LOOKED_UP,
    NO_RETRY,
    OLGA,
    SECRET,
    WITH_LOOKUP,
    Counter,
    Desk,
    Refusing,
    Saying,
    Silent,
    Till,
    contract,
    done,
    failed,
    limits,
    open_desk,
    tools,
)

from remit.approvals import ApprovalState
from remit.gateway import Check, Denied, Done, Waiting
from remit.journal import StepState

AFTER = "remit_fleets.refunds.checks:refund_is_in_ledger"


def state_of(desk: Desk, step: int = 1) -> StepState:
    row = desk.cell.parts.journal.step(desk.run.id, step)
    assert row is not None
    return row.state


async def test_an_idempotent_write_is_tried_again_under_one_key_and_happens_once(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Counter(failures=2)) as desk:
        done(await desk.refund())
        assert [call.key for call in desk.server.calls] == [f"{desk.run.id}:1"] * 3
        assert desk.server.refunded("R-1") == 2_000
        assert desk.verdicts() == ["permit"]
        assert len(desk.entries("outcome")) == 1


async def test_after_three_tries_a_person_is_asked(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Counter(failures=9)) as desk:
        outcome = await desk.refund()
        assert desk.question(outcome).kind == "unknown"
        assert len(desk.server.calls) == 3


async def test_a_tools_own_no_is_no_mystery(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Refusing(), edit=tools(NO_RETRY)) as desk:
        assert failed(await desk.refund()) == "the bank is closed"
        assert state_of(desk) is StepState.DONE


@pytest.mark.parametrize(
    ("found", "happened"),
    [({"performed": True, "result": {"refund_id": "", "amount": 20}}, True), ({"performed": False}, False)],
)
async def test_what_can_be_looked_up_is_not_done_again(tmp_path: Path, found: dict[str, Any], happened: bool) -> None:
    async with open_desk(tmp_path, server=Till(failures=1), edit=tools(WITH_LOOKUP)) as desk:
        key = f"{desk.run.id}:1"
        LOOKED_UP[desk.run.id] = found | {"result": {"refund_id": key, "amount": 20}} if happened else found
        outcome = await desk.refund()
        assert len(desk.server.effects) == 1
        if happened:
            assert done(outcome)["refund_id"] == key
        else:
            assert "nothing happened" in failed(outcome)
        assert desk.cell.parts.ledger.holds() == 0
        (charge,) = desk.cell.parts.ledger.charges(desk.run.id)
        assert (charge.amount > 0) is happened  # what did not happen is not paid for


@pytest.mark.parametrize(
    "found",
    [None, {}, {"performed": "no"}, {"performed": True, "result": {1, 2}}],
    ids=["raises", "empty", "text", "set"],
)
async def test_a_lookup_that_does_not_tell_leaves_it_to_a_person(tmp_path: Path, found: Any) -> None:
    async with open_desk(tmp_path, server=Till(failures=1), edit=tools(WITH_LOOKUP)) as desk:
        if found is not None:
            LOOKED_UP[desk.run.id] = found
        assert desk.question(await desk.refund()).kind == "unknown"
        assert len(desk.server.effects) == 1


async def test_a_lookup_that_never_answers_leaves_it_to_a_person(tmp_path: Path) -> None:
    edit = tools(("    idempotent: true\n", "    lookup: tests.gateway.checks:silent\n"))
    async with open_desk(tmp_path, server=Till(failures=1), edit=edit, change=limits(tool_seconds=0.05)) as desk:
        assert desk.question(await desk.refund()).kind == "unknown"


async def test_a_tool_that_never_answers_is_given_up_and_a_person_is_asked(tmp_path: Path) -> None:
    edit = tools(("    idempotent: true\n", "    seconds: 0.05\n"))
    async with open_desk(tmp_path, server=Silent(), edit=edit) as desk:
        question = desk.question(await desk.refund())
        assert "no answer within 0.05 seconds" in question.because
        assert len(desk.server.effects) == 1


async def test_whatever_a_tool_shouts_when_it_fails_the_question_is_asked(tmp_path: Path) -> None:
    shop = Till(failures=1, error=ValueError("\ud800" + "x" * 70_000))
    async with open_desk(tmp_path, server=shop, edit=tools(NO_RETRY)) as desk:
        assert desk.question(await desk.refund()).kind == "unknown"


async def test_a_read_that_fails_is_told_to_the_agent(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Broken()) as desk:
        assert "ConnectionError" in failed(await desk.look())
        assert desk.server.asked == 3


class Broken(Till):
    """Cannot be asked anything."""

    asked = 0

    async def get_order(self, call: Any, *, order_id: str) -> Any:
        self.asked += 1
        raise ConnectionError("no route")


@pytest.mark.parametrize(("answer", "happened"), [("approve", True), ("reject", False)])
async def test_a_person_settles_what_nobody_knows(tmp_path: Path, answer: str, happened: bool) -> None:
    async with open_desk(tmp_path, server=Till(failures=1), edit=tools(NO_RETRY)) as desk:
        outcome = await desk.refund()
        assert isinstance(outcome, Waiting)
        assert outcome.for_what == "outcome"
        assert state_of(desk) is StepState.UNKNOWN
        assert desk.cell.parts.ledger.holds() == 1
        assert isinstance(await desk.refund(step=1), Waiting)
        await desk.answer(outcome, CARA, answer, reason="the bank's list says so")
        settled = await desk.refund(step=1)
        assert isinstance(settled, Done)
        assert settled.is_error is not happened
        assert settled.value == {"happened": happened, "told_by_a_person": "the bank's list says so"}
        assert len(desk.server.effects) == 1
        assert desk.cell.parts.ledger.holds() == 0
        assert desk.cell.parts.controls.locks() == []
        spent = sum(charge.amount for charge in desk.cell.parts.ledger.charges(desk.run.id))
        assert spent == (10_000 if happened else 0)
        assert await desk.refund(step=1) == settled


async def test_the_owner_may_say_what_happened(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Till(failures=1), edit=tools(NO_RETRY)) as desk:
        answered = await desk.answer(await desk.refund(), OLGA, reason="I have looked")
        assert answered.state is ApprovalState.APPROVED


@pytest.mark.parametrize(
    ("answer", "told"), [({1, 2}, "not JSON"), ({"note": "x" * 3_000}, "too large"), (float("nan"), "not JSON")]
)
async def test_a_result_that_cannot_be_passed_on_is_an_error_in_words(tmp_path: Path, answer: Any, told: str) -> None:
    async with open_desk(tmp_path, server=Saying(answer), change=limits(result_bytes=2_000)) as desk:
        assert told in failed(await desk.look())


async def test_a_secret_in_a_result_is_removed(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Saying({"note": f"key {SECRET}", "status": "delivered"})) as desk:
        value = done(await desk.look())
        assert value["note"] == "key [secret removed: github-token]" or SECRET not in str(value)
        assert value["status"] == "delivered"
        assert "secret" in str(desk.entries("outcome")[-1].fields["labels"])
        assert done(await (await desk.drive_again()).look()) == value


@pytest.mark.parametrize("gate", ["no", "raising", "no_text", "not_there"])
async def test_a_result_that_fails_its_gate_is_not_passed_on(tmp_path: Path, gate: str) -> None:
    async with open_desk(tmp_path, edit=tools((AFTER, f"tests.gateway.checks:{gate}"))) as desk:
        told = failed(await desk.refund())
        assert "the result failed its gate" in told
        assert desk.run.id not in told
        assert desk.entries("outcome")[-1].fields["gate"]
        assert len(desk.server.effects) == 1
        assert desk.cell.parts.ledger.holds() == 0
        assert desk.cell.parts.controls.locks() == []


async def test_after_the_receipt_of_a_stop_nothing_more_is_permitted(tmp_path: Path) -> None:
    edit = contract(("steps: 20", "steps: 1000"), ("0.40 EUR", "10 EUR"))
    async with open_desk(tmp_path, server=AnyOrder(), change=limits(steps=10_000), edit=edit) as desk:
        begun, outcomes = asyncio.Event(), list[Any]()

        async def caller(number: int) -> None:
            for turn in range(15):
                outcomes.append(await desk.look(f"R-{number}-{turn}", step=number * 15 + turn + 1))
                if len(outcomes) > 100:
                    begun.set()
                if isinstance(outcomes[-1], Denied):
                    return

        callers = [asyncio.create_task(caller(number)) for number in range(64)]
        await asyncio.wait_for(begun.wait(), 10)
        receipt = await desk.cell.operations.stop("agent:refund-desk", because="enough", by=CARA)
        await asyncio.gather(*callers)
        switch = next(entry for entry in desk.cell.log.entries("cell") if entry.kind == "switch")
        permits = [entry for entry in desk.entries("decision") if entry.fields["verdict"] == "permit"]
        assert receipt["micros"] >= 0
        assert 100 < len(permits) < 64 * 15
        assert all(entry.index < switch.index for entry in permits)
        assert {o.step for o in outcomes if isinstance(o, Denied)} == {Check.SWITCHES}


class AnyOrder(Till):
    """Has every order."""

    async def get_order(self, call: Any, *, order_id: str) -> Any:
        return {"order_id": order_id}
