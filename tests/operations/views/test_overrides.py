"""Cases as they are seen and exported: for whoever may see them, with nothing personal unless it is asked for."""

from pathlib import Path
from typing import Any

import pytest
from tests.databases import execute
from tests.gateway.desk import CARA, REFUNDS, TINA, TOM
from tests.operations.people import seen_by
from tests.runtime.test_hosted import FINAL, POLITE, REFINED, RUDE
from tests.runtime.workshop import Script, open_workshop, work

from remit.app import Cell
from remit.approvals import Approval, OverrideCategory
from remit.core import NotFoundError, RefusedError
from remit.operations import local_actor
from remit.operations.views.overrides import without_personal
from remit.testing import open_fleet

CHANGED = {"order_id": "R-2", "amount": 300, "why": "less"}


async def asked(cell: Cell, amount: int = 400) -> Approval:
    run = await work(cell, f"Please refund {amount}.00 of my order R-2.", order="R-2")
    return cell.parts.approvals.of_run(run.id)[0]


async def reject(cell: Cell, reason: str = "no") -> str:
    question = await asked(cell)
    await cell.operations.answer(
        question.id, person=CARA, answer="reject", reason=reason, category=OverrideCategory.NOT_ALLOWED
    )
    kept = cell.parts.approvals.override_of(question.id)
    assert kept
    return kept.id


def exported(cell: Cell, **more: bool) -> list[dict[str, Any]]:
    return [dict(case) for case in cell.views(local_actor("tests")).overrides.export("refund-desk", **more).cases]


async def test_a_case_says_what_was_given_proposed_and_decided(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        case = await reject(cell, "they had two")
        shown = seen_by(cell, "operator").overrides.get(case[-8:])
        assert (shown.category, shown.reason, shown.decided, shown.by) == ("not-allowed", "they had two", None, CARA)
        assert shown.proposed["amount"] == 400
        assert shown.input["order_id"] == "R-2"
        assert shown.meaning.startswith("A rule of the house")
        assert [row.case for row in seen_by(cell, "operator").overrides.of_run(shown.run)] == [case]
        with pytest.raises(NotFoundError):
            seen_by(cell, "operator").overrides.of_agent("nobody")


async def test_who_may_not_see_content_sees_that_there_is_a_case(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        case = await reject(cell)
        views = seen_by(cell, "viewer").overrides
        shown = views.get(case)
        assert (shown.content, shown.proposed, shown.decided, shown.reason, shown.input) == (
            False,
            None,
            None,
            "",
            None,
        )
        assert views.page().counts["category"]["not-allowed"] == 1
        with pytest.raises(RefusedError, match="fleet:content:read"):
            views.export("refund-desk")


async def test_an_edit_that_waits_for_others_is_not_exported_yet(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        question = await asked(cell, 900)
        changed = {**CHANGED, "amount": 800}
        await cell.operations.answer(question.id, person=TOM, answer="edit", reason="less", arguments=changed)
        views = cell.views(local_actor("tests")).overrides
        told = views.export("refund-desk")
        assert (len(told.cases), told.open, views.page().rows[0].state) == (0, 1, "pending")
        seen = cell.parts.approvals.get(question.id).digest.partition(":")[2]
        await cell.operations.answer(question.id, person=TINA, answer="approve", seen=seen)
        (case,) = exported(cell)
        assert case["metadata"]["override"]["decided"] == changed
        assert case["metadata"]["override"]["proposed"]["amount"] == 900


async def test_an_answer_that_was_changed_is_what_is_expected(tmp_path: Path) -> None:
    async with open_workshop(tmp_path, model=Script(*RUDE), more=REFINED, edit=POLITE) as cell:
        run = await work(cell)
        (question,) = cell.parts.approvals.of_run(run.id)
        await cell.operations.answer(
            question.id,
            person=CARA,
            answer="edit",
            reason="kinder",
            arguments=FINAL,
            category=OverrideCategory.BAD_TONE,
        )
        (case,) = exported(cell)
        assert (case["expected_output"], case["metadata"]["override"]["category"]) == (FINAL, "bad-tone")


async def test_marked_fields_and_what_shows_its_form_are_left_out(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        await reject(cell, "mail ann@private.example")
        (case,) = exported(cell)
        assert case["inputs"] == {"order_id": "R-2", "message": "[personal: message]"}
        assert case["metadata"]["override"]["reason"] == "[left out: it holds a mail-address]"
        assert case["metadata"]["override"]["by"] == "[personal: by]"
        (case,) = exported(cell, personal=True)
        assert "@" in case["metadata"]["override"]["by"]
        assert "400.00" in case["inputs"]["message"]
        assert case["metadata"]["override"]["reason"] == "mail ann@private.example"


async def test_a_secret_is_never_exported(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        await reject(cell, "their key is ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8")
        (case,) = exported(cell, personal=True)
        assert case["metadata"]["override"]["reason"].startswith("[left out: it holds a ")


async def test_what_was_erased_is_not_exported(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        case = await reject(cell)
        kept = cell.parts.approvals.get_override(case)
        execute(cell.database, "delete from payloads where digest = ?", kept.input)
        told = cell.views(local_actor("tests")).overrides.export("refund-desk")
        assert (len(told.cases), told.erased) == (0, 1)
        assert seen_by(cell, "operator").overrides.get(case).input == "erased"


def test_lists_are_looked_through_for_marked_fields() -> None:
    value = {"people": [{"name": "Ann", "age": 7}, {"name": "Ben"}], "note": "key"}
    told = without_personal(value, ("people.name",), lambda text: "key" if text == "key" else "")
    marked = "[personal: people.name]"
    assert told == {"people": [{"name": marked, "age": 7}, {"name": marked}], "note": "[left out: it holds a key]"}
