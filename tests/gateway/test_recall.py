"""A run driven again: what was done comes back, what broke off is taken up, and another order is an error."""

import json
from pathlib import Path

import pytest
from tests.gateway.desk import (
    CARA,
    LOOKED_UP,
    NO_RETRY,
    WITH_LOOKUP,
    Counter,
    Crash,
    Saying,
    Slow,
    Till,
    another_run,
    begin,
    done,
    failed,
    limits,
    open_desk,
    refused,
    tools,
)

from remit.core import SECOND
from remit.gateway import Action, AnotherActionError, Check
from remit.journal import StepState
from remit.testing import SettableClock


async def test_what_was_done_comes_back_byte_for_byte_without_a_new_effect(tmp_path: Path) -> None:
    said = {"z": 1, "a": [1.0, 1e100, "é"], "b": {"y": None, "x": True}}
    async with open_desk(tmp_path, server=Saying(said)) as desk:
        first = await desk.look()
        desk.server.answer = "something else"
        again = await desk.drive_again()
        second = await again.look()
        assert second == first
        assert json.dumps(done(second)) == json.dumps(done(first))
        assert desk.verdicts() == ["permit"]


async def test_what_was_refused_stays_refused_in_the_same_words(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        first = refused(await desk.refund(41))
        desk.server.add_order("R-9", {"status": "delivered", "paid": 10_000})
        again = await desk.drive_again()
        assert refused(await again.refund(41)) == first
        assert desk.verdicts() == ["deny"]


async def test_another_action_at_a_known_step_is_an_error_with_a_name(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        done(await desk.look())
        again = await desk.drive_again()
        with pytest.raises(AnotherActionError, match="does not repeat itself"):
            await again.look("R-2")
        with pytest.raises(AnotherActionError):
            await again.refund(step=1)
        with pytest.raises(AnotherActionError):
            await desk.cell.gateway.act(again.credentials, Action("model", "simulated", {"order_id": "R-1"}, 1))
        assert desk.server.effects == []


async def test_an_idempotent_write_that_broke_off_is_repeated_under_its_key(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Till(failures=1, error=Crash())) as desk:
        with pytest.raises(Crash):
            await desk.refund()
        again = await desk.drive_again()
        done(await again.refund())
        assert [call.key for call in desk.server.effects] == [f"{desk.run.id}:1"] * 2
        assert [dict(call.fences) for call in desk.server.effects] == [{"shop:order_id:R-1": n} for n in (1, 2)]
        assert desk.verdicts() == ["permit", "resume"]
        assert len(desk.entries("outcome")) == 1
        assert desk.cell.parts.ledger.holds() == 0
        assert desk.cell.parts.controls.locks() == []


async def test_a_write_that_broke_off_and_can_be_looked_up_is_not_repeated(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Till(failures=1, error=Crash()), edit=tools(WITH_LOOKUP)) as desk:
        with pytest.raises(Crash):
            await desk.refund()
        key = f"{desk.run.id}:1"
        LOOKED_UP[desk.run.id] = {"performed": True, "result": {"refund_id": key, "amount": 20}}
        again = await desk.drive_again()
        assert done(await again.refund())["refund_id"] == key
        assert len(desk.server.effects) == 1


async def test_a_write_that_broke_off_and_did_not_happen_is_told(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Till(failures=1, error=Crash()), edit=tools(WITH_LOOKUP)) as desk:
        with pytest.raises(Crash):
            await desk.refund()
        LOOKED_UP[desk.run.id] = {"performed": False}
        assert "nothing happened" in failed(await (await desk.drive_again()).refund())


async def test_a_write_that_broke_off_and_cannot_be_looked_up_is_put_to_a_person_once(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Till(failures=1, error=Crash()), edit=tools(NO_RETRY)) as desk:
        with pytest.raises(Crash):
            await desk.refund()
        again = await desk.drive_again()
        outcome = await again.refund()
        assert again.question(outcome).kind == "unknown"
        assert desk.cell.parts.ledger.holds() == 1
        third = await again.drive_again()
        assert third.question(await third.refund()).id == again.question(outcome).id
        await third.answer(outcome, CARA, reason="it is in the list")
        done(await third.refund(step=1))
        assert len(desk.server.effects) == 1
        assert desk.cell.parts.ledger.holds() == 0


async def test_an_attempt_that_was_overtaken_does_not_take_up_what_the_newer_one_does(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Till(failures=1, error=Crash())) as desk:
        done(await desk.look())
        newer = await desk.drive_again()
        newer.next_step = 2
        with pytest.raises(Crash):
            await newer.refund()
        assert refused(await desk.refund(step=2)).step is Check.IDENTIFY
        assert len(desk.server.effects) == 1


async def test_what_broke_off_is_not_taken_up_while_a_switch_is_pulled(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Till(failures=1, error=Crash())) as desk:
        with pytest.raises(Crash):
            await desk.refund()
        again = await desk.drive_again()
        await desk.cell.operations.stop("fleet", because="a test", by=CARA)
        assert refused(await again.refund()).step is Check.SWITCHES
        await desk.cell.operations.resume("fleet", because="tested", by=CARA)
        done(await again.refund(step=1))


async def test_what_broke_off_is_not_repeated_while_another_run_has_its_lock(tmp_path: Path) -> None:
    clock, shop = SettableClock(), Slow()
    async with open_desk(tmp_path, clock=clock, server=shop, change=limits(lock_seconds=0)) as desk:
        other = await another_run(desk)
        shop.go.set()
        shop.failures, shop.error = 1, Crash()
        with pytest.raises(Crash):
            await desk.refund()
        clock.advance(200 * SECOND)
        shop.failures, shop.error = 1, Crash()
        with pytest.raises(Crash):
            await other.refund(11)
        again = await desk.drive_again()
        question = again.question(await again.refund())
        assert question.kind == "unknown"
        assert "is locked" in question.because
        assert shop.amounts == [20, 11]


async def test_a_model_that_was_asked_when_the_attempt_ended_is_asked_again(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Counter()) as desk:
        request = {"messages": [{"role": "user", "content": json.dumps({"input": {}, "results": {"2": {"why": "x"}}})}]}
        action = Action("model", "simulated", request, 1)
        first = done(await desk.cell.gateway.act(desk.credentials, action))
        again = await begin(desk.cell, desk.run)
        assert done(await desk.cell.gateway.act(again, action)) == first
        row = desk.cell.parts.journal.step(desk.run.id, 1)
        assert row is not None
        assert row.state is StepState.DONE
