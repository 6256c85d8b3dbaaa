"""New work is refused before too much waits, the least urgent first; what was admitted goes on."""

from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import CONTRACT, REFUNDS, limits, swap
from tests.runtime.office import OWNER, TICKET, event, open_office

from remit.app import Cell
from remit.core import CrowdedError, OwnCrowdError, RefusedError
from remit.journal import RunState
from remit.runtime.admission import UNKNOWN, Admission, share_of
from remit.testing import open_fleet


class Watch:
    """A clock that stands still unless it is set forward."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def asked(cell: Cell, number: int, **more: Any) -> None:
    """Asks for one task."""
    await cell.runtime.start("refund-desk", TICKET, on_behalf_of=OWNER, dedup=f"task-{number}", **more)


@pytest.mark.parametrize(
    ("priority", "share"), [(0, 0.5), (1, 0.5), (2, 0.8), (4, 0.8), (5, 0.95), (7, 0.95), (8, 1.0), (9, 1.0)]
)
def test_the_less_urgent_may_take_less_of_a_bound(priority: int, share: float) -> None:
    assert share_of(priority) == share


@pytest.mark.parametrize(("priority", "taken"), [(0, 10), (3, 16), (5, 19), (9, 20)])
async def test_the_least_urgent_is_refused_first(tmp_path: Path, priority: int, taken: int) -> None:
    edit = {CONTRACT: swap(("class: ", f"priority: {priority}\nclass: "))}
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=edit, change=limits(queued_runs=20)) as cell:
        for number in range(taken):
            await cell.operations.submit("refund-desk", {"order_id": "R-1", "message": str(number)}, on_behalf_of=OWNER)
        with pytest.raises(CrowdedError, match=f"{taken} runs wait, the bound is 20") as refused:
            await cell.operations.submit("refund-desk", {"order_id": "R-1", "message": "one more"}, on_behalf_of=OWNER)
        assert not isinstance(refused.value, OwnCrowdError)
        assert refused.value.retry_after == UNKNOWN
        assert len(cell.parts.journal.runs()) == taken
        assert {run.priority for run in cell.parts.journal.runs()} == {priority}


async def test_what_is_refused_after_it_was_counted_in_does_not_count(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet", change=limits(queued_runs=2)) as cell:
        await cell.operations.stop("fleet", because="a test", by=OWNER)
        for number in range(5):
            with pytest.raises(RefusedError, match="stopped"):
                await asked(cell, number)
        await cell.operations.resume("fleet", because="a test", by=OWNER)
        await asked(cell, 5)


@pytest.mark.parametrize("bound", ["queued_runs_per_unit", "queued_runs_per_agent"])
async def test_a_unit_and_an_agent_may_have_bounds_of_their_own(tmp_path: Path, bound: str) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet", change=limits(**{bound: 2})) as cell:
        ticket = {"order_id": "R-1", "message": "please"}
        await cell.operations.submit("refund-desk", ticket, on_behalf_of=OWNER)
        which = "unit customer-care" if bound.endswith("unit") else "agent refund-desk"
        with pytest.raises(OwnCrowdError, match=f"Too much work waits '{which}'"):
            await cell.operations.submit("refund-desk", ticket, on_behalf_of=OWNER)


async def test_what_was_taken_on_before_is_answered_all_the_same(tmp_path: Path) -> None:
    async with open_office(tmp_path, change=limits(queued_runs=1)) as cell:
        await asked(cell, 1, by="event")
        with pytest.raises(CrowdedError):
            await asked(cell, 2, by="event")
        await asked(cell, 1, by="event")
        assert len(cell.parts.journal.runs()) == 1


async def test_schedules_are_never_refused(tmp_path: Path) -> None:
    async with open_office(tmp_path, change=limits(queued_runs=1)) as cell:
        for number in range(3):
            await asked(cell, number, by="schedule")
        assert len(cell.parts.journal.runs()) == 3


async def test_an_event_is_handed_in_again_when_too_much_waits(tmp_path: Path) -> None:
    async with open_office(tmp_path, change=limits(queued_runs=1)) as cell:
        received = await cell.triggers.receive(event(cell, "evt_1"))
        assert [started.is_new for started in received.tasks] == [True]
        with pytest.raises(CrowdedError):
            await cell.triggers.receive(event(cell, "evt_2"))
        again = await cell.triggers.receive(event(cell, "evt_1"))
        assert [started.is_new for started in again.tasks] == [False]


async def test_runs_that_wait_for_people_are_no_backlog(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        ticket = {"order_id": "R-2", "message": "Please refund 400."}
        started = await cell.operations.submit("refund-desk", ticket, on_behalf_of=OWNER)
        backlog, now = cell.parts.journal.backlog, cell.parts.clock.now()
        assert backlog.look(now, most=10, each=False).runs == 1
        each = backlog.look(now, most=10, each=True)
        assert (each.runs, each.of_units["customer-care"], each.of_agents["refund-desk"]) == (1, 1, 1)
        run = await cell.operations.drive(started.run.id)
        assert run.state is RunState.WAITING, run.reason
        assert backlog.look(now, most=10, each=False).runs == 0


async def test_more_than_the_bound_is_not_counted(tmp_path: Path) -> None:
    async with open_office(tmp_path) as cell:
        for number in range(5):
            await asked(cell, number, by="event")
        for each in (False, True):
            assert cell.parts.journal.backlog.look(cell.parts.clock.now(), most=3, each=each).runs == 3


async def test_how_long_to_wait_is_told_by_how_fast_work_is_taken_up(tmp_path: Path) -> None:
    async with open_office(tmp_path, change=limits(queued_runs=20)) as cell:
        for number in range(19):
            await asked(cell, number, by="event")
        watch = Watch()
        admission = Admission(cell.parts, now=watch)
        assert refused(admission).retry_after == UNKNOWN
        for run in cell.parts.journal.runs()[:10]:
            await cell.operations.cancel(run.id, because="not needed", by=OWNER)
        watch.now += 1.0
        admission.admit(agent="refund-desk", unit="customer-care", priority=5)
        for _ in range(9):
            admission.admit(agent="refund-desk", unit="customer-care", priority=5)
        assert refused(admission).retry_after == 1  # three a second, by what was seen so far
        assert refused(admission, priority=0).retry_after == 4


def refused(admission: Admission, priority: int = 5) -> CrowdedError:
    """Asks for one more, and returns the refusal."""
    with pytest.raises(CrowdedError) as refusal:
        admission.admit(agent="refund-desk", unit="customer-care", priority=priority)
    return refusal.value
