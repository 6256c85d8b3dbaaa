"""The pages of tasks."""

from pathlib import Path

from tests.gateway.desk import ANN
from tests.web.pages.visit import OPAL, VERA, open_house

from remit.operations import local_actor


async def test_tasks_are_listed_with_counts_that_filter(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(VERA) as vera:
        assert "No tasks yet" in (await vera.get("/tasks")).text
        await house.work("Please refund 20.00 of my order R-1.")
        await house.work("Please refund 450.00 of my order R-2.", order="R-2")

        page = await vera.get("/tasks")
        for told in ("a refund", ANN, "success", "sim"):
            assert told in page.text
        assert "/tasks?state=done" in page.links
        assert len((await vera.json("/tasks.json?state=done"))["rows"]) == 1
        assert "No task fits" in (await vera.get("/tasks?state=failed")).text
        assert "Of refund-desk only" in (await vera.get("/tasks?agent=refund-desk")).text


async def test_a_task_shows_its_runs_its_subjects_and_its_input(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal:
        run = await house.work("Please refund 20.00 of my order R-1.")
        fork = await house.cell.operations.fork(run, 3, by=OPAL)
        task = house.cell.parts.journal.run(run).task

        page = await opal.get(f"/tasks/{task}")
        for told in ("Please refund 20.00", "order", "R-1", "success", "look", "Compare"):
            assert told in page.text
        assert {f"/runs/{run}", f"/runs/{fork.id}"} <= set(page.links)
        assert (await opal.json(f"/tasks/{task}.json"))["task"]["outcome"] == "success"


async def test_a_task_shows_what_was_done_for_it_once_and_what_came_of_it(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal, house.visitor(VERA) as vera:
        run = await house.work("Please refund 20.00 of my order R-1.")
        await house.cell.operations.fork(run, 4, by=OPAL, effects=True, because="to see that nothing is told twice")
        task = house.cell.parts.journal.run(run).task
        shown = (await opal.json(f"/tasks/{task}.json"))["task"]
        assert [(one["what"], one["run"], one["arguments"]["amount"]) for one in shown["done"]] == [
            ("shop__issue_refund", run, 20)
        ]
        assert "We have refunded 20" in shown["output"]["text"]
        page = await opal.get(f"/tasks/{task}")
        assert "We have refunded 20" in page.text.partition("What came of it simulated")[2]
        assert f"/runs/{run}?step=3#step-3" in page.links
        assert "With what is not shown to your role" in (await vera.get(f"/tasks/{task}")).text


async def test_a_viewer_sees_no_content_of_a_task(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(VERA) as vera:
        run = await house.work("Please refund 20.00 of my order R-1.")
        task = house.cell.parts.journal.run(run).task

        page = await vera.get(f"/tasks/{task}")
        assert "not shown to your role" in page.text
        assert "Please refund" not in page.html
        assert "Please refund" not in str(await vera.json(f"/tasks/{task}.json"))


async def test_a_task_shows_what_those_served_said_and_their_words_to_who_may_see_content(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal, house.visitor(VERA) as vera:
        task = house.cell.parts.journal.run(await house.work("Please refund 20.00 of my order R-1.")).task
        verbs = house.cell.verbs(local_actor("survey"))
        await verbs.feedback(task, kind="satisfaction", score=2)
        await verbs.feedback(task, kind="appeal", words="<b>Not</b> what I ordered")
        await verbs.feedback(task, kind="person")
        page = await opal.get(f"/tasks/{task}")
        for told in ("satisfaction 2 of 5", "an appeal", "<b>Not</b> what I ordered", "asked for a person", "survey"):
            assert told in page.text
        hidden = await vera.get(f"/tasks/{task}")
        assert "satisfaction 2 of 5" in hidden.text
        assert "what I ordered" not in hidden.html
