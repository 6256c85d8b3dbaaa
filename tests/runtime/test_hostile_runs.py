"""Runs that do several things at once, swallow what they are told, or are stopped at the worst moment."""

import asyncio
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.relay import ANN, CARA, OLGA, contract, open_relay, take

from remit.app import Cell
from remit.approvals import ApprovalState
from remit.core import HOUR, BusyError, ConflictError
from remit.journal import LeftRun, Run, RunState
from remit.operations import Replays
from remit.registry import Lifecycle
from remit.runtime import ActionDeniedError, RunHandle
from remit.store import Commit
from remit.testing import SettableClock

PAIR = {"giver": contract("giver", hands_to="taker"), "taker": contract("taker", takes_from="giver")}
OTHER = contract("other", takes_from="giver").replace("Works with", "Works otherwise with")
THREE = {**PAIR, "giver": contract("giver", hands_to="taker, other"), "other": OTHER}
DONE = {"resolved": True, "text": "done", "amount": 5}


async def finish(run: RunHandle) -> Any:
    return DONE


async def pay(run: RunHandle) -> Any:
    await run.tool("desk__pay", order="R-1", amount=5)
    return DONE


async def hand(run: RunHandle, to: str = "taker") -> Any:
    return await run.handoff(to, intent="settle it", context={"order": "R-1"})


# --- several things at once


async def gathered(run: RunHandle) -> None:
    await asyncio.gather(hand(run), hand(run, "other"), run.tool("desk__look", order="R-1"))


async def grouped(run: RunHandle) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(run.tool("desk__look", order="R-1"))
        group.create_task(hand(run))
        group.create_task(hand(run, "other"))


async def heeding_nothing(run: RunHandle) -> None:
    await asyncio.gather(hand(run), hand(run, "other"), return_exceptions=True)


@pytest.mark.parametrize("handing", [gathered, grouped, heeding_nothing])
async def test_work_handed_to_several_agents_at_once_comes_back_from_all(tmp_path: Path, handing: Any) -> None:
    async def giver(run: RunHandle) -> Any:
        await handing(run)
        return DONE

    async with open_relay(tmp_path, THREE, giver=giver, taker=pay, other=pay) as (cell, desk):
        run = await take(cell)
        assert run.state is RunState.DONE, run.reason
        assert {each.state for each in cell.parts.journal.runs_of(run.task)} == {RunState.DONE}
        assert [name for name, _ in desk.calls if name == "pay"] == ["pay", "pay"]
        replayed = await Replays(parts=cell.parts, log=cell.log, fleet=cell.fleet).replay(run.id)
        assert replayed.same, replayed.divergences


@pytest.mark.parametrize("wrapped", [False, True], ids=["swallowed", "wrapped"])
async def test_code_that_catches_everything_does_not_go_on_while_it_waits(tmp_path: Path, wrapped: bool) -> None:
    async def giver(run: RunHandle) -> Any:
        try:
            await hand(run)
        except BaseException as signal:
            if wrapped:
                raise ValueError("it did not work") from signal
        await run.tool("desk__look", order="R-1")
        return {"resolved": False}

    async def ask(run: RunHandle) -> Any:
        return dict(await run.ask_person(DONE, because="it is unusual", role="lead"))

    async with open_relay(tmp_path, PAIR, giver=giver, taker=ask) as (cell, desk):
        run = await take(cell)
        child = cell.parts.journal.child(run.id, 1)
        assert child is not None
        assert (run.state, run.waits_for, desk.calls) == (RunState.WAITING, child.id, [])


async def test_a_run_does_not_end_while_whom_it_handed_work_to_acts(tmp_path: Path) -> None:
    async def fail(run: RunHandle) -> Any:
        raise ValueError("at once")

    async def giver(run: RunHandle) -> Any:
        await asyncio.gather(hand(run), fail(run))

    async def ask(run: RunHandle) -> Any:
        return dict(await run.ask_person(DONE, because="it is unusual", role="lead"))

    async with open_relay(tmp_path, PAIR, giver=giver, taker=ask) as (cell, _):
        run = await take(cell)
        assert run.state is RunState.WAITING
        assert cell.parts.journal.task(run.task).state == "open"
        (asked,) = cell.parts.approvals.listing(state="pending")
        await cell.operations.answer(asked.id, person=CARA, answer="approve")
        run = await cell.operations.drive(run.id)
        assert (run.state, "at once" in run.reason) == (RunState.FAILED, True)
        assert {each.state.is_over for each in cell.parts.journal.runs_of(run.task)} == {True}


async def test_a_run_that_is_over_leaves_no_question_open(tmp_path: Path) -> None:
    async def giver(run: RunHandle) -> Any:
        answers = [run.ask_person(DONE, because=why, role="lead") for why in ("one", "two")]
        await asyncio.gather(*answers)

    async with open_relay(tmp_path, PAIR, giver=giver, taker=finish) as (cell, _):
        run = await take(cell)
        asked = cell.parts.approvals.of_run(run.id)
        await cell.operations.answer(asked[0].id, person=CARA, answer="reject", reason="no")
        run = await cell.operations.drive(run.id)
        assert run.state is RunState.FAILED
        states = [one.state for one in cell.parts.approvals.of_run(run.id)]
        assert states == [ApprovalState.REJECTED, ApprovalState.WITHDRAWN]


async def test_a_run_whose_code_gave_up_waiting_for_a_taker_does_not_end_before_it(tmp_path: Path) -> None:
    async def giver(run: RunHandle) -> Any:
        with suppress(TimeoutError):
            async with asyncio.timeout(0):
                await hand(run)
        return DONE

    async def ask(run: RunHandle) -> Any:
        return dict(await run.ask_person(DONE, because="it is unusual", role="lead"))

    async with open_relay(tmp_path, PAIR, giver=giver, taker=ask) as (cell, _):
        run = await take(cell)
        child = cell.parts.journal.child(run.id, 1)
        assert child is not None
        assert (run.state, run.waits_for) == (RunState.WAITING, child.id)
        assert cell.parts.journal.task(run.task).state == "open"


async def test_a_question_whose_answer_code_gave_up_waiting_for_does_not_stay_open(tmp_path: Path) -> None:
    async def giver(run: RunHandle) -> Any:
        with suppress(TimeoutError):
            async with asyncio.timeout(0):
                await run.ask_person(DONE, because="it is unusual", role="lead")
        return DONE

    async with open_relay(tmp_path, PAIR, giver=giver, taker=finish) as (cell, _):
        run = await take(cell)
        assert run.state is RunState.DONE
        states = [one.state for one in cell.parts.approvals.of_run(run.id)]
        assert states == [ApprovalState.WITHDRAWN]


# --- limits and takers that are not there


async def test_only_the_limit_of_hops_is_put_to_a_person(tmp_path: Path) -> None:
    """What could not be decided is refused at the same numbered step, and is no question to anybody."""
    heard: list[str] = []

    async def giver(run: RunHandle) -> Any:
        for context in ({"order": date(2026, 1, 1)}, {"order": "R-1"}):
            try:
                await run.handoff("taker", intent="settle it", context=context)
            except ActionDeniedError as refusal:
                heard.append(str(refusal))
        return DONE

    short = contract("giver", hands_to="taker", more="code: tests.runtime.relay:play\nlimits: {steps: 1}\n")
    async with open_relay(tmp_path, {**PAIR, "giver": short}, giver=giver, taker=finish) as (cell, _):
        run = await take(cell)
        assert run.state is RunState.DONE, run.reason
        assert ["could not be decided" in heard[0], "used its 1 steps" in heard[1]] == [True, True]
        assert cell.parts.approvals.of_run(run.id) == []


async def test_work_is_not_handed_to_an_agent_that_would_be_one_hop_too_far(tmp_path: Path) -> None:
    near = contract("taker", takes_from="giver", more="code: tests.runtime.relay:play\nlimits: {hops: 0}\n")
    async with open_relay(tmp_path, {**PAIR, "taker": near}, giver=hand, taker=pay) as (cell, desk):
        run = await take(cell)
        assert (run.state, desk.calls) == (RunState.FAILED, [])
        assert "handed on 0 times at most" in run.reason
        assert cell.parts.journal.children(run.id) == []


async def test_a_step_waits_for_a_taker_that_nobody_has_approved(tmp_path: Path) -> None:
    steps = "\n## Steps\n1. `desk__look` — look.\n2. handoff `taker` — settle it.\n"
    hosted = contract("giver", hands_to="taker", more="", steps=steps)
    clock = SettableClock()
    async with open_relay(tmp_path, {**PAIR, "giver": hosted}, clock=clock, taker=finish) as (cell, _):
        parts = cell.parts
        await parts.writer.commit(Commit([parts.registry.move("taker", "1.0.0", Lifecycle.PAUSED)]))
        run = await take(cell)
        assert (run.state, run.waits_for) == (RunState.WAITING, "release"), run.reason
        await parts.writer.commit(Commit([parts.registry.move("taker", "1.0.0", Lifecycle.LIVE)]))
        run = await cell.operations.drive(run.id)
        assert run.state is RunState.DONE, run.reason


# --- attempts that were lost


async def lose_attempts(cell: Cell) -> Run:
    """Returns a run whose attempts were all lost with their processes."""
    started = await cell.operations.submit("giver", {"order": "R-1"}, on_behalf_of=ANN)
    journal, gone = cell.parts.journal, "elsewhere/1/x"
    await cell.parts.writer.commit(Commit(journal.begin_attempt(started.run, b"x" * 32, gone)))
    for _ in range(cell.settings.limits.lost_attempts - 1):
        left = LeftRun(journal.run(started.run.id), gone, 0)
        await cell.parts.writer.commit(Commit(journal.take_over(left, b"x" * 32, gone)))
    return journal.run(started.run.id)


async def test_a_run_that_nobody_gives_another_try_ends_at_its_time(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_relay(tmp_path, PAIR, clock=clock, giver=finish, taker=finish) as (cell, _):
        run = await cell.operations.drive((await lose_attempts(cell)).id)
        (asked,) = cell.parts.approvals.of_run(run.id)
        assert (asked.kind, run.state, run.ready_at) == ("stuck", RunState.WAITING, asked.expires_at)
        clock.advance(int(cell.settings.limits.approval_hours * HOUR))
        assert cell.parts.journal.ready_runs() == [run.id]
        run = await cell.operations.drive(run.id)
        assert (run.state, "nobody answered" in run.reason) == (RunState.FAILED, True)
        assert [one.state for one in cell.parts.approvals.of_run(run.id)] == [ApprovalState.EXPIRED]


async def test_another_try_that_was_granted_in_time_is_made_however_late(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_relay(tmp_path, PAIR, clock=clock, giver=finish, taker=finish) as (cell, _):
        run = await cell.operations.drive((await lose_attempts(cell)).id)
        (asked,) = cell.parts.approvals.of_run(run.id)
        await cell.operations.answer(asked.id, person=OLGA, answer="approve")
        clock.advance(int(cell.settings.limits.approval_hours * HOUR) + 1)
        run = await cell.operations.drive(run.id)
        assert run.state is RunState.DONE, run.reason
        assert [one.state for one in cell.parts.approvals.of_run(run.id)] == [ApprovalState.USED]


async def test_a_busy_store_does_not_fail_a_run(tmp_path: Path) -> None:
    busy = [False, True]

    async def giver(run: RunHandle) -> Any:
        await run.tool("desk__look", order="R-1")
        if busy.pop():
            raise BusyError("The database is busy")
        return DONE

    async with open_relay(tmp_path, PAIR, giver=giver, taker=finish) as (cell, desk):
        started = await cell.operations.submit("giver", {"order": "R-1"}, on_behalf_of=ANN)
        with pytest.raises(BusyError):
            await cell.operations.drive(started.run.id)
        run = await cell.operations.drive(started.run.id)
        assert run.state is RunState.DONE, run.reason
        assert len(desk.calls) == 1


# --- cancelled at the worst moment


async def test_whenever_a_run_is_cancelled_nobody_acts_for_it_any_more(tmp_path: Path) -> None:
    async with open_relay(tmp_path, PAIR, giver=hand, taker=pay) as (cell, _):
        for ticks in range(0, 400, 10):
            started = await cell.operations.submit("giver", {"order": "R-1"}, on_behalf_of=ANN)
            driving = asyncio.create_task(cell.operations.drive(started.run.id))
            for _ in range(ticks):
                await asyncio.sleep(0)
            try:
                await cell.operations.cancel(started.run.id, because="at once", by=CARA)
            except ConflictError:
                assert cell.parts.journal.run(started.run.id).state is RunState.DONE
            await driving
            runs = cell.parts.journal.runs_of(started.task.id)
            assert all(run.state.is_over for run in runs), (ticks, runs)
        assert [each.attempts for each in cell.parts.executors.listing()] == [0]


async def test_a_cancel_that_broke_off_can_be_given_again(tmp_path: Path) -> None:
    async def ask(run: RunHandle) -> Any:
        return dict(await run.ask_person(DONE, because="it is unusual", role="lead"))

    async with open_relay(tmp_path, PAIR, giver=hand, taker=ask) as (cell, _):
        run = await take(cell)
        await cell.parts.writer.commit(Commit([cell.parts.journal.cancel(run.id, "stopped half way")]))
        with pytest.raises(ConflictError, match="over already"):
            await cell.operations.cancel(run.id, because="again", by=CARA)
        assert {each.state for each in cell.parts.journal.runs_of(run.task)} == {RunState.CANCELLED}
        assert cell.parts.approvals.listing(state="pending") == []
