"""The pages of tasks."""

from pathlib import Path

from tests.gateway.desk import ANN, CARA
from tests.operations.demos import ORDER, Forgetful, open_demo
from tests.runtime.workshop import work
from tests.web.pages.test_approvals import asked
from tests.web.pages.visit import OPAL, VERA, house_of, open_house

from remit.approvals import OverrideCategory
from remit.operations import local_actor, person_actor


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


async def test_a_task_tells_who_was_asked_what_and_what_they_made_of_it(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OPAL) as opal, house.visitor(CARA) as cara:
        question = await asked(house)
        waiting = await opal.get(f"/tasks/{question.task}")
        assert "shop__issue_refund : care-lead" in waiting.text.partition("Waits for")[2]
        assert f"/approvals/{question.id}" in waiting.links

        arguments = {"order_id": "R-2", "amount": 440, "why": "the customer asks"}
        why = OverrideCategory.WRONG_AMOUNT
        verbs = house.cell.verbs(person_actor(house.cell.parts.people.person(CARA), "console"))
        await verbs.answer(question.id, "edit", arguments=arguments, reason="ten were paid before", category=why)
        await house.drive(question.run)
        page = await opal.get(f"/tasks/{question.task}")
        assert "Waits for" not in page.text
        for told in ("What happened", CARA, "changed it and approved wrong-amount : ten were paid before", "450 440"):
            assert told in page.text, told
        assert "carried out" in page.text
        assert "amount 450 EUR" in page.text
        (row,) = (await cara.json(f"/tasks/{question.task}.json"))["task"]["history"]
        assert (row["kind"], row["asked"]["amount"], row["decided"]["amount"]) == ("question", 450, 440)
        async with house.visitor(VERA) as vera:
            hidden = await vera.get(f"/tasks/{question.task}")
            assert "changed it and approved wrong-amount" in hidden.text
            for secret in ("ten were paid", " 450", " 440"):
                assert secret not in hidden.text


async def test_a_task_tells_what_was_refused_and_what_was_refuted_once_each(tmp_path: Path) -> None:
    async with open_demo(tmp_path, 20, 45) as cell:
        house = house_of(cell)
        refused = await work(cell, ORDER, order="R-4")  # is not delivered: no rule permits it
        refuted = await work(cell, "please refund 45")
        async with house.visitor(OPAL) as opal, house.visitor(VERA) as vera:
            page = await opal.get(f"/tasks/{refused.task}")
            assert "asked for shop__issue_refund" in page.text
            assert "refused authority" in page.text
            page = await opal.get(f"/tasks/{refuted.task}")
            assert "refuted guardrails" in page.text
            assert "The source said: 45 is more than the 40.0 left of the payment" in page.text
            assert f"/runs/{refuted.id}?step=3#step-3" in page.links
            hidden = await vera.get(f"/tasks/{refuted.task}")
            assert "refuted guardrails" in hidden.text
            assert "left of the payment" not in hidden.html
            await cell.operations.fork(refuted.id, 4, by=OPAL)
            assert len((await opal.json(f"/tasks/{refuted.task}.json"))["task"]["history"]) == 1


async def test_a_result_that_failed_its_gate_is_told_as_refuted(tmp_path: Path) -> None:
    async with open_demo(tmp_path, 20, server=Forgetful()) as cell, house_of(cell).visitor(OPAL) as opal:
        run = await work(cell, "please refund 20")
        rows = (await opal.json(f"/tasks/{run.task}.json"))["task"]["history"]
        (row,) = [one for one in rows if one["kind"] == "refuted"]
        assert (row["ended"], "the refund is not in the ledger" in row["words"]) == ("after", True)


async def test_the_list_says_what_a_task_is_about_to_who_may_see_content(tmp_path: Path) -> None:
    def titled(text: str) -> str:
        return text.replace('"properties": {', '"properties": {"subject": {"type": "string"}, ', 1)

    edit = {"schemas/ticket.json": titled}
    async with open_house(tmp_path, edit=edit) as house, house.visitor(OPAL) as opal, house.visitor(VERA) as vera:
        value = {"order_id": "R-1", "message": "please", "subject": "A broken\n<b>lamp</b>"}
        await house.cell.operations.submit("refund-desk", value, on_behalf_of=ANN)
        assert "A broken <b>lamp</b>" in (await opal.get("/tasks")).text
        assert "lamp" not in (await vera.get("/tasks")).html
        assert (await vera.json("/tasks.json"))["rows"][0]["about"] == ""
