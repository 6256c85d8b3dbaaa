"""What was said is shown to whoever may see it, and on no page, twin or answer to anybody else."""

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.gateway.desk import CONTRACT, NO_RETRY, REFUNDS, Till, swap, tools
from tests.runtime.workshop import work
from tests.web.visitors import HERE, everybody, knock, named

from remit.app import Cell
from remit.app.serve import http_app
from remit.gateway import ToolCall, ToolError
from remit.operations import person_actor
from remit.testing import open_fleet

SAID = "Zacharias Quill"
PAGES = ("/", "/approvals", "/approvals?state=rejected", "/runs", "/tasks", "/agents", "/agents/refund-desk", "/log",
    "/switches", "/figures", "/people", "/search?q=Zacharias", "/comparison")  # fmt: skip


class Talking(Till):
    """A shop that repeats what it should not, in an error or as it breaks off."""

    async def issue_refund(self, call: ToolCall, *, order_id: str, amount: float, why: str) -> dict[str, Any]:
        if amount == 11:
            raise ToolError(f"the bank does not know {SAID}")
        if amount == 12:
            raise ConnectionError(f"no answer about {SAID}")
        return await super().issue_refund(call, order_id=order_id, amount=amount, why=why)


@asynccontextmanager
async def open_talk(folder: Path) -> AsyncGenerator[Cell]:
    """Opens a desk where a customer's name is in inputs, answers, errors, doubts and people's reasons."""
    edit: dict[str, Callable[[str], str]] = {"people.yaml": everybody}
    edit[CONTRACT] = swap(("subjects:", "intent: message\nsubjects:"))
    swaps = tools(NO_RETRY, ("pia.platform@", "platform@"))
    async with open_fleet(REFUNDS, folder / "fleet", servers={"shop": Talking()}, edit={**edit, **swaps}) as cell:
        for amount in (11, 20, 41, 12):  # the last is in doubt and keeps its order locked
            await work(cell, f"Please refund {amount}, {SAID}")
        refused = await work(cell, f"Please refund 400, {SAID}", order="R-2")
        (asked,) = cell.parts.approvals.of_run(refused.id)
        lead = cell.verbs(person_actor(cell.parts.people.person(named("care-lead")), "console"))
        await lead.answer(asked.id, "reject", reason=f"not to {SAID}")
        await cell.operations.drive(refused.id)
        yield cell


def _places(cell: Cell) -> list[str]:
    """Returns every page of what happened."""
    runs = [run.run for run in cell.views(_auditor(cell)).runs.listing()]
    steps = [f"/runs/{run}/steps/{step.step}" for run in runs for step in cell.parts.journal.steps(run)]
    asked = [f"/approvals/{one.id}" for run in runs for one in cell.parts.approvals.of_run(run)]
    tasks = [f"/tasks/{cell.parts.journal.run(run).task}" for run in runs]
    log = [f"/log/{index}" for index in range(cell.log.size())]
    return [
        *(f"/runs/{run}" for run in runs),
        *steps,
        *asked,
        *tasks,
        *log,
        f"/comparison?left={runs[0]}&right={runs[1]}",
    ]


def said_in(place: str, text: str) -> list[str]:
    """Returns every place where a text says it; only such a text is worth a slow search."""
    return [f"{place}: {found}" for found in re.findall(rf".{{0,80}}{SAID}", text)] if SAID in text else []


def _auditor(cell: Cell) -> Any:
    return person_actor(cell.parts.people.person(named("auditor")), "console")


@pytest.mark.parametrize("role", ["viewer", "platform"])
async def test_no_page_shows_what_was_said_to_who_may_not_see_it(role: str, tmp_path: Path) -> None:
    async with open_talk(tmp_path) as cell, knock(cell, role) as browser:
        told: list[str] = []
        for place in (*PAGES, *_places(cell)):
            path, _, query = place.partition("?")
            twin = f"{'/index' if path == '/' else path}.json?{query}"
            for address in (twin,) if path.startswith("/log/") else (place, twin):
                answer = await browser.get(address)
                told += said_in(address, answer.text)
        assert told == []


@pytest.mark.parametrize("role", ["viewer", "platform"])
async def test_no_answer_of_the_api_says_it_either(role: str, tmp_path: Path) -> None:
    async with open_talk(tmp_path) as cell:
        person = person_actor(cell.parts.people.person(named(role)), "console")
        _, token = await cell.access.create_token(person, name="tests")
        transport = httpx2.ASGITransport(app=http_app(cell))
        shown = {"authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(transport=transport, base_url=f"{HERE}/api/v1", headers=shown) as client:
            told: list[str] = []
            lists = ("/tasks", "/runs", "/approvals", "/approvals/queue", "/overview", "/log/entries", "/agents")
            decisions = [f"/decisions/{e.ref}" for e in cell.log.since(0, ("decision",), limit=100)]
            for place in (*lists, *decisions, *(re.sub("^/log/", "/log/entries/", each) for each in _places(cell))):
                if place.startswith("/comparison"):
                    continue
                answer = await client.get(place)
                assert answer.status_code in (200, 403), (place, answer.text)
                told += said_in(place, answer.text)
            assert told == []


async def test_whoever_may_see_what_was_said_sees_it(tmp_path: Path) -> None:
    async with open_talk(tmp_path) as cell, knock(cell, "auditor") as browser:
        shown = [place for place in _places(cell) if SAID in (await browser.get(place)).text]
        assert {place.split("/")[1] for place in shown} >= {"runs", "approvals", "tasks"}
