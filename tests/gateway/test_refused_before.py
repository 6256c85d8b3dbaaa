"""What people have said no to in a task is not done in another way without them."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from tests.gateway.desk import CARA, TOM, Desk, another_run, contract, done, open_desk, refused

from remit.core import HOUR
from remit.gateway import Check, Waiting
from remit.testing import SettableClock

# What is small is for nobody to answer.
NOBODY = contract(
    ("approvers: [care-lead]\n", ""),
    ('amount <= 500"', 'amount > 50 and amount <= 500"'),
    ('amount <= 5000"', 'amount > 500 and amount <= 5000"'),
    ('{when: "facts.delivered", level', '{when: "facts.delivered and amount > 5000", level'),
)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk that works on the expensive order."""
    async with open_desk(tmp_path, order="R-2") as opened:
        yield opened


async def rejected(desk: Desk, amount: float, person: str, reason: str) -> Desk:
    """Asks for a refund, has it rejected, and drives the run on: it reads why."""
    asked = await desk.refund(amount, order="R-2")
    await desk.answer(asked, person, "reject", reason=reason)
    again = await desk.drive_again()
    assert reason in refused(await again.refund(amount, order="R-2")).sentence()
    return again


async def test_after_a_no_less_is_asked_for_too_and_done_with_a_yes(desk: Desk) -> None:
    again = await rejected(desk, 400, CARA, "20 is right")
    less = await again.refund(20, order="R-2")
    assert isinstance(less, Waiting)
    assert desk.server.amounts == []
    await desk.answer(less, CARA)
    third = await desk.drive_again()
    refused(await third.refund(400, order="R-2"))
    done(await third.refund(20, order="R-2"))
    assert desk.server.amounts == [20]


async def test_a_no_to_a_proposal_counts_for_what_would_be_autonomous(desk: Desk) -> None:
    again = await rejected(desk, 6_000, TOM, "not this quarter")
    assert isinstance(await again.refund(20, order="R-2"), Waiting)


async def test_a_no_counts_in_its_own_task_and_for_its_own_tool(desk: Desk) -> None:
    again = await rejected(desk, 400, CARA, "too much")
    done(await again.look("R-2"))
    other = await another_run(desk)
    done(await other.refund(20))


async def test_what_was_asked_and_not_answered_is_no_no(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_desk(tmp_path, order="R-2", clock=clock) as desk:
        await desk.refund(400, order="R-2")
        await desk.park()
        clock.advance(24 * HOUR)
        again = await desk.drive_again()
        refused(await again.refund(400, order="R-2"))
        done(await again.refund(20, order="R-2"))


async def test_after_a_no_what_nobody_can_answer_is_denied_and_the_agent_reads_why(tmp_path: Path) -> None:
    async with open_desk(tmp_path, order="R-2", edit=NOBODY) as desk:
        again = await rejected(desk, 400, CARA, "too much")
        denied = refused(await again.refund(20, order="R-2"))
        assert denied.step is Check.AUTHORITY
        assert denied.reason.startswith("people have said no to this tool in this task")
        assert denied.hint == "Say what their no means for the answer, or hand the task to a person."
        outside = refused(await again.refund(20, order="R-1"))
        assert outside.reason == "a write touches only the subjects of its task"


async def test_a_question_people_said_no_to_is_not_done_when_it_would_be_autonomous_by_now(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        asked = await desk.refund(20, confidence=Decimal("0.1"))
        await desk.answer(asked, CARA, "reject", reason="no")
        again = await desk.drive_again()
        assert refused(await again.refund(20, confidence=Decimal("0.9"))).step is Check.APPROVAL
        assert desk.server.amounts == []


async def test_a_no_that_comes_while_the_attempt_goes_on_counts_too(desk: Desk) -> None:
    done(await desk.look("R-2"))
    asked = await desk.refund(400, order="R-2")
    await desk.answer(asked, CARA, "reject", reason="20 is right")
    less = await desk.refund(20, order="R-2")
    assert isinstance(less, Waiting)
    assert less.for_what == "approval"
    assert desk.server.amounts == []
