"""A fork begins with what another run did before a step; without effects it only looks what would happen."""

from pathlib import Path
from typing import Any

import pytest
from tests.runtime.relay import CARA, contract, open_relay, take

from remit.core import ConflictError, InputError
from remit.journal import RunState
from remit.runtime import RunHandle

ALONE = {"giver": contract("giver"), "spare": contract("spare")}


async def pay_twice(run: RunHandle) -> Any:
    """Looks, pays what it saw, pays again."""
    seen: Any = await run.tool("desk__look", order="R-1")
    await run.tool("desk__pay", order="R-1", amount=seen["amount"])
    await run.tool("desk__pay", order="R-1", amount=1)
    return {"resolved": True}


async def pay_more(run: RunHandle) -> Any:
    """As `pay_twice`, but it pays something else at the end."""
    seen: Any = await run.tool("desk__look", order="R-1")
    await run.tool("desk__pay", order="R-1", amount=seen["amount"])
    await run.tool("desk__pay", order="R-1", amount=2)
    return {"resolved": True}


async def test_a_fork_without_effects_is_answered_as_the_first_run_was_and_does_nothing(tmp_path: Path) -> None:
    async with open_relay(tmp_path, ALONE, giver=pay_twice) as (cell, desk):
        run = await take(cell)
        calls = list(desk.calls)
        fork = await cell.operations.fork(run.id, 2, by=CARA)
        driven = await cell.operations.drive(fork.id)
        assert driven.state is RunState.DONE, driven.reason
        assert desk.calls == calls
        assert (driven.parent_run, driven.forked_at, driven.effects) == (run.id, 2, False)
        verdicts = [e.fields["verdict"] for e in cell.log.entries(fork.id) if e.kind == "decision"]
        assert verdicts == ["played-back", "played-back"]
        assert cell.parts.journal.content(driven.output or "") == {"resolved": True}


async def test_a_fork_without_effects_does_not_do_what_the_first_run_did_not(tmp_path: Path) -> None:
    plays: list[Any] = [pay_twice, pay_more]

    async def giver(run: RunHandle) -> Any:
        return await plays[0](run)

    async with open_relay(tmp_path, ALONE, giver=giver) as (cell, desk):
        run = await take(cell)
        calls = list(desk.calls)
        plays.pop(0)
        fork = await cell.operations.fork(run.id, 3, by=CARA)
        driven = await cell.operations.drive(fork.id)
        assert desk.calls == calls
        assert driven.state is RunState.FAILED
        assert "policy's answer is autonomous" in driven.reason
        assert cell.parts.journal.task(run.task).outcome == "success"


async def test_a_fork_with_effects_goes_on_from_the_step_and_closes_the_task_anew(tmp_path: Path) -> None:
    broken = [True]

    async def giver(run: RunHandle) -> Any:
        seen: Any = await run.tool("desk__look", order="R-1")
        await run.tool("desk__pay", order="R-1", amount=seen["amount"])
        if broken[0]:
            raise ValueError("a mistake in the code")
        await run.tool("desk__pay", order="R-1", amount=1)
        return {"resolved": True}

    async with open_relay(tmp_path, ALONE, giver=giver) as (cell, desk):
        run = await take(cell)
        assert run.state is RunState.FAILED
        assert cell.parts.journal.task(run.task).outcome == "failure"
        broken[0] = False
        fork = await cell.operations.fork(run.id, 3, by=CARA, effects=True)
        driven = await cell.operations.drive(fork.id)
        assert driven.state is RunState.DONE, driven.reason
        assert [name for name, _ in desk.calls] == ["look", "pay", "pay"]
        assert desk.calls[-1][1] == f"{fork.id}:3"
        task = cell.parts.journal.task(run.task)
        assert (task.state, task.outcome) == ("done", "success")


@pytest.mark.parametrize("step", [0, 5, 99])
async def test_a_fork_begins_where_the_first_run_has_been(tmp_path: Path, step: int) -> None:
    async with open_relay(tmp_path, ALONE, giver=pay_twice) as (cell, _):
        run = await take(cell)
        with pytest.raises(InputError, match="cannot be forked"):
            await cell.operations.fork(run.id, step, by=CARA)


async def test_two_runs_do_not_act_for_one_task_at_once(tmp_path: Path) -> None:
    async def ask(run: RunHandle) -> Any:
        await run.tool("desk__look", order="R-1")
        return dict(await run.ask_person({"resolved": True}, because="it is unusual", role="lead"))

    async with open_relay(tmp_path, ALONE, giver=ask) as (cell, _):
        run = await take(cell)
        assert run.state is RunState.WAITING
        with pytest.raises(ConflictError, match="Cancel it first"):
            await cell.operations.fork(run.id, 2, by=CARA, effects=True)
        looking = await cell.operations.fork(run.id, 2, by=CARA)
        assert looking.state is RunState.QUEUED
