"""A fork begins with what another run did before a step; without effects it only looks what would happen."""

from pathlib import Path
from typing import Any

import pytest
from tests.runtime.relay import CARA, TOOLS, contract, open_relay, take
from tests.runtime.workshop import Script

from remit.core import ConflictError, InputError
from remit.journal import RunState
from remit.runtime import RunHandle, ToolFailedError
from remit.testing import calls, says

ALONE = {"giver": contract("giver"), "spare": contract("spare")}
PAIR = {"giver": contract("giver", hands_to="taker"), "taker": contract("taker", takes_from="giver")}


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


# --- forks of what was handed over, and hand-offs in forks


async def look_and_hand(run: RunHandle) -> Any:
    await run.tool("desk__look", order="R-1")
    return await run.handoff("taker", intent="settle it", context={"order": "R-1"})


async def pay(run: RunHandle) -> Any:
    paid: Any = await run.tool("desk__pay", order="R-1", amount=5)
    return {"resolved": True, "amount": paid["amount"]}


async def test_what_was_handed_over_is_tried_again_by_forking_its_giver(tmp_path: Path) -> None:
    """Nobody would get what comes of a fork of the taker's run, and it must not close its giver's task."""

    async def fail(run: RunHandle) -> Any:
        await run.tool("desk__look", order="R-1")
        raise ValueError("a mistake in the code")

    async def careful(run: RunHandle) -> Any:
        try:
            return await look_and_hand(run)
        except ToolFailedError:
            return dict(await run.ask_person({"resolved": False}, because="it failed", role="lead"))

    async with open_relay(tmp_path, PAIR, giver=careful, taker=fail) as (cell, _):
        run = await take(cell)
        child = cell.parts.journal.child(run.id, 2)
        assert child is not None
        looking = await cell.operations.fork(child.id, 2, by=CARA)
        await cell.operations.drive(looking.id)
        for each in (child, looking):
            with pytest.raises(ConflictError, match=f"{run.id}, at step 2"):
                await cell.operations.fork(each.id, 2, by=CARA, effects=True)
        assert cell.parts.journal.task(run.task).state == "open"


async def test_a_fork_of_a_takers_run_knows_what_it_was_handed(tmp_path: Path) -> None:
    hosted = contract("taker", takes_from="giver", more="models: {turns: 6}\n")
    model = Script(calls("desk__look", {"order": "R-1"}), *[says('{"resolved": true}')] * 3)
    async with open_relay(tmp_path, {**PAIR, "taker": hosted}, model=model, giver=look_and_hand) as (cell, _):
        run = await take(cell)
        child = cell.parts.journal.child(run.id, 2)
        assert child is not None
        fork = await cell.operations.fork(child.id, 2, by=CARA)
        again = await cell.operations.fork(fork.id, 2, by=CARA)
        for each in (fork, again):
            driven = await cell.operations.drive(each.id)
            assert driven.state is RunState.DONE, driven.reason


async def test_whom_a_fork_hands_work_to_is_answered_as_the_first_taker_was(tmp_path: Path) -> None:
    async with open_relay(tmp_path, PAIR, giver=look_and_hand, taker=pay) as (cell, desk):
        run = await take(cell)
        calls_before = list(desk.calls)
        fork = await cell.operations.fork(run.id, 2, by=CARA)
        again = await cell.operations.fork(fork.id, 1, by=CARA)
        for each in (fork, again):
            driven = await cell.operations.drive(each.id)
            assert driven.state is RunState.DONE, driven.reason
        assert [name for name, _ in desk.calls] == [*(name for name, _ in calls_before), "look"]


async def test_what_the_giver_did_is_no_answer_to_its_taker(tmp_path: Path) -> None:
    hands = [False]

    async def giver(run: RunHandle) -> Any:
        done = await pay(run)
        return await look_and_hand(run) if hands[0] else done

    async with open_relay(tmp_path, PAIR, giver=giver, taker=pay) as (cell, desk):
        run = await take(cell)
        hands[0] = True
        fork = await cell.operations.drive((await cell.operations.fork(run.id, 1, by=CARA)).id)
        assert "taker did not finish" in fork.reason
        assert [name for name, _ in desk.calls] == ["pay", "look"]


@pytest.mark.parametrize(("times", "again"), [(2, True), (1, False)])
async def test_what_a_fork_does_twice_the_first_run_must_have_done_twice(
    tmp_path: Path, times: int, again: bool
) -> None:
    left = [times]

    async def giver(run: RunHandle) -> Any:
        for _ in range(left[0]):
            await pay(run)
        return {"resolved": True}

    async with open_relay(tmp_path, ALONE, giver=giver) as (cell, desk):
        run = await take(cell)
        left[0] = 2
        for step in (1, 2):
            fork = await cell.operations.drive((await cell.operations.fork(run.id, step, by=CARA)).id)
            assert fork.state is (RunState.DONE if again else RunState.FAILED), fork.reason
        assert len(desk.calls) == times


async def test_a_fork_without_effects_does_not_say_what_others_may_write_to(tmp_path: Path) -> None:
    binding = TOOLS.replace("    effect: read\n", "    effect: read\n    binds: {price: amount}\n")
    looks = [False]

    async def giver(run: RunHandle) -> Any:
        if looks[0]:
            await run.tool("desk__look", order="R-1")
        return {"resolved": True}

    async with open_relay(tmp_path, ALONE, tools=binding, giver=giver) as (cell, _):
        run = await take(cell)
        looks[0] = True
        for effects, bound in ((False, {}), (True, {"price": "7"})):
            fork = await cell.operations.fork(run.id, 1, by=CARA, effects=effects)
            assert (await cell.operations.drive(fork.id)).state is RunState.DONE
            assert cell.parts.journal.subjects(run.task) == bound


# --- forks with effects


async def test_two_forks_do_not_act_for_one_task_at_once(tmp_path: Path) -> None:
    async with open_relay(tmp_path, ALONE, giver=pay_twice) as (cell, _):
        run = await take(cell)
        first = await cell.operations.fork(run.id, 2, by=CARA, effects=True)
        with pytest.raises(ConflictError, match=first.id):
            await cell.operations.fork(run.id, 2, by=CARA, effects=True)


async def test_a_fork_with_effects_mends_a_task_that_did_not_come_out_right(tmp_path: Path) -> None:
    right = [False]

    async def giver(run: RunHandle) -> Any:
        await run.tool("desk__look", order="R-1")
        return {"resolved": right[0]}

    async with open_relay(tmp_path, ALONE, giver=giver) as (cell, _):
        run = await take(cell)
        assert cell.parts.journal.task(run.task).outcome == "failure"
        right[0] = True
        fork = await cell.operations.fork(run.id, 2, by=CARA, effects=True)
        await cell.operations.drive(fork.id)
        task = cell.parts.journal.task(run.task)
        assert (task.state, task.outcome) == ("done", "success")


async def test_the_present_release_must_take_the_input_of_a_fork(tmp_path: Path) -> None:
    async with open_relay(tmp_path, ALONE, giver=pay_twice) as (cell, _):
        run = await take(cell)
    stricter = contract("giver").replace("version: 1.0.0", "version: 1.1.0").replace("[order]", "[order, amount]")
    async with open_relay(tmp_path, {**ALONE, "giver": stricter}, giver=pay_twice) as (cell, _):
        with pytest.raises(InputError, match=r"does not fit the contract of giver@1\.1\.0"):
            await cell.operations.fork(run.id, 2, by=CARA, current=True)
        assert (await cell.operations.fork(run.id, 2, by=CARA)).version == "1.0.0"
