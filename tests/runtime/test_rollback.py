"""A rollback undoes what it may, the latest change first, and lists what it leaves."""

from pathlib import Path
from typing import Any

import pytest
from tests.databases import execute
from tests.runtime.books import (
    DONE,
    answered,
    books_contract,
    fail_after_paying,
    open_books,
    pay_once,
    pay_reserve_mail,
    roll_back,
    told,
)
from tests.runtime.relay import CARA, take

from remit.core import ConflictError, InputError
from remit.gateway import plan_rollback
from remit.journal import RunState
from remit.operations import local_actor
from remit.runtime import RunHandle
from remit.runtime.rollback import plan_begun
from remit.store import Commit, CommitRefused

# --- what is undone, and in which order


async def test_the_latest_change_is_undone_first_and_what_cannot_be_is_listed(tmp_path: Path) -> None:
    async with open_books(tmp_path, giver=pay_reserve_mail) as (cell, books):
        run = await take(cell)
        rollback = await roll_back(cell, run)
        assert rollback.state is RunState.DONE, rollback.reason
        assert [name for name, _ in books.calls] == ["reserve", "pay", "mail", "unpay", "release"]
        assert books.stands == ["mail"]
        assert told(cell, run) == (["desk__reserve", "desk__pay"], {"desk__mail": "it is irreversible"})
        assert cell.parts.journal.task(run.task).outcome == "undone"
        (ended,) = [each for each in cell.log.entries(rollback.id) if each.kind == "rollback.completed"]
        assert (ended.fields["outcome"], len(ended.fields["left"])) == ("partly undone", 1)
        task = cell.views(local_actor("local")).tasks.get(run.task)
        assert task.output == DONE, "and not what the rollback says"
        assert [(each.what, each.undone, each.undoes) for each in task.done] == [
            ("desk__reserve", True, ""),
            ("desk__pay", True, ""),
            ("desk__mail", False, ""),
            ("desk__unpay", False, run.id),
            ("desk__release", False, run.id),
        ]


async def test_what_must_be_undone_first_and_is_not_keeps_what_came_before_it(tmp_path: Path) -> None:
    async with open_books(tmp_path, giver=pay_reserve_mail) as (cell, books):
        run = await take(cell)
        books.refuses.add("unpay")
        await roll_back(cell, run)
        _, left = told(cell, run)
        assert left["desk__pay"] == "desk__unpay refused"
        assert left["desk__reserve"] == "step 2, desk__pay, must be undone first"
        books.refuses.clear()
        again = await roll_back(cell, run)
        assert again.state is RunState.DONE, again.reason
        assert books.stands == ["mail"]


async def test_a_second_rollback_undoes_nothing_twice_and_one_is_at_work_at_a_time(tmp_path: Path) -> None:
    async with open_books(tmp_path, giver=pay_once) as (cell, books):
        run = await take(cell)
        verbs = cell.verbs(local_actor("local"))
        begun = await cell.operations.rollback(run.id, because="wrong", by="local")
        assert begun is not None
        with pytest.raises(ConflictError, match="still at work"):
            await verbs.rollback(run.id, because="wrong")
        await cell.operations.drive(begun.id)
        assert await verbs.rollback(run.id, because="once more") is None
        assert len(books.undone) == 1
        with pytest.raises(ConflictError, match="not rolled back"):
            await verbs.rollback(begun.id, because="undo the undoing")
        for forked in (
            verbs.fork(begun.id, 1, effects=True, because="x"),
            verbs.fork(run.id, 2, effects=True, because="x"),
        ):
            with pytest.raises(ConflictError):
                await forked
        assert len(books.undone) == 1


async def test_a_run_at_work_is_rolled_back_only_after_it_is_cancelled(tmp_path: Path) -> None:
    async def pay_and_ask(run: RunHandle) -> Any:
        await pay_once(run)
        return dict(await run.ask_person(DONE, because="it is unusual", role="lead"))

    async with open_books(tmp_path, giver=pay_and_ask) as (cell, books):
        run, verbs = await take(cell), cell.verbs(local_actor("local"))
        with pytest.raises(ConflictError, match="still at work"):
            await verbs.rollback(run.id, because="wrong")
        begun = await verbs.rollback(run.id, because="wrong", cancel=True)
        assert begun is not None
        await cell.operations.drive(begun.id)
        assert cell.parts.journal.run(run.id).state is RunState.CANCELLED
        assert books.stands == []


async def test_who_took_work_over_undoes_its_own_before_the_giver_does(tmp_path: Path) -> None:
    async def give(run: RunHandle) -> Any:
        await run.tool("desk__reserve", order="R-1")
        await run.handoff("taker", intent="pay", context={"order": "R-1"})
        return DONE

    pair = {"giver": books_contract(hands_to="taker"), "taker": books_contract("taker", takes_from="giver")}
    async with open_books(tmp_path, pair, giver=give, taker=pay_once) as (cell, books):
        run = await take(cell)
        books.refuses.add("unpay")
        await roll_back(cell, run)
        _, left = told(cell, run)
        assert left["desk__reserve"].endswith("desk__pay, must be undone first"), left
        books.refuses.clear()
        rollback = await roll_back(cell, run)
        assert [name for name, _ in books.calls][-2:] == ["unpay", "release"]
        assert books.stands == []
        (child,) = cell.parts.journal.children(rollback.id)
        assert (child.agent, child.undoes) == ("taker", cell.parts.journal.child(run.id, 2).id)  # pyright: ignore[reportOptionalMemberAccess]


async def test_a_fork_says_that_what_it_began_with_is_undone_where_it_was_done(tmp_path: Path) -> None:
    tried: list[str] = []

    async def second_time(run: RunHandle) -> Any:
        await run.tool("desk__reserve", order="R-1")
        if not tried:
            tried.append(run.id)
            raise ValueError("cannot")
        return await pay_once(run)

    async with open_books(tmp_path, giver=second_time) as (cell, books):
        first = await take(cell)
        forked = await cell.operations.fork(first.id, 2, by="local", effects=True, because="again")
        run = await cell.operations.drive(forked.id)
        assert run.state is RunState.DONE, run.reason
        await roll_back(cell, run)
        assert books.stands == ["reserve"]
        assert told(cell, run)[1] == {"desk__reserve": f"{first.id} did it: roll that one back, too"}
        await roll_back(cell, first)
        assert books.stands == []
        assert told(cell, run)[1] == {}


async def test_what_was_erased_while_a_rollback_was_planned_is_not_written_down_again(tmp_path: Path) -> None:
    async with open_books(tmp_path, giver=pay_once) as (cell, books):
        run = await take(cell)
        plan = plan_rollback(cell.parts, run)
        execute(cell.database, "update tasks set erased_at = 1 where id = ?", run.task)
        begun = plan_begun(cell.parts, run, plan, by="local", because="wrong")
        assert begun is not None
        statements = [cell.parts.journal.guard_alone(run.task), *begun.statements]
        refused = await cell.parts.writer.commit(Commit(statements, [begun.entry], begun.run.id))
        assert isinstance(refused, CommitRefused)
        assert "erased" in refused.refusal
        with pytest.raises(ConflictError, match="erased"):
            await cell.verbs(local_actor("local")).rollback(run.id, because="wrong")
        assert books.undone == []


# --- automatic


async def test_a_failed_run_is_undone_at_once_where_the_contract_says_so_and_people_hear_what_is_left(
    tmp_path: Path,
) -> None:
    async def fail(run: RunHandle) -> Any:
        await pay_reserve_mail(run)
        raise ValueError("cannot")

    more = "code: tests.runtime.relay:play\non_failure: rollback\n"
    async with open_books(tmp_path, {"giver": books_contract(more=more)}, giver=fail) as (cell, books):
        run = await take(cell)
        assert run.state is RunState.FAILED
        (rollback,) = cell.parts.journal.undoing.rollbacks(run.id)
        rollback = await cell.operations.drive(rollback.id)
        assert books.stands == ["mail"]
        assert (rollback.state, rollback.asked_by) == (RunState.WAITING, "")
        (asked,) = cell.parts.approvals.of_run(rollback.id)
        with pytest.raises(InputError, match="cannot be changed"):
            await cell.operations.answer(asked.id, person=CARA, answer="edit", reason="so", arguments=DONE)
        rollback = await answered(cell, rollback, "reject")
        assert rollback.state is RunState.DONE, rollback.reason
        assert [each.kind for each in cell.log.entries(rollback.id)].count("rollback.completed") == 1


async def test_a_failed_run_stays_as_it_is_where_the_contract_does_not_say_so(tmp_path: Path) -> None:
    async with open_books(tmp_path, giver=fail_after_paying) as (cell, books):
        run = await take(cell)
        assert run.state is RunState.FAILED
        assert cell.parts.journal.undoing.rollbacks(run.id) == []
        assert books.stands == ["pay"]
