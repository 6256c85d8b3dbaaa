"""The page of figures: an agent's beside people's, and why that proves nothing."""

from pathlib import Path

from tests.gateway.desk import Till
from tests.operations.views.test_baselines import named
from tests.runtime.workshop import work
from tests.web.pages.visit import OPAL, PEOPLE, house_of, more_people

from remit.operations import local_actor
from remit.testing import open_fleet


async def test_an_agent_stands_beside_people_on_its_page_and_among_figures(tmp_path: Path) -> None:
    source = named(tmp_path / "source", own=False)
    async with open_fleet(source, tmp_path / "fleet", servers={"shop": Till()}, edit={PEOPLE: more_people}) as cell:
        house = house_of(cell)
        await work(cell, "Please refund 20")
        async with house.visitor(OPAL) as opal:
            for path in ("/agents/refund-desk", "/figures?agent=refund-desk&period=90d"):
                page = await opal.get(path)
                for told in ("Beside people", "9.50 EUR", "2.3 d", "below −99 %", "the phone desk, by stop watch"):
                    assert told in page.text, path
                assert "No saving may be claimed: simulated models took part" in page.text
            assert "Beside people" in (await opal.get("/figures")).text
            told = (await opal.json("/figures.json?agent=refund-desk"))["sheet"]["baseline"]
            assert (told["name"], told["claimable"]) == ("phone", False)


async def test_what_customers_say_and_what_failed_tasks_cost_is_on_the_page(tmp_path: Path) -> None:
    source = named(tmp_path / "source", own=False)
    async with open_fleet(source, tmp_path / "fleet", servers={"shop": Till()}, edit={PEOPLE: more_people}) as cell:
        house = house_of(cell)
        task = (await work(cell, "Please refund 20")).task
        async with house.visitor(OPAL) as opal:
            assert "4.0 of 5" not in (await opal.get("/figures")).text
            await cell.verbs(local_actor("survey")).feedback(task, kind="satisfaction", score=4)
            page = await opal.get("/figures")
            for told in ("Satisfaction", "4.0 of 5", "Asked for a person", "Appeals", "Waste, share"):
                assert told in page.text
