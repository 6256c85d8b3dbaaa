"""What comes of people's answers and of appeals: each a ticket through the whole fleet."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.remit_fleets.support.office import Office, Say

from remit.app import Arrival
from remit.approvals import Approval
from remit.journal import RunState
from remit.operations import local_actor
from remit_fleets.support.simulated import fault_of
from remit_fleets.support.simulated.faults import is_stubborn
from remit_fleets.support.simulated.phrases import PHRASES
from remit_fleets.support.tickets import Ticket, Tickets
from remit_fleets.support.world import make_world

_SEED, _WORLD = 7, 300
TICKETS = Tickets(make_world(_SEED, _WORLD))


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = await Office.open(tmp_path / "fleet", seed=_SEED, tickets=_WORLD)
    yield office
    await office.close()


def first(tool: str, by: str) -> Arrival:
    """Returns the first ticket without a trap of which one effect must come in one way."""
    for ticket in TICKETS:
        assert ticket.truth is not None
        text = f"{ticket.subject}\n{ticket.body}"
        found = [(effect.tool, effect.by) for effect in ticket.truth.effects]
        if found == [(tool, by)] and not ticket.truth.attack and fault_of(ticket.ticket, text) is None:
            return created(ticket)
    raise AssertionError(f"no ticket has {tool} by {by}")


def created(ticket: Ticket) -> Arrival:
    return Arrival(ticket.ticket, "ticket.created", ticket.data, ticket.subject)


def says_no(asked: Approval) -> Say:
    return "reject" if asked.kind in ("action", "proposal") else "approve"


@pytest.mark.parametrize(
    ("tool", "by"),
    [("issue_refund", "asked"), ("change_address", "asked"), ("close_account", "led"), ("take_over", "led")],
)
async def test_a_persons_no_is_told_to_the_customer_and_nothing_is_done(office: Office, tool: str, by: str) -> None:
    office.rule = says_no
    worked = await office.work(first(tool, by))

    assert worked.state is RunState.DONE
    assert worked.wrong == ()
    assert {effect.tool for effect in worked.effects} == {"send_message", "ask_satisfaction"}
    assert any(phrases["said_no"] in worked.message for phrases in PHRASES.values())


async def test_what_a_person_approved_is_told_with_that(office: Office) -> None:
    worked = await office.work(first("change_address", "asked"))

    assert worked.wrong == ()
    told = [phrases["by_agent_approved"].format(agent="account-care") for phrases in PHRASES.values()]
    assert any(sentence in worked.message for sentence in told)


async def test_an_appeal_is_taken_over_by_a_person_and_answered(office: Office) -> None:
    appealed = next(ticket for ticket in TICKETS if ticket.truth and ticket.truth.appeals)
    before = created(appealed)
    await office.work(before)
    appeal = next(signal.arrival for signal in office.demo.signals(before) if signal.kind == "appeal")
    assert appeal is not None
    worked = await office.work(appeal)

    assert worked.wrong == ()
    assert worked.state is RunState.DONE
    assert [effect.tool for effect in worked.effects] == ["take_over", "send_message", "ask_satisfaction"]
    assert any(phrases["take_over"] in worked.message for phrases in PHRASES.values())


async def test_a_mistake_that_is_insisted_on_is_put_to_people_and_a_person_takes_over(office: Office) -> None:
    found = [
        ticket
        for ticket in TICKETS
        if fault_of(ticket.ticket, f"{ticket.subject}\n{ticket.body}") in ("wrong-amount", "wrong-order")
        and is_stubborn(ticket.ticket, f"{ticket.subject}\n{ticket.body}")
        and ticket.truth
        and ticket.truth.effects
    ]
    worked = await office.work(created(found[0]))

    assert worked.wrong == ()
    assert "stuck" in {asked.kind for asked in worked.asked}
    assert [effect.tool for effect in worked.effects] == ["take_over", "send_message", "ask_satisfaction"]


async def test_what_can_be_undone_of_a_ticket_is_and_the_letter_is_listed(office: Office) -> None:
    worked = await office.work(first("change_address", "asked"))
    (changed,) = worked.done("change_address")
    runs = office.cell.parts.journal.runs_of(worked.task)
    verbs, views = office.cell.verbs(local_actor("tests")), office.cell.views(local_actor("tests"))
    begun = await verbs.rollback(runs[0].id, because="somebody else wrote it")
    assert begun is not None
    rollback = await office.finish(begun.id)
    assert rollback.state is RunState.DONE, rollback.reason
    shown = views.rollbacks.get(runs[0].id)
    assert [(each.name, each.by) for each in shown.undone] == [("shop__change_address", "shop__undo_change")]
    assert {each.name: each.reason for each in shown.left}["shop__send_message"] == "it is irreversible"
    (undone,) = [effect for effect in office.effects(worked.task) if effect.tool == "undo_change"]
    assert undone.detail["undone"] == changed.detail["change_id"]
