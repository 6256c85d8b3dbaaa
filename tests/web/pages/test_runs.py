"""The pages of runs: the listing, the trajectory, what people do to a run."""

from pathlib import Path

import pytest
from tests.gateway.desk import ANN, CARA, Desk, begin, contract
from tests.runtime import relay
from tests.runtime.relay import open_relay, take
from tests.runtime.test_handoffs import PAIR, finish, hand_over
from tests.web.pages.visit import BIGGEST, OPAL, PIA, VERA, House, Page, Visitor, house_of, open_house

SMALL, LARGE = "Please refund 20.00 of my order R-1.", "Please refund 450.00 of my order R-2."


async def waiting(house: House) -> str:
    """Returns a run that waits for an answer."""
    return await house.work(LARGE, order="R-2")


async def shown(visitor: Visitor, run: str) -> Page:
    """Returns a run's page."""
    return await visitor.get(f"/runs/{run}")


async def test_runs_are_listed_with_counts_that_filter(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(VERA) as vera:
        assert "No runs yet" in (await vera.get("/runs")).text
        done, asked = await house.work(SMALL), await waiting(house)

        page = await vera.get("/runs")
        assert {f"/runs/{done}", f"/runs/{asked}", "/runs?state=waiting", "/runs?agent=refund-desk"} <= set(page.links)
        for told in ("refund-desk@1.0.0", ANN, "0.0102 EUR", "sim", "success", "waits for approval"):
            assert told in page.text
        filtered = await vera.get("/runs?state=waiting")
        assert f"/runs/{asked}" in filtered.links
        assert f"/runs/{done}" not in filtered.links
        assert "No run fits" in (await vera.get("/runs?state=failed")).text


async def test_a_run_is_shown_as_a_trajectory(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        run = await house.work(SMALL)
        page = await shown(opal, run)

        for told in ("shop__get_order", "shop__issue_refund", "permit", "autonomous", "small and reversible", "0.01 EUR",
                     "1 attempt", SMALL, "We have refunded 20"):  # fmt: skip
            assert told in page.text, told
        assert page.html.count('class="bar ') == len((await opal.json(f"/runs/{run}.json"))["steps"])
        assert f'hx-get="/-/runs/{run}/steps/3"' in page.html
        assert f"topics=run%3A{run}" in page.html


async def test_a_step_opens_to_all_that_belongs_to_it(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        run = await house.work(SMALL)
        alone = (await opal.client.get(f"/-/runs/{run}/steps/3")).text
        assert "<html" not in alone
        for page in (await opal.get(f"/runs/{run}?step=3"), await opal.get(f"/runs/{run}/steps/3")):
            for told in ("the customer asks for it", "delivered", "agents/refund-desk.agent.md:22", "0.9", "and its proof",
                         "at most 60 calls in 60 s", "refund_id"):  # fmt: skip
                assert told in page.text, told
        assert "No such" in (await opal.get("/runs/run_nothing", status=404)).text
        assert "no such step" in (await opal.get(f"/runs/{run}/steps/99", status=404)).text


async def test_a_viewer_sees_that_it_was_done_and_not_what_was_said(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(VERA) as vera:
        run = await house.work(SMALL)
        pages = [await vera.get(f"/runs/{run}?step=3"), await vera.get(f"/runs/{run}/steps/3")]

        for page in pages:
            assert "not shown to your role" in page.text.lower()
            assert "the customer asks" not in page.html
            assert "Please refund" not in page.html
            assert "permit" in page.text
        for verb in ("cancel", "pause", "resume", "retry", "fork"):
            assert not pages[0].has_form(f"/runs/{run}/{verb}")


async def test_a_run_that_waits_says_for_whom_and_who_can_do_something(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(CARA) as cara:
        run = await waiting(house)
        page = await shown(cara, run)
        question = house.cell.parts.approvals.of_run(run)[0].id

        assert f"/approvals/{question}" in page.links
        assert "care-lead, or 2 × treasurer may answer" in page.text
        assert "you may" in page.text
        assert "if nobody answers, it goes on by itself" in page.text


async def test_a_run_is_cancelled_with_a_reason(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        run = await waiting(house)
        page = await shown(opal, run)
        told = await opal.send(page, f"/runs/{run}/cancel", because="  ", status=422)
        assert "takes a reason" in told.text
        page = await opal.send(told, f"/runs/{run}/cancel", because="a mistake")

        assert "The run is cancelled." in page.text
        assert "a mistake" in page.text
        assert not page.has_form(f"/runs/{run}/cancel")
        late = await opal.send(told, f"/runs/{run}/cancel", because="once more", status=409)
        assert "could not be done" in late.text


async def test_a_run_is_paused_and_goes_on(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        run = await waiting(house)
        page = await opal.send(await shown(opal, run), f"/runs/{run}/pause", because="let me look")
        assert "let me look" in page.text
        assert not page.has_form(f"/runs/{run}/pause")

        page = await opal.send(page, f"/runs/{run}/resume", because="it is fine")
        assert "The run goes on." in page.text
        assert page.has_form(f"/runs/{run}/pause")


async def test_a_cancelled_run_is_tried_again(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        run = await waiting(house)
        await house.cell.operations.cancel(run, because="a mistake", by=OPAL)
        page = await opal.send(await shown(opal, run), f"/runs/{run}/retry", because="it was none")

        assert "Tried again" in page.text
        assert f"/runs/{run}" in page.links
        assert "Forked from" in page.text


async def test_a_run_is_forked_at_a_step_and_compared(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        run = await waiting(house)
        page = await shown(opal, run)
        action = f"/runs/{run}/fork"
        told = await opal.send(page, action, step="many", because="to see", status=422)
        assert "is no number" in told.text
        assert told.form(action).values["step"] == "many"
        assert told.form(action).values["because"] == "to see"

        page = await opal.send(told, action, step="3", because="to see")
        assert "without effects" in page.text
        fork = next(child.id for child in house.cell.parts.journal.children(run))
        await house.drive(fork)
        assert f"/comparison?left={run}&right={fork}" in page.links

        told = await opal.send(await shown(opal, run), action, step="3", effects="yes", because="it must", status=409)
        assert "Two runs would act for one task" in told.text
        assert 'name="effects" value="yes" checked' in told.html


async def test_who_may_not_is_refused_whatever_they_send(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(PIA) as pia, house.visitor(VERA) as vera:
        run = await waiting(house)
        page = await shown(vera, run)
        token = {"csrf": page.form("/logout").values["csrf"]}
        for verb in ("cancel", "pause", "resume", "retry", "fork"):
            response = await vera.client.post(f"/runs/{run}/{verb}", data={**token, "because": "x", "step": "1"})
            assert response.status_code == 403
            assert "may not do this" in response.text
        assert (await pia.client.post(f"/runs/{run}/cancel", data={"because": "x"})).status_code == 403, "no token"
        assert house.cell.parts.journal.run(run).state == "waiting"


async def test_what_was_refused_without_a_step_is_listed(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        desk = await at_desk(house)
        await desk.cell.operations.stop("tool:shop__get_order", because="it went wild", by=OPAL)
        await desk.look()
        page = await shown(opal, desk.run.id)

        assert "it went wild" in page.text
        assert "deny" in page.text


async def at_desk(house: House) -> Desk:
    """Begins an attempt by hand."""
    value = {"order_id": "R-1", "message": "please"}
    started = await house.cell.operations.submit("refund-desk", value, on_behalf_of=ANN)
    return Desk(house.cell, await begin(house.cell, started.run), None)


async def test_work_that_was_handed_over_leads_to_the_run_that_took_it(tmp_path: Path) -> None:
    async with open_relay(tmp_path, PAIR, giver=hand_over, taker=finish) as (cell, _):
        run = await take(cell)
        child = cell.parts.journal.child(run.id, 2)
        assert child
        async with house_of(cell).visitor(relay.OLGA) as olga:
            page = await shown(olga, run.id)
            assert f"/runs/{child.id}" in page.links
            assert "handed to" in page.text
            assert "handed over at step 2" in page.text
            page = await shown(olga, child.id)
            assert "Handed over by" in page.text
            assert f"/runs/{run.id}" in page.links


@pytest.mark.parametrize("who", [OPAL, VERA])
async def test_a_run_of_a_hundred_steps_fits_into_a_page(tmp_path: Path, who: str) -> None:
    edit = contract(("steps: 20", "steps: 200"))
    async with open_house(tmp_path, edit=edit) as house, house.visitor(who) as visitor:
        desk = await at_desk(house)
        for number in range(100):
            await desk.look(f"R-{number}")
        page = await shown(visitor, desk.run.id)

        assert page.html.count('class="step is-') == 100
        assert len(page.html.encode()) <= BIGGEST


async def test_a_longer_run_is_shown_a_hundred_steps_at_a_time(tmp_path: Path) -> None:
    edit = contract(("steps: 20", "steps: 200"))
    async with open_house(tmp_path, edit=edit) as house, house.visitor(OPAL) as opal:
        desk = await at_desk(house)
        for number in range(120):
            await desk.look(f"R-{number}")
        for at, steps in (("", range(1, 101)), ("?from=101", range(101, 121)), ("?step=110", range(101, 121))):
            page = await opal.get(f"/runs/{desk.run.id}{at}")
            assert [number for number in range(1, 121) if f'id="step-{number}"' in page.html] == list(steps)
            assert f"steps {steps[0]} to {steps[-1]} of 120" in page.text
            assert len(page.html.encode()) <= BIGGEST
        assert len((await opal.json(f"/runs/{desk.run.id}.json"))["steps"]) == 120
        assert "steps 1 to 100 of 120" in (await opal.get(f"/runs/{desk.run.id}?from=x")).text
        beside = await opal.get(f"/comparison?left={desk.run.id}&right={desk.run.id}&from=101")
        assert "steps 101 to 120 of 120" in beside.text
        assert len(beside.html.encode()) <= BIGGEST


async def test_fifty_runs_fit_into_a_page_and_the_rest_follows(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        for _ in range(52):
            value = {"order_id": "R-1", "message": "please"}
            await house.cell.operations.submit("refund-desk", value, on_behalf_of=ANN)
        page = await opal.get("/runs")
        assert page.html.count("<tr data-row") == 50
        following = next(link for link in page.links if "after=" in link)
        assert (await opal.get(following)).html.count("<tr data-row") == 2
        for path in ("/tasks", "/agents/refund-desk"):
            await opal.get(path)
