"""What people may do: by role and unit, each on the record with who and why, refusals too."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.gateway.desk import ANN, CONTRACT, REFUNDS, swap
from tests.operations.people import NAMES, done_by, somebody
from tests.runtime.workshop import work

from remit.app import Cell
from remit.approvals import ApprovalState
from remit.audit import LogEntry
from remit.contracts import Person
from remit.core import DAY, ConflictError, InputError, NotFoundError, RefusedError, day_of
from remit.journal import RunState
from remit.operations import Permission, permissions_of, person_actor
from remit.registry import Lifecycle, ReleaseState
from remit.testing import SettableClock, open_fleet

TICKET = {"order_id": "R-1", "message": "Please refund 20 of my order R-1."}
ROLES = ("viewer", "care-lead", "operator", "platform", "auditor")


@pytest.fixture
async def cell(tmp_path: Path) -> AsyncIterator[Cell]:
    """The refund desk as it is shipped."""
    async with open_fleet(REFUNDS, tmp_path / "fleet") as opened:
        yield opened


def last(cell: Cell, kind: str) -> LogEntry:
    """Returns the newest entry of a kind."""
    return cell.log.since(0, (kind,), limit=10_000)[-1]


async def test_an_operator_has_an_agent_work_on_their_own_behalf_or_somebody_elses(cell: Cell) -> None:
    own = await done_by(cell, "operator").start("refund-desk", TICKET)
    assert own.task.on_behalf_of == "operator@shop.example"
    for_ann = await done_by(cell, "operator").start("refund-desk", TICKET, on_behalf_of=ANN)
    queued = last(cell, "run.queued")
    assert (queued.fields["on_behalf_of"], queued.fields["asked_by"]) == (ANN, ["operator@shop.example"])
    assert (await cell.operations.drive(for_ann.run.id)).state is RunState.DONE


@pytest.mark.parametrize("role", ["viewer", "care-lead", "platform", "auditor"])
async def test_nobody_else_starts_work_and_the_attempt_is_on_the_record(cell: Cell, role: str) -> None:
    with pytest.raises(RefusedError, match="fleet:runs:start"):
        await done_by(cell, role).start("refund-desk", TICKET)
    assert cell.parts.journal.runs() == []
    refused = last(cell, "access.refused").fields
    assert refused["permission"] == "fleet:runs:start"
    assert refused["by"] == NAMES.get(role, f"{role}@shop.example")


async def test_a_task_is_as_urgent_as_its_contract_says_unless_somebody_may_say_otherwise(cell: Cell) -> None:
    operator = done_by(cell, "operator")
    usual, urgent = await operator.start("refund-desk", TICKET), await operator.start("refund-desk", TICKET, priority=9)
    assert (usual.run.priority, urgent.run.priority) == (5, 9)
    assert "priority" not in cell.log.entries(usual.run.id)[0].fields
    assert cell.log.entries(urgent.run.id)[0].fields["priority"] == 9
    for wrong in (-1, 10):
        with pytest.raises(InputError, match="No such priority"):
            await operator.start("refund-desk", TICKET, priority=wrong)
    held = permissions_of(["operator"]) - {Permission.FLEET_TASKS_PRIORITIZE}
    with pytest.raises(RefusedError, match="fleet:tasks:prioritize"):
        await cell.verbs(replace(operator.actor, permissions=held)).start("refund-desk", TICKET, priority=5)
    assert len(cell.parts.journal.runs()) == 2


@pytest.mark.parametrize("role", ["viewer", "operator", "platform", "auditor"])
async def test_only_an_approver_answers(cell: Cell, role: str) -> None:
    run = await work(cell, "Please refund 400", order="R-2")
    (asked,) = cell.parts.approvals.of_run(run.id)
    with pytest.raises(RefusedError, match="fleet:approvals:answer"):
        await done_by(cell, role).answer(asked.id, "approve", reason="mine")
    assert cell.parts.approvals.get(asked.id).state is ApprovalState.PENDING
    answered = await done_by(cell, "care-lead").answer(asked.id, "approve", reason="looked at it")
    assert answered.state is ApprovalState.APPROVED
    assert (await cell.operations.drive(run.id)).state is RunState.DONE


async def test_an_approver_of_another_role_is_refused_by_the_gateway(cell: Cell) -> None:
    run = await work(cell, "Please refund 400", order="R-2")
    (asked,) = cell.parts.approvals.of_run(run.id)
    stranger = person_actor(cell.parts.people.person("pia.platform@shop.example"), "api", owns=True)
    with pytest.raises(RefusedError, match="it takes one of the roles care-lead, treasurer"):
        await cell.verbs(stranger).answer(asked.id, "approve", reason="why not")


async def test_a_question_is_passed_on_to_others_whom_policy_lets_answer(cell: Cell) -> None:
    run = await work(cell, "Please refund 400", order="R-2")
    (asked,) = cell.parts.approvals.of_run(run.id)
    lead, treasurer = done_by(cell, "care-lead"), done_by(cell, "treasurer")
    with pytest.raises(InputError, match="takes a reason"):
        await lead.escalate(asked.id, to="treasurer", reason=" ")
    for to in ("platform", "nobody", "pia.platform@shop.example"):
        with pytest.raises(InputError, match="who may answer: care-lead, or treasurer"):
            await lead.escalate(asked.id, to=to, reason="not mine to say")
    with pytest.raises(RefusedError):
        await done_by(cell, "operator").escalate(asked.id, to="treasurer", reason="why not")
    passed_on = await lead.escalate(asked.id, to="treasurer", reason="not mine to say")
    assert passed_on.roles == ("treasurer",)
    entry = last(cell, "approval").fields
    assert (entry["answer"], entry["to"], entry["by"]) == ("escalate", "treasurer", NAMES["care-lead"])
    with pytest.raises(RefusedError, match="it takes one of the roles treasurer"):
        await lead.answer(asked.id, "approve", reason="after all")
    with pytest.raises(InputError, match="cannot be passed on"):
        await treasurer.escalate(asked.id, to="care-lead", reason="back to you")
    tina = cell.verbs(person_actor(cell.parts.people.person("tina.treasurer@shop.example"), "api"))
    assert (await treasurer.answer(asked.id, "approve", reason="fine")).state is ApprovalState.PENDING
    assert (await tina.answer(asked.id, "approve", reason="fine")).state is ApprovalState.APPROVED
    assert (await cell.operations.drive(run.id)).state is RunState.DONE


async def test_who_stands_in_answers_as_the_one_who_is_away_and_the_record_says_so(tmp_path: Path) -> None:
    clock = SettableClock()
    away = f'"{day_of(clock.now())}..{day_of(clock.now() + DAY)}"'
    lent = ("roles: [care-lead]}", f"roles: [care-lead, operator], away: {away}, stand_in: pia.platform@shop.example}}")
    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock, edit={"people.yaml": first(*lent)}) as cell:
        run = await work(cell, "Please refund 400", order="R-2")
        (asked,) = cell.parts.approvals.of_run(run.id)
        pia = cell.verbs(person_actor(cell.parts.people.person("pia.platform@shop.example"), "api"))
        assert set(pia.actor.roles) == {"platform", "care-lead"}  # to operate, nobody stands in
        assert (await pia.answer(asked.id, "approve", reason="Cara is away")).state is ApprovalState.APPROVED
        assert last(cell, "approval").fields["stands_in_for"] == [NAMES["care-lead"]]
        assert (await cell.operations.drive(run.id)).state is RunState.DONE
        clock.advance(2 * DAY)
        assert cell.parts.people.person("pia.platform@shop.example").roles == ("platform",)


def first(old: str, new: str) -> Callable[[str], str]:
    """Returns an edit of the first place where `old` stands."""
    return lambda text: text.replace(old, new, 1)


@pytest.mark.parametrize("program", [False, True])
async def test_who_has_the_work_done_for_somebody_else_does_not_say_yes_to_it(cell: Cell, program: bool) -> None:
    both = somebody("care-lead", "operator")
    acting = replace(both, id="program:till", owner=both.id, roles=("program",)) if program else both
    large = {"order_id": "R-2", "message": "Please refund 400 of my order R-2."}
    run = (await cell.verbs(acting).start("refund-desk", large, on_behalf_of=ANN)).run
    await cell.operations.drive(run.id)
    (asked,) = cell.parts.approvals.of_run(run.id)
    with pytest.raises(RefusedError, match="they had the work done"):
        await cell.verbs(both).answer(asked.id, "approve", reason="mine")
    assert cell.views(both).approvals.get(asked.id).mine is False
    tom, tina = (
        cell.verbs(person_actor(cell.parts.people.person(f"{name}.treasurer@shop.example"), "api"))
        for name in ("tom", "tina")
    )
    await tom.answer(asked.id, "approve", reason="fine")
    assert (await tina.answer(asked.id, "approve", reason="fine")).state is ApprovalState.APPROVED


async def test_whoever_approves_may_stop_and_only_operators_and_the_platform_let_go_on(cell: Cell) -> None:
    receipt = await done_by(cell, "care-lead").stop("agent:refund-desk", because="looks odd")
    assert receipt["by"] == NAMES["care-lead"]
    with pytest.raises(RefusedError, match="fleet:switches:reset"):
        await done_by(cell, "care-lead").resume("agent:refund-desk", because="was nothing")
    await done_by(cell, "operator").resume("agent:refund-desk", because="was nothing")
    assert last(cell, "switch").fields["because"] == "was nothing"
    for role in ("viewer", "auditor"):
        with pytest.raises(RefusedError, match="fleet:switches:pull"):
            await done_by(cell, role).stop("fleet", because="why not")


async def test_a_units_operator_stops_its_agents_and_nothing_else(cell: Cell) -> None:
    unit = cell.parts.registry.versions()[0].unit
    inside, outside = done_by(cell, "operator", units=(unit,)), done_by(cell, "operator", units=("sales",))
    for scope in ("fleet", "class:user-facing", "tool:shop__issue_refund", "model:simulated"):
        with pytest.raises(RefusedError, match="whole fleet"):
            await inside.stop(scope, because="odd")
    for scope in (f"unit:{unit}", "agent:refund-desk", "version:refund-desk@1.0.0"):
        with pytest.raises(RefusedError, match="they work for sales"):
            await outside.stop(scope, because="odd")
        await inside.stop(scope, because="odd")
        await inside.resume(scope, because="fine")
    with pytest.raises(RefusedError):
        await outside.start("refund-desk", TICKET)
    run = (await inside.start("refund-desk", TICKET)).run
    with pytest.raises(RefusedError):
        await outside.cancel(run.id, because="not mine")


async def test_a_run_is_cancelled_with_a_reason(cell: Cell) -> None:
    run = await work(cell, "Please refund 400", order="R-2")
    with pytest.raises(InputError, match="takes a reason"):
        await done_by(cell, "operator").cancel(run.id, because=" ")
    assert (await done_by(cell, "operator").cancel(run.id, because="not needed")).state is RunState.CANCELLED
    assert last(cell, "run.cancelled").fields["by"] == "operator@shop.example"


async def test_what_failed_is_tried_again_from_where_it_went_wrong(cell: Cell) -> None:
    run = await work(cell, "Please refund 41")
    assert run.state is RunState.FAILED
    with pytest.raises(InputError, match="takes a reason"):
        await done_by(cell, "operator").retry(run.id, because="")
    again = await done_by(cell, "operator").retry(run.id, because="the shop was down")
    assert (again.parent_run, again.forked_at, again.effects) == (run.id, 2, True)
    assert last(cell, "run.forked").fields["because"] == "the shop was down"
    assert (await cell.operations.drive(again.id)).state is RunState.FAILED  # it still asks for too much
    done = await work(cell, "Please refund 20")
    with pytest.raises(ConflictError, match="failed or was cancelled"):
        await done_by(cell, "operator").retry(done.id, because="again")


async def test_a_fork_that_acts_takes_a_reason(cell: Cell) -> None:
    done = await work(cell, "Please refund 20")
    operator = done_by(cell, "operator")
    assert (await operator.fork(done.id, 2)).effects is False
    with pytest.raises(InputError, match="A fork with effects takes a reason"):
        await operator.fork(done.id, 2, effects=True)
    assert (await operator.fork(done.id, 2, effects=True, because="it was the wrong order")).effects
    assert last(cell, "run.forked").fields["because"] == "it was the wrong order"


async def test_a_fork_into_the_present_release_is_of_its_unit_too(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await work(cell, "Please refund 20")
    moved = swap(("version: 1.0.0", "version: 2.0.0"), ("unit: customer-care", "unit: finance"))
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit={CONTRACT: moved}) as cell:
        person = Person(id="una@shop.example", roles=("operator",), units=("customer-care",))
        verbs = cell.verbs(person_actor(person, "console"))
        with pytest.raises(RefusedError, match="finance"):
            await verbs.fork(run.id, 1, current=True)
        assert (await verbs.fork(run.id, 1)).version == "1.0.0"


async def test_an_event_is_handed_in_by_name(tmp_path: Path) -> None:
    edit = {CONTRACT: swap(("triggers:", "triggers:\n  - {on: event, name: ticket.created}"))}
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=edit) as cell:
        received = await done_by(cell, "operator").send("ticket.created", TICKET, identifier="e-1")
        assert [started.task.on_behalf_of for started in received.tasks] == ["operator@shop.example"]
        with pytest.raises(RefusedError):
            await done_by(cell, "viewer").send("ticket.created", TICKET)


async def test_versions_are_approved_by_the_platform_or_by_their_owner_where_that_is_the_model(
    tmp_path: Path, another_database: Callable[[], None]
) -> None:
    by_person = ("on-load", "by-person")
    for model, may in (("centralized", False), ("federated", True)):
        edit = {"remit.toml": swap(by_person, ('currency = "EUR"', f'currency = "EUR"\noperating_model = "{model}"'))}
        another_database()
        async with open_fleet(REFUNDS, tmp_path / model, edit=edit) as cell:
            owner = cell.parts.registry.versions()[0].owner
            verbs = cell.verbs(person_actor(cell.parts.people.person(owner), "console", owns=True))
            if may:
                assert (await verbs.promote("refund-desk", "1.0.0", because="all cases pass")).approved_by == owner
                assert last(cell, "release.approved").fields["because"] == "all cases pass"
            else:
                with pytest.raises(RefusedError, match="fleet:agents:release"):
                    await verbs.promote("refund-desk", "1.0.0")
                approved = await done_by(cell, "platform").promote("refund-desk", "1.0.0")
                assert approved.approved_by == "platform@shop.example"


async def test_an_owners_token_releases_nothing(tmp_path: Path) -> None:
    by_person = ("on-load", "by-person")
    edit = {"remit.toml": swap(by_person, ('currency = "EUR"', 'currency = "EUR"\noperating_model = "federated"'))}
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=edit) as cell:
        owner = cell.parts.people.person(cell.parts.registry.versions()[0].owner)
        looking = ["fleet:runs:read"]
        _, text = await cell.access.create_token(
            person_actor(owner, "console", owns=True), name="looks on", permissions=looking
        )
        token = cell.access.token_actor(text)
        assert token is not None
        with pytest.raises(RefusedError, match="fleet:agents:release"):
            await cell.verbs(token).promote("refund-desk", "1.0.0")
        with pytest.raises(RefusedError, match="fleet:agents:retire"):
            await cell.verbs(token).retire("refund-desk", "1.0.0", because="odd")
        assert last(cell, "access.refused").fields["face"] == "api"


async def test_a_retired_version_finishes_what_it_has_and_takes_nothing_new(cell: Cell) -> None:
    run = await work(cell, "Please refund 400", order="R-2")
    platform = done_by(cell, "platform")
    draining = await platform.retire("refund-desk", "1.0.0", because="replaced")
    assert (draining.state, draining.lifecycle) == (ReleaseState.DRAINING, Lifecycle.LIVE)
    with pytest.raises(NotFoundError, match="No live version"):
        await done_by(cell, "operator").start("refund-desk", TICKET)
    (asked,) = cell.parts.approvals.of_run(run.id)
    await done_by(cell, "care-lead").answer(asked.id, "approve", reason="fine")
    assert (await cell.operations.drive(run.id)).state is RunState.DONE
    retired = await platform.retire("refund-desk", "1.0.0", because="replaced")
    assert retired.lifecycle is Lifecycle.RETIRED
    assert last(cell, "release.retired").fields["because"] == "replaced"
    with pytest.raises(ConflictError):
        await platform.promote("refund-desk", "1.0.0")
