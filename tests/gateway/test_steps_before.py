"""Steps 1 to 4: who is calling, is it stopped, is the version live, is it within its bounds."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.gateway.desk import another_run, begin, contract, denied_entry, done, limits, open_desk, refused, tools

from remit.core import MINUTE, SECOND
from remit.gateway import Action, Check
from remit.identity import Credentials
from remit.journal import Origin
from remit.registry import Lifecycle
from remit.store import Commit
from remit.testing import SettableClock

LOOK = Action("tool", "shop__get_order", {"order_id": "R-1"}, 1)
THINK = Action("model", "simulated", {"messages": ()}, 1)
SCOPES = (
    "fleet",
    "unit:customer-care",
    "class:user-facing",
    "agent:refund-desk",
    "version:refund-desk@1.0.0",
    "tool:shop__get_order",
    "model:simulated",
    "run:",
)


async def test_a_caller_without_a_run_is_refused_and_leaves_one_entry(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        for shown in (None, Credentials("run_nobody", 1, "x"), Credentials("", 0, "")):
            outcome = await desk.cell.gateway.act(shown, LOOK)
            assert refused(outcome).step is Check.IDENTIFY
            assert denied_entry(desk, outcome)["action"]["name"] == "undeclared"
        assert len([e for e in desk.cell.log.entries("cell") if e.kind == "decision"]) == 3


@pytest.mark.parametrize("wrong", [{"secret": "guessed"}, {"secret": ""}, {"attempt": 0}, {"attempt": 2}])
async def test_who_does_not_show_the_attempts_secret_does_nothing(tmp_path: Path, wrong: dict[str, object]) -> None:
    async with open_desk(tmp_path) as desk:
        outcome = await desk.cell.gateway.act(replace(desk.credentials, **wrong), LOOK)
        assert refused(outcome).step is Check.IDENTIFY
        denied_entry(desk, outcome)
        assert desk.cell.parts.journal.steps(desk.run.id) == []


async def test_a_stale_attempt_does_nothing_even_with_its_own_secret(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        done(await desk.look())
        newer = await desk.drive_again()
        outcome = await desk.refund()
        assert refused(outcome).step is Check.IDENTIFY
        denied_entry(desk, outcome)
        assert desk.server.effects == []
        assert [step.step for step in desk.cell.parts.journal.steps(desk.run.id)] == [1]
        done(await newer.look())
        done(await newer.refund())
        assert len(desk.server.effects) == 1


async def test_a_cancelled_run_does_nothing_more(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        done(await desk.look())
        await desk.cell.operations.cancel(desk.run.id, because="wrong ticket", by="cara.lead@shop.example")
        assert refused(await desk.refund()).step is Check.IDENTIFY
        assert desk.server.effects == []


async def test_a_switch_of_every_scope_stops_the_action_until_it_is_reset(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        operations = desk.cell.operations
        for scope in SCOPES:
            named = scope + desk.run.id if scope == "run:" else scope
            await operations.stop(named, because="a test", by="pia.platform@shop.example")
            asked = THINK if scope == "model:simulated" else LOOK
            outcome = await desk.cell.gateway.act(desk.credentials, asked)
            assert refused(outcome).step is Check.SWITCHES, scope
            denied_entry(desk, outcome)
            await operations.resume(named, because="tested", by="pia.platform@shop.example")
        assert desk.cell.parts.journal.steps(desk.run.id) == []
        done(await desk.look())


async def test_a_switch_of_another_scope_stops_nothing(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        for scope in ("unit:sales", "agent:refund", "tool:shop__issue_refund", "version:refund-desk@2.0.0", "run:x"):
            switch = desk.cell.parts.controls.switch(
                scope, stopped=True, because="a test", by="pia.platform@shop.example"
            )
            await desk.cell.parts.writer.commit(Commit([switch]))
        done(await desk.look())


async def test_who_pulled_the_switch_said_why_and_the_agent_hears_it(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        await desk.cell.operations.stop("fleet", because="the bank is down", by="pia.platform@shop.example")
        denied = refused(await desk.look())
        assert "the bank is down" in denied.sentence()
        assert denied.hint


@pytest.mark.parametrize("stage", [Lifecycle.PAUSED, Lifecycle.RETIRED, Lifecycle.PROTOTYPE])
async def test_a_version_that_is_not_live_does_nothing(tmp_path: Path, stage: Lifecycle) -> None:
    async with open_desk(tmp_path) as desk:
        await desk.commit(desk.cell.parts.registry.move("refund-desk", "1.0.0", stage))
        outcome = await desk.refund()
        assert refused(outcome).step is Check.LIFECYCLE
        denied_entry(desk, outcome)
        assert desk.server.effects == []
        assert desk.cell.parts.journal.steps(desk.run.id) == []


async def test_a_run_that_is_pinned_to_another_release_does_nothing(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        journal = desk.cell.parts.journal
        task = journal.task(desk.run.task)
        run, kept = journal.new_run(task, agent="refund-desk", version="1.0.0", release="sha256:" + "0" * 64)
        await desk.commit(kept)
        other = replace(desk, credentials=await begin(desk.cell, run))
        outcome = await other.refund()
        assert refused(outcome).step is Check.LIFECYCLE
        denied_entry(other, outcome)


async def test_a_run_ends_at_its_step_limit(tmp_path: Path) -> None:
    async with open_desk(tmp_path, edit=contract(("steps: 20", "steps: 3"))) as desk:
        for order in ("R-1", "R-2", "R-3"):
            done(await desk.look(order))
        outcome = await desk.look("R-4")
        assert refused(outcome).step is Check.LIMITS
        assert "3 steps" in denied_entry(desk, outcome)["reason"]


@pytest.mark.parametrize("step", [0, -5])
async def test_steps_are_counted_from_one(tmp_path: Path, step: int) -> None:
    async with open_desk(tmp_path) as desk:
        outcome = await desk.cell.gateway.act(desk.credentials, replace(LOOK, step=step))
        assert refused(outcome).step is Check.LIMITS
        denied_entry(desk, outcome)


async def test_the_cells_step_limit_holds_whatever_the_contract_says(tmp_path: Path) -> None:
    async with open_desk(tmp_path, change=limits(steps=1)) as desk:
        done(await desk.look())
        assert refused(await desk.look("R-2")).step is Check.LIMITS


@pytest.mark.parametrize(("hops", "allowed"), [(2, True), (3, False)])
async def test_work_is_handed_on_only_so_often(tmp_path: Path, hops: int, allowed: bool) -> None:
    async with open_desk(tmp_path, edit=contract(("steps: 20", "steps: 20, hops: 2"))) as desk:
        journal, run = desk.cell.parts.journal, desk.run
        handed, kept = journal.new_run(
            journal.task(run.task), agent=run.agent, version=run.version, release=run.release, origin=Origin(hops=hops)
        )
        await desk.commit(kept)
        outcome = await replace(desk, credentials=await begin(desk.cell, handed)).look()
        if allowed:
            done(outcome)
        else:
            assert refused(outcome).step is Check.LIMITS


async def test_a_run_ends_when_its_minutes_are_used_and_parked_time_does_not_count(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_desk(tmp_path, clock=clock) as desk:
        clock.advance(9 * MINUTE)
        done(await desk.look())
        await desk.park()
        clock.advance(600 * MINUTE)
        again = await desk.drive_again()
        done(await again.look())
        clock.advance(MINUTE)
        done(await again.look("R-2"))
        clock.advance(SECOND)
        outcome = await again.look("R-3")
        assert refused(outcome).step is Check.LIMITS
        assert "10 minutes" in denied_entry(again, outcome)["reason"]


async def test_the_same_call_for_the_third_time_in_a_row_is_refused(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        done(await desk.look())
        done(await desk.look())
        outcome = await desk.look()
        assert refused(outcome).step is Check.LIMITS
        assert "three times" in denied_entry(desk, outcome)["reason"]
        done(await desk.look("R-2"))


async def test_ping_pong_is_refused_in_its_third_round(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        for order in ("R-1", "R-2", "R-1", "R-2", "R-1"):
            done(await desk.look(order))
        assert refused(await desk.look("R-2")).step is Check.LIMITS
        done(await desk.look("R-3"))


async def test_a_rate_counts_what_was_permitted_and_starts_anew_with_its_window(tmp_path: Path) -> None:
    clock = SettableClock()
    edit = tools(("60 per minute", "2 per minute"))
    async with open_desk(tmp_path, clock=clock, edit=edit) as desk:
        refused(await desk.refund(1_000))
        for amount in (1, 2):
            done(await desk.refund(amount))
        outcome = await desk.refund(3)
        assert refused(outcome).step is Check.LIMITS
        denied_entry(desk, outcome)
        other = await another_run(desk)
        assert refused(await other.refund(4)).step is Check.LIMITS
        clock.advance(MINUTE)
        done(await desk.refund(5))
        assert desk.server.amounts == [1, 2, 5]
