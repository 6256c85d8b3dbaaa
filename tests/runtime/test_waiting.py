"""A run that waits holds nothing, and goes on when what it waits for has come: a time, a switch, an answer."""

from pathlib import Path
from typing import Any

from tests.runtime.relay import CARA, contract, open_relay, take

from remit.core import HOUR, MINUTE
from remit.journal import RunState
from remit.runtime import RunHandle
from remit.testing import SettableClock

ALONE = {"giver": contract("giver"), "spare": contract("spare")}


async def nap(run: RunHandle) -> Any:
    await run.tool("desk__look", order="R-1")
    await run.sleep(3_600)
    await run.tool("desk__pay", order="R-1", amount=1)
    return {"resolved": True}


async def test_a_run_that_sleeps_goes_on_at_its_time_and_not_before(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_relay(tmp_path, ALONE, clock=clock, giver=nap) as (cell, desk):
        run = await take(cell)
        assert (run.state, run.waits_for) == (RunState.WAITING, "timer")
        assert run.ready_at == clock.now() + HOUR
        assert cell.parts.journal.ready_runs() == []
        clock.advance(HOUR - 1)
        assert (await cell.operations.drive(run.id)).state is RunState.WAITING
        clock.advance(1)
        assert cell.parts.journal.ready_runs() == [run.id]
        run = await cell.operations.drive(run.id)
        assert run.state is RunState.DONE, run.reason
        assert [name for name, _ in desk.calls] == ["look", "pay"]


async def test_time_asleep_is_no_working_time(tmp_path: Path) -> None:
    clock = SettableClock()
    short = {**ALONE, "giver": contract("giver", more="code: tests.runtime.relay:play\nlimits: {minutes: 1}\n")}
    async with open_relay(tmp_path, short, clock=clock, giver=nap) as (cell, _):
        run = await take(cell)
        clock.advance(HOUR)
        run = await cell.operations.drive(run.id)
        assert run.state is RunState.DONE, run.reason
        assert cell.parts.journal.underway.working_time(run, clock.now()) < MINUTE


async def test_a_paused_run_waits_and_goes_on_when_it_is_resumed(tmp_path: Path) -> None:
    async def work(run: RunHandle) -> Any:
        await run.tool("desk__look", order="R-1")
        await run.sleep(60)
        await run.tool("desk__pay", order="R-1", amount=1)
        return {"resolved": True}

    clock = SettableClock()
    async with open_relay(tmp_path, ALONE, clock=clock, giver=work) as (cell, desk):
        run = await take(cell)
        await cell.operations.stop(f"run:{run.id}", because="look at it first", by=CARA)
        clock.advance(MINUTE)
        run = await cell.operations.drive(run.id)
        assert (run.state, run.waits_for, run.ready_at) == (RunState.WAITING, "switch", None)
        await cell.operations.resume(f"run:{run.id}", because="looked", by=CARA)
        assert cell.parts.journal.ready_runs() == [run.id]
        run = await cell.operations.drive(run.id)
        assert run.state is RunState.DONE, run.reason
        assert [name for name, _ in desk.calls] == ["look", "pay"]


async def test_an_answer_that_comes_while_the_run_is_being_parked_is_not_lost(tmp_path: Path) -> None:
    async def ask(run: RunHandle) -> Any:
        return dict(await run.ask_person({"resolved": True}, because="it is unusual", role="lead"))

    async with open_relay(tmp_path, ALONE, giver=ask) as (cell, _):
        run = await take(cell)
        (asked,) = cell.parts.approvals.listing(state="pending")
        assert run.ready_at == asked.expires_at
        await cell.operations.answer(asked.id, person=CARA, answer="approve")
        assert cell.parts.journal.ready_runs() == [run.id]


async def test_a_stopping_process_begins_no_step_and_leaves_its_runs_to_others(tmp_path: Path) -> None:
    async def work(run: RunHandle) -> Any:
        await run.tool("desk__look", order="R-1")
        drain()
        await run.tool("desk__pay", order="R-1", amount=1)
        return {"resolved": True}

    async with open_relay(tmp_path, ALONE, giver=work) as (cell, desk):
        drain = cell.runtime.drain
        started = await cell.operations.submit("giver", {"order": "R-1"}, on_behalf_of=CARA)
        run = await cell.engine.drive(started.run.id)
        assert (run.state, run.reason) == (RunState.WAITING, "its process stops")
        assert cell.parts.journal.ready_runs() == [run.id]
        assert [name for name, _ in desk.calls] == ["look"]
        assert (await cell.engine.drive(run.id)).attempt == 1


async def test_a_run_whose_release_is_not_loaded_waits_for_it_instead_of_failing(tmp_path: Path) -> None:
    async def work(run: RunHandle) -> Any:
        await run.tool("desk__look", order="R-1")
        return {"resolved": True}

    clock = SettableClock()
    async with open_relay(tmp_path, ALONE, clock=clock, giver=work) as (cell, _):
        started = await cell.operations.submit("giver", {"order": "R-1"}, on_behalf_of=CARA)
        release = cell.parts.releases.pop(started.run.release)
        run = await cell.operations.drive(started.run.id)
        assert (run.state, run.waits_for) == (RunState.WAITING, "release")
        cell.parts.releases[release.digest] = release
        clock.advance(MINUTE)
        assert cell.parts.journal.ready_runs() == [run.id]
        assert (await cell.operations.drive(run.id)).state is RunState.DONE
