"""The console asks what is wrong with what an agent proposed, and shows the cases that come of it."""

import re
from pathlib import Path

from tests.gateway.desk import CARA, Till, tools
from tests.web.pages.test_approvals import asked, at
from tests.web.pages.visit import VERA, open_house

from remit.approvals import OverrideCategory


async def test_a_no_names_what_is_wrong_and_becomes_a_case_on_the_agents_page(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(CARA) as cara, house.visitor(VERA) as vera:
        question = await asked(house)
        action, page = f"/approvals/{question.id}/reject", await at(cara, question)
        for category in ("", "odd"):
            typed = {"because": "not their order", "category": category}
            told = await cara.send_values(page, action, typed, status=422)
            assert "Say what is wrong with it" in told.text
            assert told.form(action).values["because"] == "not their order"
        assert house.cell.parts.approvals.get(question.id).state == "pending"
        done = await cara.send(page, action, because="not their order", category="wrong-subject")
        assert "cara.lead@shop.example reject wrong-subject" in done.text

        agent = await cara.get("/agents/refund-desk")
        for told in ("Cases from overrides", "wrong-subject 1", "must not be", "not their order", "amount 450"):
            assert told in agent.text, told
        run = await cara.get(f"/runs/{question.run}")
        assert "What people did not let stand" in run.text
        for seen in (await vera.get("/agents/refund-desk"), await vera.get(f"/runs/{question.run}")):
            assert "wrong-subject" in seen.text
            assert "not their order" not in seen.html
            assert re.search(r"\b450\b", seen.html) is None


async def test_an_edit_that_would_be_refused_is_told_at_its_form(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(CARA) as cara:
        question = await asked(house)
        action = f"/approvals/{question.id}/edit"
        typed = {"arg.amount": "3000", "because": "more", "category": "wrong-amount", "step": "look"}
        look = await cara.send_values(await at(cara, question), action, typed, status=200)
        assert "wrong-amount, more" in look.text
        told = await cara.send(look, action, step="send", status=403)
        assert "The edit would be refused" in told.text
        assert "amount &lt;= 500" in told.html or "amount <= 500" in told.text
        assert house.cell.parts.approvals.get(question.id).state == "pending"


async def test_several_are_rejected_with_one_category(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(CARA) as cara:
        questions = [await asked(house) for _ in range(2)]
        page = await cara.get("/approvals")
        picks = [f"{each.id}:{each.digest.partition(':')[2][:12]}" for each in questions]
        typed = {"pick": picks, "answer": "reject", "because": "no evidence", "category": ""}
        told = await cara.send_values(page, "/approvals/answers", typed, status=422)
        assert "Say what is wrong with it" in told.text
        await cara.send_values(page, "/approvals/answers", {**typed, "category": "unsupported"}, status=200)
        assert house.cell.parts.approvals.override_counts("refund-desk")[OverrideCategory.UNSUPPORTED] == 2


async def test_a_question_about_what_happened_has_no_category(tmp_path: Path) -> None:
    edit = tools(("    idempotent: true\n", ""))
    async with open_house(tmp_path, server=Till(failures=1), edit=edit) as house, house.visitor(CARA) as cara:
        run = await house.work("Please refund 20.00 of my order R-2.", order="R-2")
        question = house.cell.parts.approvals.of_run(run)[0]
        page = await at(cara, question)
        assert "What is wrong with it" not in page.text
        await cara.send(page, f"/approvals/{question.id}/reject", because="the bank says no")
        assert house.cell.parts.approvals.overrides() == []
