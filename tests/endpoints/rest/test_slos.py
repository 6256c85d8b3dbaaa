"""Error budgets over the API: as people see them, and in the way of a promotion like everywhere."""

from pathlib import Path

from tests.endpoints.rest.counter import ROLES, open_counter
from tests.gateway.desk import CONTRACT, swap
from tests.runtime.workshop import work

SLO = {CONTRACT: swap(("evaluation:", "slo: {success: 90 %}\nevaluation:"))}
NEXT = {CONTRACT: swap(("version: 1.0.0", "version: 1.0.1"))}


async def test_programs_read_what_agents_promise_and_how_it_stands(tmp_path: Path) -> None:
    async with open_counter(tmp_path, edit=SLO) as counter:
        for _ in range(6):
            await work(counter.cell, "Please refund 41")
        one = (await counter.get("/slos/refund-desk")).json()
        assert (one["state"], one["objectives"][0]["target"], one["objectives"][0]["allowed"]) == (
            "exhausted",
            "90 %",
            0.6,
        )
        listed = (await counter.get("/slos?limit=5")).json()
        assert [row["agent"] for row in listed["rows"]] == ["refund-desk"]


async def test_an_agent_that_promises_nothing_is_not_found(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        answer = await counter.get("/slos/refund-desk")
        assert (answer.status_code, answer.json()["what"]) == (404, "The agent has no slo")
        assert (await counter.get("/slos/nobody")).json()["what"] == "No such agent"
        assert (await counter.get("/slos")).json()["rows"] == []


async def test_a_promotion_without_a_reason_is_a_conflict_while_the_budget_is_used_up(tmp_path: Path) -> None:
    async with open_counter(tmp_path, edit=SLO) as counter:
        for _ in range(6):
            await work(counter.cell, "Please refund 41")
    async with open_counter(tmp_path, edit=NEXT) as counter:
        path, platform = "/agents/refund-desk/versions/1.0.1/approval", ROLES["platform"]
        refused = await counter.send("POST", path, platform, json={})
        assert (refused.status_code, refused.json()["which"]) == (409, "refund-desk@1.0.1")
        assert refused.json()["why"] == "6 of 6 tasks of 28 days did not succeed; at 90 %, 0.6 may"
        approved = await counter.send("POST", path, platform, json={"because": "it mends what fails"})
        assert approved.status_code == 200
