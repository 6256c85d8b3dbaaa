"""Code agents: numbered steps, recorded values, refusals as exceptions, and an end that is always told."""

from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import CARA, Till
from tests.runtime import agents
from tests.runtime.workshop import Script, names, open_workshop, output, work

from remit.journal import RunState
from remit.testing import says


def code(name: str) -> str:
    return f"models: {{turns: 6}}\ncode: tests.runtime.agents:{name}"


async def test_a_run_waits_and_goes_on_with_what_it_had(tmp_path: Path) -> None:
    shop = Till()
    async with open_workshop(tmp_path, more=code("careful"), server=shop) as cell:
        run = await work(cell, order="R-2")
        assert run.state is RunState.WAITING
        assert shop.effects == []
        drawn = cell.parts.journal.content(cell.parts.journal.steps(run.id)[1].result)["value"]
        (question,) = cell.parts.approvals.of_run(run.id)
        await cell.operations.answer(question.id, person=CARA, answer="approve")
        run = await cell.operations.drive(run.id)
        assert run.state is RunState.DONE, run.reason
        assert run.attempt == 2
        assert output(cell, run) == {"resolved": True, "text": f"number {drawn['number']}", "amount": 400}
        assert names(cell, run) == ["shop__get_order", "draw", "shop__issue_refund"]
        assert shop.amounts == [400]


async def test_driving_a_run_that_waits_changes_nothing(tmp_path: Path) -> None:
    shop = Till()
    async with open_workshop(tmp_path, more=code("careful"), server=shop) as cell:
        run = await work(cell, order="R-2")
        again = await cell.operations.drive(run.id)
        assert again.state is RunState.WAITING
        assert len(cell.parts.approvals.of_run(run.id)) == 1


async def test_a_model_is_asked_by_code(tmp_path: Path) -> None:
    async with open_workshop(tmp_path, more=code("thinking"), model=Script(says("Wait."))) as cell:
        assert output(cell, await work(cell)) == {"resolved": True, "text": "Wait."}


async def test_a_refusal_is_an_exception_with_the_sentence_the_agent_reads(tmp_path: Path) -> None:
    async with open_workshop(tmp_path, more=code("denied")) as cell:
        told = output(cell, await work(cell))
        assert told["text"].startswith("Not permitted: a write touches only the subjects of its task.")


async def test_a_tools_no_is_an_exception_of_its_own(tmp_path: Path) -> None:
    async with open_workshop(tmp_path, more=code("told_no")) as cell:
        assert "there is no order nowhere" in output(cell, await work(cell))["text"]


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        ("careless", "Not permitted"),
        ("broken", "KeyError in the agent's code"),
        ("wordless", "does not fit the contract"),
        ("not_there", "has no function not_there"),
    ],
)
async def test_a_run_that_cannot_go_on_fails_with_a_reason(tmp_path: Path, agent: str, told: str) -> None:
    async with open_workshop(tmp_path, more=code(agent)) as cell:
        run = await work(cell)
        assert run.state is RunState.FAILED
        assert told in run.reason
        assert run.ended_at is not None
        assert (await cell.operations.drive(run.id)).state is RunState.FAILED


async def test_waiting_is_nothing_that_code_can_catch_by_mistake(tmp_path: Path) -> None:
    agents.SEEN.clear()
    async with open_workshop(tmp_path, more=code("catching")) as cell:
        run = await work(cell, order="R-2")
        assert run.state is RunState.WAITING
        assert agents.SEEN == []


@pytest.mark.parametrize("agent", ["fickle", "fickle_value", "stubborn"])
async def test_code_that_does_not_repeat_itself_fails_with_that_reason(tmp_path: Path, agent: str) -> None:
    class AnyOrder(Till):
        async def get_order(self, call: Any, *, order_id: str) -> Any:
            return {"order_id": order_id, "status": "delivered", "paid": 9_000.0, "refunded": 0.0}

    shop = AnyOrder()
    async with open_workshop(tmp_path, more=code(agent), server=shop) as cell:
        run = await work(cell, order="R-2")
        assert run.state is RunState.WAITING, run.reason
        (question,) = cell.parts.approvals.of_run(run.id)
        await cell.operations.answer(question.id, person=CARA, answer="approve")
        run = await cell.operations.drive(run.id)
        assert run.state is RunState.FAILED
        assert "does not repeat itself" in run.reason
        assert shop.effects == []
