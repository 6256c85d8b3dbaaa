"""Error budgets in the console: on the agent's page, among its figures, and first of all when a person is needed."""

from pathlib import Path

from tests.gateway.desk import CONTRACT, swap
from tests.web.pages.visit import PIA, VERA, open_house

SLO = {CONTRACT: swap(("evaluation:", "slo: {success: 90 %}\nevaluation:"))}
NEXT = {CONTRACT: swap(("version: 1.0.0", "version: 1.0.1"))}
TOLD = "6 of 6 tasks of 28 days did not succeed; at 90 %, 0.6 may"


async def test_an_agents_page_says_what_it_promises_and_how_that_stands(tmp_path: Path) -> None:
    async with open_house(tmp_path, edit=SLO) as house, house.visitor(VERA) as vera:
        page = await vera.get("/agents/refund-desk")
        for told in ("Error budget", "too few to say", "90 % of tasks succeed, over 28 days", "no task ended"):
            assert told in page.text
        assert "is approved without a reason" not in page.text
        for _ in range(6):
            await house.work("Please refund 41")
        for path in ("/agents/refund-desk", "/figures?agent=refund-desk"):
            page = await vera.get(path)
            for told in ("exhausted", "1000%", TOLD, "is approved without a reason", "3 d"):
                assert told in page.text, path
        slo = (await vera.json("/agents/refund-desk.json"))["slo"]
        assert (slo["state"], slo["objectives"][0]["bad"]) == ("exhausted", 6)
        assert (await vera.json("/figures.json?agent=refund-desk"))["slo"]["state"] == "exhausted"


async def test_an_agent_that_promises_nothing_has_no_section_for_it(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(VERA) as vera:
        assert "Error budget" not in (await vera.get("/agents/refund-desk")).text
        assert (await vera.json("/agents/refund-desk.json"))["slo"] is None
        assert "Error budgets" not in (await vera.get("/")).text


async def test_the_overview_names_an_exhausted_budget_where_it_says_who_is_needed(tmp_path: Path) -> None:
    async with open_house(tmp_path, edit=SLO) as house, house.visitor(VERA) as vera:
        assert "Error budgets" not in (await vera.get("/")).text
        for _ in range(6):
            await house.work("Please refund 41")
        page = await vera.get("/")
        assert page.text.index("Needs a person") < page.text.index("Error budgets") < page.text.index("Now")
        assert TOLD in page.text
        assert "/agents/refund-desk#slo" in page.links
        assert (await vera.json("/index.json"))["budgets"][0]["agent"] == "refund-desk"


async def test_a_version_is_approved_with_a_reason_while_the_budget_is_used_up(tmp_path: Path) -> None:
    async with open_house(tmp_path, edit=SLO) as house:
        for _ in range(6):
            await house.work("Please refund 41")
    async with open_house(tmp_path, edit=NEXT) as house, house.visitor(PIA) as pia:
        page = await pia.get("/agents/refund-desk")
        assert "say why it is approved all the same" in page.text
        refused = await pia.send(page, "/agents/refund-desk/approve", status=409, version="1.0.1", because="")
        assert "error budget is used up" in refused.text
        assert house.cell.parts.registry.current("refund-desk").version == "1.0.0"
        await pia.send(page, "/agents/refund-desk/approve", version="1.0.1", because="it mends what fails")
        assert house.cell.parts.registry.current("refund-desk").version == "1.0.1"
