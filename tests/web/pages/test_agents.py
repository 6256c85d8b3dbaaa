"""The pages of agents: the registry, the contract, versions, and giving a task."""

from pathlib import Path

from tests.gateway.desk import CARA, CONTRACT, contract, swap
from tests.web.pages.visit import OPAL, PIA, VERA, open_house

GIVE = "/agents/refund-desk/tasks#give"


async def test_the_registry_shows_each_agent_with_where_it_stands(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(VERA) as vera:
        await house.work("Please refund 20.00 of my order R-1.")
        page = await vera.get("/agents")

        for told in ("refund-desk", "1.0.0", "approved", "olga.owner@shop.example", "customer-care", "live"):
            assert told in page.text
        assert "/runs?agent=refund-desk&state=done" in page.links
        assert "/agents?unit=customer-care" in page.links
        assert (await vera.json("/agents.json"))["rows"][0]["agent"] == "refund-desk"


async def test_a_search_that_finds_nothing_says_so_and_leads_back(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(VERA) as vera:
        page = await vera.get("/agents?search=nobody")

        assert "No agent fits" in page.text
        assert "/agents" in page.links
        assert "refund-desk" in (await vera.get("/agents?search=olga")).text


async def test_an_agents_page_renders_what_was_promised(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(VERA) as vera:
        page = await vera.get("/agents/refund-desk")

        for told in (
            "Resolve refund requests for delivered orders.",
            "facts.delivered and amount <= 500",
            "2 × treasurer",
            "human-led",
            "agents/refund-desk.agent.md:22",
            "event ticket.created when category == 'refund'",
            "text, 1 character or more, up to 5000 characters",
            "personal: customer",
            "at most once per order.",
            "the order was refunded already",
            "cases/refund-desk.yaml#already-refunded",
            "cost per run",
            "0.40 EUR",
            "Success rate",
        ):
            assert told in page.text, told
        assert "<h1>Refund desk</h1>" in page.html  # the instructions, as Markdown
        assert not page.has_form(GIVE)


async def test_an_agent_nobody_knows_is_told_as_such(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(VERA) as vera:
        assert "No such agent" in (await vera.get("/agents/nobody", status=404)).text


async def test_a_switch_that_stops_it_stands_on_top(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        await house.cell.operations.stop("agent:refund-desk", because="it went wild", by=OPAL)
        page = await opal.get("/agents/refund-desk")

        assert "it went wild" in page.text
        assert "/switches?scope=agent%3Arefund-desk" in page.links
        assert "/switches?scope=version%3Arefund-desk%401.0.0" in page.links


async def test_a_task_given_by_form_becomes_a_run(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        page = await opal.get("/agents/refund-desk")
        typed = {"arg.order_id": "R-1", "arg.message": "Please refund 20.00", "intent": "a refund"}
        run = await opal.send_values(page, GIVE, typed)

        assert "Please refund 20.00" in run.text
        assert "refund-desk has the task." in run.text
        again = await opal.send_values(page, GIVE, typed)
        assert (await opal.json("/runs.json"))["counts"]["agent"] == {"refund-desk": 1}, "one form gives one task"
        assert "Please refund 20.00" in again.text
        other = await opal.send_values(page, GIVE, {**typed, "arg.message": "Please refund 30.00"})
        assert "Please refund 30.00" in other.text, "another task, although the form is the same"


async def test_a_task_given_by_form_is_as_urgent_as_it_says(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        page = await opal.get("/agents/refund-desk")
        assert page.form(GIVE).values["priority"] == "5", "what the contract says"
        typed = {"arg.order_id": "R-1", "arg.message": "Please refund 20.00"}
        usual = await opal.send_values(page, GIVE, typed)
        assert "Priority 5 of 9" in usual.text
        assert "priority" not in (await opal.get("/runs")).text
        urgent = await opal.send_values(page, GIVE, {**typed, "arg.message": "Now", "priority": "8"})
        assert "Priority 8 of 9" in urgent.text
        assert "priority 8" in (await opal.get("/runs")).text
        assert [row["priority"] for row in (await opal.json("/runs.json"))["rows"]] == [8, 5]
        told = await opal.send_values(page, GIVE, {**typed, "arg.message": "More", "priority": "12"}, status=422)
        assert "No such priority" in told.text
        assert told.form(GIVE).values["priority"] == "12"
        told = await opal.send_values(page, GIVE, {**typed, "arg.message": "More", "priority": "high"}, status=422)
        assert "The priority is no number" in told.text


async def test_what_does_not_fit_is_said_at_the_field_and_nothing_is_lost(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        page = await opal.get("/agents/refund-desk")
        typed = {"arg.order_id": "", "arg.message": "my <b>words</b>", "arg.category": '"question"', "intent": "to ask"}
        told = await opal.send_values(page, GIVE, typed, status=422)

        assert "this is needed" in told.text
        kept = told.form(GIVE).values
        assert kept["arg.message"] == "my <b>words</b>"
        assert kept["arg.category"] == '"question"'
        assert kept["intent"] == "to ask"
        assert kept["key"] == page.form(GIVE).values["key"]
        assert (await opal.json("/runs.json"))["rows"] == []


async def test_what_the_verb_refuses_is_told_in_place(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        page = await opal.get("/agents/refund-desk")
        await house.cell.operations.stop("agent:refund-desk", because="it went wild", by=OPAL)
        typed = {"arg.order_id": "R-1", "arg.message": "hello"}
        told = await opal.send_values(page, GIVE, typed, status=403)

        assert "it went wild" in told.text
        assert told.form(GIVE).values["arg.message"] == "hello"


async def test_versions_are_approved_and_retired_by_who_may(tmp_path: Path) -> None:
    edit = contract(("version: 1.0.0", "version: 1.1.0"), ('amount <= 50"', 'amount <= 90"'))
    async with open_house(tmp_path):
        pass
    async with open_house(tmp_path, edit=edit, by_person=True) as house:
        async with house.visitor(CARA) as cara:
            page = await cara.get("/agents/refund-desk")
            assert not page.has_form("/agents/refund-desk/approve")
            assert not page.has_form("/agents/refund-desk/retire")
        async with house.visitor(PIA) as pia:
            page = await pia.get("/agents/refund-desk")
            assert "pending" in page.html
            page = await pia.send(page, "/agents/refund-desk/approve", version="1.1.0")
            assert "takes the agent's work from now on" in page.text
            assert "widens" in page.text
            assert page.text.index("widens") < page.text.index("Newest runs")

            retire = "/agents/refund-desk/retire"
            told = await pia.send(page, retire, version="1.0.0", because=" ", status=422)
            assert "takes a reason" in told.text
            page = await pia.send(page, retire, version="1.0.0", because="1.1.0 is better")
            assert "is retired" in page.text


async def test_a_version_that_is_not_loaded_from_a_contract_still_has_a_page(tmp_path: Path) -> None:
    async with open_house(tmp_path):
        pass
    (tmp_path / "fleet" / CONTRACT).rename(tmp_path / "fleet" / "agents" / "other-desk.agent.md")
    edit = {"agents/other-desk.agent.md": swap(("agent: refund-desk", "agent: other-desk"))}
    async with open_house(tmp_path, edit=edit) as house, house.visitor(VERA) as vera:
        assert "refund-desk" in (await vera.get("/agents/refund-desk")).text
