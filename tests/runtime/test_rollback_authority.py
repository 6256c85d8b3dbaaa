"""What a rollback does is governed like any action: who may, how freely, and nothing but what the record says."""

from pathlib import Path
from typing import Any, cast

import pytest
from tests.runtime.books import (
    ASKED,
    DONE,
    HANA,
    LED,
    OTTO,
    TOOLS,
    answered,
    books_contract,
    open_books,
    pay_once,
    pay_reserve_mail,
    roll_back,
    told,
)
from tests.runtime.relay import CARA, take

from remit.core import ConflictError, InputError, RefusedError
from remit.gateway import Denied, Parts
from remit.journal import RunState
from remit.operations import Actor, Permission, local_actor, person_actor
from remit.runtime import RunHandle
from remit.store import Committed


async def test_a_compensation_that_policy_forbids_is_left_and_says_so(tmp_path: Path) -> None:
    forbids = """@id("org/no-unpaying")\n@because("payments stand")\n
forbid (principal, action == Fleet::Action::"desk__unpay", resource);"""
    async with open_books(tmp_path, policies=forbids, giver=pay_once) as (cell, books):
        run = await take(cell)
        rollback = await roll_back(cell, run)
        assert rollback.state is RunState.DONE, rollback.reason
        assert told(cell, run) == ([], {"desk__pay": "its compensation is not permitted: payments stand"})
        assert books.stands == ["pay"]
        assert cell.parts.journal.task(run.task).outcome == "success", "nothing was undone"


async def test_what_people_had_to_permit_is_undone_only_with_their_permission(tmp_path: Path) -> None:
    async with open_books(tmp_path, {"giver": books_contract(pay=ASKED)}, giver=pay_once) as (cell, books):
        run = await answered(cell, await take(cell), "approve")
        assert books.stands == ["pay"]
        verbs = cell.verbs(person_actor(cell.parts.people.person(OTTO), "command line"))
        assert (counted := cell.kpis.roll_up())
        assert isinstance(cell.parts.writer.commit_now(counted), Committed), "it had succeeded, and was counted so"
        begun = await verbs.rollback(run.id, because="wrong")
        assert begun is not None
        waiting = await cell.operations.drive(begun.id)
        (asked,) = cell.parts.approvals.of_run(waiting.id)
        assert (asked.name, asked.needs) == ("desk__unpay", ((("lead", 1),),))
        with pytest.raises(RefusedError):
            await cell.operations.answer(asked.id, person=OTTO, answer="approve")
        with pytest.raises(InputError, match="cannot be changed"):
            await cell.operations.answer(asked.id, person=CARA, answer="edit", reason="x", arguments={"entry": "other"})
        rejected = await answered(cell, waiting, "reject")
        assert rejected.state is RunState.DONE, rejected.reason
        assert told(cell, run) == ([], {"desk__pay": "a person said no"})
        assert books.stands == ["pay"]
        assert cell.views(local_actor("local")).overrides.of_run(rejected.id) == [], "nobody overrode the agent"
        again = await roll_back(cell, run)
        await answered(cell, again, "approve", person=HANA)
        assert books.stands == []
        assert cell.kpis.work().questions == {"approved": 1, "edited": 0, "rejected": 0, "open": 0}
        assert cell.kpis.work().actions == {"autonomous": 0, "approved": 1, "human_led": 0, "denied": 0}
        assert cell.kpis.work().blocked == {}
        figures = cell.kpis.figures()
        assert (figures.succeeded, figures.failed, figures.denied, figures.answers) == (0, 1, 0, 1)


async def test_a_rollback_that_is_cancelled_halfway_says_that_something_was_undone_and_another_goes_on(
    tmp_path: Path,
) -> None:
    async def pay_and_reserve(run: RunHandle) -> Any:
        await pay_once(run)
        await run.tool("desk__reserve", order="R-1")
        return DONE

    async with open_books(tmp_path, {"giver": books_contract(pay=ASKED)}, giver=pay_and_reserve) as (cell, books):
        run = await answered(cell, await take(cell), "approve")
        waiting = await roll_back(cell, run)
        assert waiting.state is RunState.WAITING
        await cell.operations.cancel(waiting.id, because="let me think", by=CARA)
        task = cell.parts.journal.task(run.task)
        assert (task.state, task.outcome) == ("done", "undone")
        assert books.stands == ["pay"]
        await answered(cell, await roll_back(cell, run), "approve")
        assert books.stands == []


async def test_what_a_person_did_is_undone_by_a_person(tmp_path: Path) -> None:
    async with open_books(tmp_path, {"giver": books_contract(pay=LED)}, giver=pay_once) as (cell, books):
        run = await answered(cell, await take(cell), "approve")
        waiting = await roll_back(cell, run)
        (asked,) = cell.parts.approvals.of_run(waiting.id)
        assert asked.kind == "proposal"
        with pytest.raises(RefusedError, match="follow from the record"):
            await cell.operations.answer(
                asked.id, person=CARA, answer="edit", reason="other", arguments={"entry": "other"}
            )
        assert books.undone == []
        done = await answered(cell, waiting, "approve")
        assert done.state is RunState.DONE, done.reason
        assert books.stands == []


async def test_no_more_freely_is_undone_what_one_tool_did_because_another_may_be_undone_freely(
    tmp_path: Path,
) -> None:
    """Both are undone by the same tool; of the other, somebody else answers."""
    tools = TOOLS.replace("compensation: {use: desk__release,", "compensation: {use: desk__unpay,")
    led = "{level: human-in-the-loop, by: treasurer}"
    text = books_contract(pay=led)
    async with open_books(tmp_path, {"giver": text}, tools=tools, giver=pay_once) as (cell, books):
        run = await answered(cell, await take(cell), "approve", person="tess@shop.example")
    changed = text.replace("version: 1.0.0", "version: 2.0.0").replace("by: treasurer", "by: expert")
    async with open_books(tmp_path, {"giver": changed}, tools=tools, giver=pay_once) as (cell, books):
        await cell.operations.retire("giver", "1.0.0", because="others answer now", by=CARA)
        waiting = await roll_back(cell, run)
        (asked,) = cell.parts.approvals.of_run(waiting.id)
        assert asked.roles == ("expert",), "and not the leads, who answer for reserving"
        assert books.undone == []


async def test_an_agent_cannot_call_what_undoes_nor_begin_a_rollback(tmp_path: Path) -> None:
    heard: list[str] = []

    async def greedy(run: RunHandle) -> Any:
        paid: Any = await run.tool("desk__pay", order="R-1", amount=5)
        for refused in (
            await run.try_action("tool", "desk__unpay", {"entry": paid["entry"]}),
            await run.try_action("handoff", "giver", {"undo": run.id}),
        ):
            assert isinstance(refused, Denied)
            heard.append(refused.reason)
        return DONE

    async with open_books(tmp_path, giver=greedy) as (cell, books):
        run = await take(cell)
        assert run.state is RunState.DONE, run.reason
        assert heard == ["the tool is not in the contract", "the contract does not hand off to this agent"]
        assert books.undone == []
        for person in (CARA, HANA):
            verbs = cell.verbs(person_actor(cell.parts.people.person(person), "command line"))
            with pytest.raises(RefusedError, match="fleet:runs:rollback"):
                await verbs.rollback(run.id, because="mine")
        assert books.undone == []


async def test_a_version_that_lost_the_tool_does_not_undo_what_it_did_with_it(tmp_path: Path) -> None:
    async with open_books(tmp_path, giver=pay_once) as (cell, _):
        run = await take(cell)
    lost = books_contract().replace("version: 1.0.0", "version: 2.0.0")
    head, rest = lost.split("  - use: desk__pay\n")
    lost = head + rest[rest.index("  - use: desk__reserve") :]
    async with open_books(tmp_path, {"giver": lost}, giver=pay_once) as (cell, books):
        await cell.operations.retire("giver", "1.0.0", because="too free", by=CARA)
        rollback = await roll_back(cell, run)
        assert rollback.version == "2.0.0"
        assert told(cell, run) == ([], {"desk__pay": "the contract does not grant the tool any more"})
        assert books.undone == []


async def test_where_no_version_may_act_nothing_is_undone_and_only_changes_are_told(tmp_path: Path) -> None:
    async def look_and_pay(run: RunHandle) -> Any:
        await run.tool("desk__look", order="R-1")
        return await pay_once(run)

    async with open_books(tmp_path, giver=look_and_pay) as (cell, books):
        run = await take(cell)
        await cell.operations.retire("giver", "1.0.0", because="nobody needs it", by=CARA)
        shown = cell.views(local_actor("local")).rollbacks.get(run.id)
        assert (shown.possible, shown.why_not) == (False, "no version of giver may act")
        assert [(each.name, each.reason) for each in shown.left] == [
            ("desk__pay", "no version of the agent may act, so nobody can undo it")
        ]
        with pytest.raises(ConflictError, match="Nobody can undo it"):
            await cell.verbs(local_actor("local")).rollback(run.id, because="wrong")
        assert books.undone == []


async def test_who_works_for_one_unit_has_nothing_undone_at_the_expense_of_another(tmp_path: Path) -> None:
    async with open_books(tmp_path, giver=pay_once) as (cell, _):
        run = await take(cell)
    moved = books_contract().replace("version: 1.0.0", "version: 2.0.0").replace("unit: care", "unit: sales")
    async with open_books(tmp_path, {"giver": moved}, giver=pay_once) as (cell, books):
        otto = person_actor(cell.parts.people.person(OTTO).model_copy(update={"units": ("care",)}), "command line")
        await cell.operations.retire("giver", "1.0.0", because="it moved", by=CARA)
        with pytest.raises(RefusedError, match="this is of sales"):
            await cell.verbs(otto).rollback(run.id, because="wrong")
        assert books.undone == []


async def test_whatever_drives_a_rollback_can_do_nothing_but_its_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    async def hostile(run: RunHandle) -> Any:
        for kind, name, given in (
            ("tool", "desk__unpay", {"entry": "of somebody else"}),
            ("tool", "desk__mail", {"order": "R-1"}),
            ("model", "scripted", {"messages": "none"}),
        ):
            refused = await run.try_action(cast("Any", kind), name, given)
            assert isinstance(refused, Denied)
            heard.append(refused.reason)
        return {"undone": [], "left": []}

    def driven_by(parts: Parts) -> Any:
        return hostile

    async with open_books(tmp_path, giver=pay_reserve_mail) as (cell, books):
        run = await take(cell)
        monkeypatch.setattr("remit.runtime.attempts.RollbackAgent", driven_by)
        rollback = await roll_back(cell, run)
        assert rollback.state is RunState.DONE, rollback.reason
        assert heard == [
            "the arguments of a compensation are those that follow from the record",
            "desk__reserve is undone by desk__release",
            "a rollback does nothing but undo the run it was made for",
        ]
        assert books.undone == []
        assert len([name for name, _ in books.calls if name == "mail"]) == 1


# --- what a hostile tool, or a broken record, makes of it


async def test_a_tool_that_lies_about_what_it_did_has_nothing_of_somebody_else_undone(tmp_path: Path) -> None:
    tools = TOOLS.replace("description: Takes a payment back.,", "description: Takes back., subjects: {order: entry},")
    text = books_contract().replace("success: resolved\n", "success: resolved\nsubjects: {order: order}\n")
    async with open_books(tmp_path, {"giver": text}, tools=tools, giver=pay_once) as (cell, books):
        for entry, undone in (("R-2", []), ("R-1", ["R-1"])):
            books.entry = entry
            run = await take(cell)
            await roll_back(cell, run)
            assert books.undone == undone, told(cell, run)
            if not undone:
                why = "its compensation is not permitted: a write touches only the subjects of its task"
                assert told(cell, run)[1] == {"desk__pay": why}


async def test_what_a_guardrail_took_out_of_a_result_is_sent_nowhere(tmp_path: Path) -> None:
    async with open_books(tmp_path, giver=pay_once) as (cell, books):
        books.entry = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
        run = await take(cell)
        await roll_back(cell, run)
        assert books.undone == []
        assert told(cell, run)[1] == {"desk__pay": "a secret was taken out of its record: result.entry"}


async def test_who_answers_for_a_program_does_not_permit_what_it_has_undone(tmp_path: Path) -> None:
    async with open_books(tmp_path, {"giver": books_contract(pay=ASKED)}, giver=pay_once) as (cell, books):
        run = await answered(cell, await take(cell), "approve")
        permissions = frozenset({Permission.FLEET_RUNS_ROLLBACK})
        program = Actor(id="program:nightly", face="api", permissions=permissions, owner=HANA)
        begun = await cell.verbs(program).rollback(run.id, because="wrong")
        assert begun is not None
        (entry,) = [each for each in cell.log.entries(begun.id) if each.kind == "rollback.started"]
        assert (entry.fields["by"], begun.asked_by) == ("program:nightly", HANA)
        waiting = await cell.operations.drive(begun.id)
        (asked,) = cell.parts.approvals.of_run(waiting.id)
        with pytest.raises(RefusedError, match="own behalf"):
            await cell.operations.answer(asked.id, person=HANA, answer="approve")
        assert books.undone == []
