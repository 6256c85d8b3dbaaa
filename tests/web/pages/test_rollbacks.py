"""A run's page shows what a rollback would undo before anybody begins one, and afterwards what became of it."""

from pathlib import Path
from typing import Any

import pytest
from tests.runtime.books import ASKED, HANA, OTTO, answered, books_contract, open_books, pay_once, pay_reserve_mail
from tests.runtime.relay import CARA, take
from tests.web.pages.visit import house_of

from remit.core import ConflictError
from remit.runtime import RunHandle


async def test_the_plan_is_shown_first_and_the_receipt_leads_to_the_rollback(tmp_path: Path) -> None:
    async with open_books(tmp_path, giver=pay_reserve_mail) as (cell, books):
        run, house = await take(cell), house_of(cell)
        action = f"/runs/{run.id}/rollback"
        async with house.visitor(CARA) as cara, house.visitor(OTTO) as otto:
            assert not (await cara.get(f"/runs/{run.id}")).has_form(action), "her role does not have it"
            page = await otto.get(f"/runs/{run.id}")
            planned = page.text[page.text.index("It would undo") : page.text.index("listed.")]
            assert planned.index("desk__pay by desk__unpay") < planned.index("desk__reserve by desk__release")
            assert "step 3 desk__mail : it is irreversible" in planned
            assert "takes a reason" in (await otto.send(page, action, because=" ", status=422)).text
            assert books.undone == []

            told = await otto.send(page, action, because="a wrong order")
            (rollback,) = cell.parts.journal.undoing.rollbacks(run.id)
            assert f"/runs/{rollback.id}" in told.links
            assert "It undoes 2 changes" in told.text
            late = await otto.send(page, action, because="again", status=409)
            assert "still at work" in late.text or "not what you looked at" in late.text
            await house.drive(rollback.id)

            page = await otto.get(f"/runs/{run.id}")
            assert "Partly undone" in page.text
            assert "step 2 desk__pay desk__unpay step 1" in page.text
            assert "step 3 desk__mail it is irreversible" in page.text
            assert f"/runs/{rollback.id}" in page.links
            page = await otto.get(f"/runs/{rollback.id}")
            assert "A rollback: it undoes what" in page.text
            assert f"{OTTO} had it" in page.text
            assert f"/runs/{run.id}" in page.links
            for verb in ("fork", "retry", "rollback"):
                assert not page.has_form(f"/runs/{rollback.id}/{verb}")
            assert "rollback" in (await otto.get("/runs")).text


async def test_a_run_that_changed_nothing_is_not_offered_to_be_rolled_back(tmp_path: Path) -> None:
    async def look(run: RunHandle) -> Any:
        await run.tool("desk__look", order="R-1")
        return {"resolved": True}

    async with open_books(tmp_path, giver=look) as (cell, _), house_of(cell).visitor(OTTO) as otto:
        run = await take(cell)
        assert not (await otto.get(f"/runs/{run.id}")).has_form(f"/runs/{run.id}/rollback")


async def test_what_was_undone_at_once_is_not_offered_to_be_tried_again_and_the_fork_says_why(tmp_path: Path) -> None:
    async def fail(run: RunHandle) -> Any:
        await pay_reserve_mail(run)
        raise ValueError("cannot")

    more = "code: tests.runtime.relay:play\non_failure: rollback\n"
    async with open_books(tmp_path, {"giver": books_contract(more=more)}, giver=fail) as (cell, _):
        run = await take(cell)
        (rollback,) = cell.parts.journal.undoing.rollbacks(run.id)
        await answered(cell, rollback, "reject")  # the mail stays
        async with house_of(cell).visitor(OTTO) as otto:
            page = await otto.get(f"/runs/{run.id}")
            assert not page.has_form(f"/runs/{run.id}/retry")
            assert "It is not tried again: it would go on at step 3, and step 1 before it was undone." in page.text
            assert page.has_form(f"/runs/{run.id}/fork")
        with pytest.raises(ConflictError, match="It would begin with what was undone"):
            await cell.operations.retry(run.id, because="once more", by=OTTO)


async def test_what_a_rollback_asks_says_so_and_is_not_edited_nor_a_case(tmp_path: Path) -> None:
    async with open_books(tmp_path, {"giver": books_contract(pay=ASKED)}, giver=pay_once) as (cell, books):
        run, house = await answered(cell, await take(cell), "approve"), house_of(cell)
        async with house.visitor(OTTO) as otto, house.visitor(HANA) as hana:
            await otto.send(await otto.get(f"/runs/{run.id}"), f"/runs/{run.id}/rollback", because="wrong")
            (rollback,) = cell.parts.journal.undoing.rollbacks(run.id)
            await house.drive(rollback.id)
            (asked,) = cell.parts.approvals.of_run(rollback.id)
            page = await hana.get(f"/approvals/{asked.id}")
            assert f"A rollback, had by {OTTO}, would undo with desk__unpay what giver" in page.text
            assert not page.has_form(f"/approvals/{asked.id}/edit")
            assert "category" not in page.form(f"/approvals/{asked.id}/reject").values
            await hana.send(page, f"/approvals/{asked.id}/reject", because="it stands")
            await house.drive(rollback.id)
            page = await otto.get(f"/runs/{run.id}")
            assert "Not undone yet" in page.text
            assert "a person said no: it stands" in page.text
            assert "What people did not let stand" not in page.text
            assert books.stands == ["pay"]
