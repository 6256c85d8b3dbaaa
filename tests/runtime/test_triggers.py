"""An event starts one task for each agent that takes it, however often it is told, and what came of it is on record."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.gateway.desk import CARA
from tests.runtime.office import ON_TICKET, OWNER, TICKET, ZOE, event, logged, open_office

from remit.core import ConflictError, InputError, RefusedError, Settings
from remit.runtime import Event

# What fits one input never fits the other, so the check finds no conflict; an event that fits one may meet both.
NO_QUESTION = "triggers:\n  - {on: event, name: ticket.created, when: category != 'question'}"
EXCHANGE = "triggers:\n  - {on: event, name: ticket.created, when: category == 'exchange'}"


async def test_an_event_starts_a_task_for_the_agent_that_takes_it(tmp_path: Path) -> None:
    async with open_office(tmp_path) as cell:
        received = await cell.triggers.receive(event(cell))
        (started,) = received.tasks
        assert (started.task.agent, started.task.on_behalf_of, started.is_new) == ("refund-desk", ZOE, True)
        assert cell.parts.journal.content(started.task.input) == TICKET
        assert cell.parts.journal.subjects(started.task.id) == {"order": "R-1"}
        assert not received.is_known


async def test_an_event_told_again_returns_the_same_task(tmp_path: Path) -> None:
    async with open_office(tmp_path) as cell:
        first = await cell.triggers.receive(event(cell))
        again = await cell.triggers.receive(event(cell))
        assert again.is_known
        assert [one.run.id for one in again.tasks] == [one.run.id for one in first.tasks]
        other = await cell.triggers.receive(event(cell, "evt_2"))
        assert other.tasks[0].is_new
        assert len(cell.parts.journal.runs()) == 2


async def test_an_event_told_many_times_at_once_starts_one_task(tmp_path: Path) -> None:
    async with open_office(tmp_path) as cell, open_office(tmp_path) as other:
        received = await asyncio.gather(*(each.triggers.receive(event(cell)) for each in (cell, other) * 8))
        assert len({one.run.id for each in received for one in each.tasks}) == 1
        assert sum(one.is_new for each in received for one in each.tasks) == 1
        assert len(cell.parts.journal.runs()) == 1


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("ticket.closed", TICKET),
        ("ticket.created", {**TICKET, "category": "question"}),
        ("ticket.created", {"order_id": "R-1", "message": "no category"}),
        ("ticket.created", {"category": ["refund"]}),
    ],
    ids=["another event", "another category", "no category", "no text"],
)
async def test_an_event_that_nobody_takes_is_told_as_such(tmp_path: Path, name: str, data: dict[str, object]) -> None:
    async with open_office(tmp_path) as cell:
        received = await cell.triggers.receive(event(cell, name=name, data=data))
        assert (received.tasks, received.refused, received.is_known) == ((), (), False)
        (entry,) = logged(cell, "event.received")
        assert (entry["name"], entry["tasks"], entry["refused"]) == (name, [], [])


async def test_the_log_says_what_became_of_an_event_and_nothing_of_its_data(tmp_path: Path) -> None:
    async with open_office(tmp_path) as cell:
        received = await cell.triggers.receive(event(cell, data={**TICKET, "message": "I am Ina Secret"}))
        await cell.triggers.receive(event(cell, "evt_2", data={**TICKET, "Ina Secret": 1}))
        taken, refused = logged(cell, "event.received")
        (started,) = received.tasks
        task = {"agent": "refund-desk", "task": started.task.id, "run": started.run.id, "new": True}
        assert taken == {
            "source": "shop", "id": "evt_1", "name": "ticket.created", "on_behalf_of": ZOE, "tasks": [task], "refused": []
        }  # fmt: skip
        (told,) = refused["refused"]
        assert (told["agent"], told["why"]) == ("refund-desk", "The input does not fit the contract of refund-desk")
        assert "Ina Secret" not in json.dumps([taken, refused])


async def test_what_one_agent_cannot_take_stops_no_other(tmp_path: Path) -> None:
    async with open_office(tmp_path, NO_QUESTION, colleague=EXCHANGE) as cell:
        data = {"order_id": "R-1", "category": "exchange", "message": "please", "amount": 100}
        received = await cell.triggers.receive(event(cell, data=data))
        assert [one.task.agent for one in received.tasks] == ["second-desk"]
        (refused,) = received.refused
        assert (refused.agent, isinstance(refused.fault, InputError)) == ("refund-desk", True)
        assert "amount is not a known field" in refused.why


async def test_an_event_that_met_a_switch_is_taken_when_it_is_told_again(tmp_path: Path) -> None:
    async with open_office(tmp_path) as cell:
        await cell.operations.stop("agent:refund-desk", because="stocktaking", by=CARA)
        received = await cell.triggers.receive(event(cell))
        assert received.tasks == ()
        assert isinstance(received.refused[0].fault, RefusedError)
        assert "stocktaking" in logged(cell, "event.received")[0]["refused"][0]["why"]
        await cell.operations.resume("agent:refund-desk", because="counted", by=CARA)
        assert [one.is_new for one in (await cell.triggers.receive(event(cell))).tasks] == [True]


async def test_one_id_for_two_events_is_refused(tmp_path: Path) -> None:
    async with open_office(tmp_path) as cell:
        await cell.triggers.receive(event(cell))
        received = await cell.triggers.receive(event(cell, data={**TICKET, "order_id": "R-2"}))
        assert isinstance(received.refused[0].fault, ConflictError)
        assert len(cell.parts.journal.runs()) == 1


async def test_two_sources_may_use_one_id(tmp_path: Path) -> None:
    async with open_office(tmp_path) as cell:
        for source in ("shop", "mail"):
            received = await cell.triggers.receive(Event(source, "1", "ticket.created", TICKET, 0, ZOE))
            assert received.tasks[0].is_new


def by_person(settings: Settings) -> Settings:
    """Has every release approved by a person."""
    return settings.model_copy(update={"releases": "by-person"})


async def test_an_agent_that_nobody_approved_is_not_asked(tmp_path: Path) -> None:
    async with open_office(tmp_path, change=by_person) as cell:
        received = await cell.triggers.receive(event(cell))
        assert (received.tasks, received.refused) == ((), ())


async def test_the_approved_text_takes_events_and_a_draft_does_not(tmp_path: Path) -> None:
    async with open_office(tmp_path, "triggers:\n  - on: task"):
        pass
    async with open_office(tmp_path, ON_TICKET, version="1.1.0", change=by_person) as cell:
        assert (await cell.triggers.receive(event(cell))).tasks == ()
        await cell.operations.promote("refund-desk", "1.1.0", by=OWNER)
        (started,) = (await cell.triggers.receive(event(cell))).tasks
        assert started.run.version == "1.1.0"


async def test_an_agent_that_takes_events_only_takes_no_task_by_hand(tmp_path: Path) -> None:
    async with open_office(tmp_path) as cell:
        with pytest.raises(RefusedError, match="takes no tasks given by hand"):
            await cell.operations.submit("refund-desk", TICKET, on_behalf_of=ZOE)
        assert cell.parts.journal.runs() == []


@pytest.mark.parametrize("field", ["source", "identifier", "name"])
@pytest.mark.parametrize("text", ["", "x" * 257, "a\nb", "a\x00"], ids=["nothing", "too long", "two lines", "nul"])
def test_names_that_cannot_be_recorded_are_no_event(field: str, text: str) -> None:
    names = {"source": "shop", "identifier": "1", "name": "x", field: text}
    with pytest.raises(InputError, match="This cannot be an event's"):
        Event(names["source"], names["identifier"], names["name"], {}, 0, ZOE)
