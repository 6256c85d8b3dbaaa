"""The tour of a demo: where a visitor comes in, what each station leads to, and what may be broken from it."""

from pathlib import Path

from tests.gateway.desk import CARA
from tests.operations.demos import OPAL, ORDER, VERA, Drill, open_demo
from tests.runtime.workshop import work
from tests.web.pages.visit import house_of, open_house


async def test_the_link_of_a_demo_leads_to_the_tour_and_the_bar_to_it_from_everywhere(tmp_path: Path) -> None:
    async with open_demo(tmp_path) as cell, house_of(cell).visitor(OPAL) as opal:
        link = await cell.access.issue_link(VERA, by="tests")
        answer = await opal.client.post(f"/login/{link}")
        assert answer.headers["location"] == "/tour"
        assert "/tour" in (await opal.get("/")).links


async def test_a_cell_that_is_no_demo_has_no_tour(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        await opal.get("/tour", status=404)
        assert "/tour" not in (await opal.get("/")).links


async def test_before_anything_has_happened_each_station_says_so(tmp_path: Path) -> None:
    async with open_demo(tmp_path) as cell, house_of(cell).visitor(OPAL) as opal:
        page = await opal.get("/tour")
        for told in (
            "0 of 6 have happened",
            "Nobody is asked anything right now",
            "No action was refused by policy yet",
            "No gate has refuted anything yet",
            "No agent has worked yet",
            "kill -9 PID",
            "not verified yet",
        ):
            assert told in page.text
        assert not page.has_form("/tour/kill")


async def test_each_station_leads_to_what_is_there_now_and_ticks(tmp_path: Path) -> None:
    async with open_demo(tmp_path, 20, 45, 400) as cell, house_of(cell).visitor(OPAL) as opal:
        blocked = await work(cell, ORDER, order="R-4")
        refuted = await work(cell, "please refund 45")
        await work(cell, "please refund 400", order="R-2")
        (asked,) = cell.parts.approvals.listing(state="pending")
        page = await opal.get("/tour")
        assert "2 of 6 have happened" in page.text
        for wanted in (
            f"/approvals/{asked.id}",
            f"/runs/{blocked.id}?step=3#step-3",
            f"/tasks/{refuted.task}",
            "/switches?scope=agent%3Arefund-desk",
        ):
            assert wanted in page.links
        assert ORDER in page.text
        assert "45 is more than the 40.0 left of the payment" in page.text
        assert "a text of the same task was recognised" in page.text
        told = await opal.json("/tour.json")
        assert told["tour"]["claim"]["latest"]["run"] == refuted.id


async def test_what_is_stopped_is_let_go_on_from_a_form_one_click_away(tmp_path: Path) -> None:
    async with open_demo(tmp_path) as cell, house_of(cell).visitor(OPAL) as opal:
        await cell.operations.stop("agent:refund-desk", because="to see it", by=OPAL)
        address = "/switches?resume=agent%3Arefund-desk"
        assert address in (await opal.get("/tour")).links
        assert (await opal.get(address)).form("/switches/resume").values["scope"] == "agent:refund-desk"


async def test_whoever_may_not_see_content_reads_neither_text_nor_claim(tmp_path: Path) -> None:
    async with open_demo(tmp_path, 20, 45) as cell, house_of(cell).visitor(VERA) as vera:
        await work(cell, ORDER, order="R-4")
        await work(cell, "please refund 45")
        page = await vera.get("/tour")
        assert "not shown to your role" in page.text
        assert "Ignore all" not in page.text
        assert "left of the payment" not in page.text
        assert "they ask for it" not in page.text


async def test_the_one_who_answered_sees_their_tick_and_others_do_not(tmp_path: Path) -> None:
    async with open_demo(tmp_path, 400) as cell, house_of(cell).visitor(CARA) as cara:
        await work(cell, "please refund 400", order="R-2")
        (asked,) = cell.parts.approvals.listing(state="pending")
        assert "Answer it" in (await cara.get("/tour")).text
        await cara.send(await cara.get(f"/approvals/{asked.id}"), f"/approvals/{asked.id}/approve", because="fine")
        assert "you answered" in (await cara.get("/tour")).text
        async with house_of(cell).visitor(VERA) as vera:
            assert "not answered by you yet" in (await vera.get("/tour")).text


async def test_the_worker_is_killed_and_the_outside_broken_by_operators_alone(tmp_path: Path) -> None:
    drill = Drill()
    async with open_demo(tmp_path) as cell:
        house = house_of(cell, drill)
        async with house.visitor(OPAL) as opal, house.visitor(VERA) as vera:
            page = await opal.send(await opal.get("/tour"), "/tour/kill")
            assert "The worker was killed." in page.text
            assert "Killed from here" in page.text
            page = await opal.send(page, "/tour/fault")
            assert "The shop is slow for five seconds." in page.text
            assert drill.caused == ["kill", "slow"]
            page = await opal.send(page, "/tour/fault", fault="fire", status=422)
            assert "No such fault" in page.text

            page = await vera.get("/tour")
            assert "It takes cell:faults:cause" in page.text
            token = page.html.partition('name="csrf" value="')[2].partition('"')[0]
            for path in ("/tour/kill", "/tour/fault"):
                answer = await vera.client.post(path, data={"csrf": token, "fault": "slow"})
                assert answer.status_code == 403
                assert (await vera.client.post(path, data={"fault": "slow"})).status_code == 403
            assert drill.caused == ["kill", "slow"]
            assert {row["kind"] for row in (await opal.json("/log.json?kind=practice"))["rows"]} == {"practice"}


async def test_without_practice_nothing_can_be_broken(tmp_path: Path) -> None:
    async with open_demo(tmp_path) as cell, house_of(cell).visitor(OPAL) as opal:
        page = await opal.get("/tour")
        token = page.form("/log/verification").values["csrf"]
        answer = await opal.client.post("/tour/kill", data={"csrf": token})
        assert answer.status_code == 404
        assert "Start `remit demo`" in answer.text or "remit demo" in answer.text


async def test_a_question_that_somebody_opens_who_may_answer_is_left_to_them_and_says_so(tmp_path: Path) -> None:
    drill = Drill()
    async with open_demo(tmp_path, 400) as cell:
        house = house_of(cell, drill)
        await work(cell, "please refund 400", order="R-2")
        (asked,) = cell.parts.approvals.listing(state="pending")
        async with house.visitor(VERA) as vera, house.visitor(CARA) as cara:
            assert "simulated colleague" not in (await vera.get(f"/approvals/{asked.id}")).text
            assert not drill.looked_at
            page = await cara.get(f"/approvals/{asked.id}")
            assert drill.looked_at == [asked.id]
            assert "it is left to you for some minutes, then a simulated colleague says yes" in page.text
