"""An appeal is looked at for whoever wrote the ticket, and for nobody else; what is an appeal is not the model's word."""

from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.remit_fleets.support import hostile
from tests.remit_fleets.support.hostile import PARTS, Asked
from tests.remit_fleets.support.office import Office, Worked

from remit.app import Arrival
from remit_fleets.support.world import make_world

_SEED = 7
_CUSTOMER = make_world(_SEED, 1_500).customers[3]
_STRANGER = "stranger@elsewhere.example"
# What the trust lead is asked when a step cannot be taken.
_STUCK = "stuck"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncGenerator[Office]:
    opened = await Office.open(tmp_path / "fleet", seed=_SEED, tickets=1_500, model=f"{hostile.__name__}:answer")
    yield opened
    await opened.close()
    PARTS.clear()


async def _written(office: Office, sender: str = _CUSTOMER.email, body: str = "Thank you.") -> Worked:
    data = {"ticket": "X-1", "from": sender, "subject": "Hello", "body": body}
    return await office.work(Arrival("X-1", "ticket.created", data, "X-1"))


async def _appealed(office: Office, sender: str) -> Worked:
    data = {"ticket": "X-1", "from": sender, "subject": "Re: Hello", "body": "I appeal.", "closure": "appealed"}
    return await office.work(Arrival("X-1-A", "ticket.appealed", data, "X-1-A"))


async def test_who_wrote_a_ticket_may_appeal_in_whatever_letters_the_address_is_written(office: Office) -> None:
    await _written(office)
    appealed = await _appealed(office, _CUSTOMER.email.capitalize())
    assert appealed.done("take_over")
    assert [effect.detail["sent_to"] for effect in appealed.done("send_message")] == [_CUSTOMER.email]


async def test_an_appeal_with_somebody_elses_number_reaches_neither_the_ticket_nor_its_owner(office: Office) -> None:
    await _written(office)
    office.rule = lambda asked: "approve"
    appealed = await _appealed(office, _STRANGER)
    assert appealed.effects == ()
    assert {asked.kind for asked in appealed.asked} == {_STUCK}
    assert not [step for step in appealed.steps if step.name == "shop__list_effects" and step.state == "done"]


async def test_what_a_model_calls_an_appeal_is_none_and_the_customer_gets_one_answer(office: Office) -> None:
    def sorts(asked: Asked) -> Mapping[str, Any] | None:
        if asked.agent == "triage":
            return {"refund": "none", "account": "none", "closure": "ask_person", "language": "en", "appeal": True}
        if asked.agent == "closures":
            told = {"closure_decision": "take_over", "closure_why": "they ask", "team": "customer-care", "summary": "x"}
            return told | {"appeal": True, "closure": "appealed", "input": {"closure": "appealed"}}
        return None

    PARTS[:] = [sorts]
    written = await _written(office, body="I want a person.")
    assert len(written.done("send_message")) == 1


async def test_triage_hands_no_ticket_over_as_an_appeal_that_came_in_by_itself(office: Office) -> None:
    def sorts(asked: Asked) -> Mapping[str, Any] | None:
        given = {"refund": "none", "account": "none", "closure": "appealed", "language": "en"}
        return given if asked.agent == "triage" else None

    PARTS[:] = [sorts]
    written = await _written(office)
    assert [step.name for step in written.steps if step.kind == "handoff" and step.state == "done"] == ["follow-up"]
    assert len(written.done("send_message")) == 1
