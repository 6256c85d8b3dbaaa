"""The overview says what needs a person first; search leads to the one thing that is meant."""

from pathlib import Path

import pytest
from tests.gateway.desk import CARA
from tests.runtime.workshop import work
from tests.web.pages.visit import OPAL, VERA, open_house


async def test_what_one_may_answer_comes_first_with_a_way_to_it(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await work(house.cell, "Please refund 400", order="R-2")
        (asked,) = house.cell.parts.approvals.listing(state="pending")
        async with house.visitor(CARA) as cara:
            page = await cara.get("/")
            assert "1 open 1 for you" in page.text
            assert "Answer" in page.text
            assert f"/approvals/{asked.id}" in page.links
        async with house.visitor(VERA) as vera:
            page = await vera.get("/")
            assert "for you" not in page.text
            assert f"/approvals/{asked.id}" in page.links


async def test_a_fleet_that_did_nothing_says_what_would_fill_the_page(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        page = await opal.get("/")
        for told in ("Nobody is asked anything", "remit run AGENT", "remit up"):
            assert told in page.text


async def test_figures_of_simulated_models_are_marked_wherever_they_stand(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        await work(house.cell, "Please refund 20")
        for path in ("/", "/figures", "/figures?agent=refund-desk&period=today"):
            page = await opal.get(path)
            assert "no saving may be claimed" in page.text
            assert page.text.count("simulated") >= 4
        told = await opal.json("/figures.json?period=30d")
        assert told["sheet"]["claimable"] is False
        assert len(told["days"]) == 30


@pytest.mark.parametrize("part", ["all of it", "the end of it"])
async def test_search_leads_to_whatever_has_an_id(part: str, tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        run = await work(house.cell, "Please refund 400", order="R-2")
        (asked,) = house.cell.parts.approvals.listing(state="pending")
        for identifier, path in ((run.id, "/runs/"), (run.task, "/tasks/"), (asked.id, "/approvals/")):
            wanted = identifier if part == "all of it" else identifier[-8:]
            answer = await opal.client.get("/search", params={"q": f" {wanted} "})
            assert answer.headers["location"] == f"{path}{identifier}"


async def test_search_knows_agents_entries_and_what_nobody_has(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        answer = await opal.client.get("/search?q=refund-desk")
        assert answer.headers["location"] == "/agents/refund-desk"
        assert (await opal.client.get("/search?q=%2312")).headers["location"] == "/log/12"
        assert "refund-desk" in (await opal.get("/search?q=fund-d")).text
        assert "Nothing is called so" in (await opal.get("/search?q=nobody")).text
        assert "Search by name or id" in (await opal.get("/search")).text
