"""What people do: load, promote, stop, answer; each verb once, each on the record."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import ANN, CARA, CONTRACT, REFUNDS, TOM, swap
from tests.runtime.workshop import output, work

from remit.app import Cell, build
from remit.approvals import ApprovalState
from remit.core import ConflictError, InputError, NotFoundError, RefusedError
from remit.journal import RunState
from remit.registry import ReleaseState
from remit.testing import open_fleet


@pytest.fixture
async def cell(tmp_path: Path) -> AsyncIterator[Cell]:
    """The refund desk as it is shipped."""
    async with open_fleet(REFUNDS, tmp_path / "fleet") as opened:
        yield opened


def kinds(cell: Cell) -> list[str]:
    return [entry.kind for entry in cell.log.entries("cell")]


async def test_loading_twice_changes_nothing(cell: Cell) -> None:
    before = kinds(cell)
    assert before == ["release.registered", "release.approved"]
    assert await cell.operations.load() == []
    assert kinds(cell) == before


async def test_a_fleet_that_is_opened_again_is_the_same(tmp_path: Path) -> None:
    for _ in range(2):
        async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
            assert kinds(cell) == ["release.registered", "release.approved"]


@pytest.mark.parametrize(
    "edit",
    [
        {CONTRACT: swap(('amount <= 50"', 'amount <= 60"'))},
        {"tools/shop.yaml": swap(("risk: medium", "risk: high"))},
        {"remit.toml": swap(("cloud = false", "cloud = false\nmax_tokens = 100"))},
    ],
    ids=["contract", "tool", "model"],
)
async def test_what_was_approved_is_not_changed_under_its_number(tmp_path: Path, edit: Any) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet"):
        pass
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=edit) as cell:
        (changed,) = cell.operations.changed
        assert changed.what == "An approved version was changed"
        (version,) = cell.parts.registry.versions("refund-desk")
        assert {e.fields["release"] for e in cell.log.entries("cell")} == {version.release}


async def test_writing_out_what_holds_anyway_is_no_change(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet"):
        pass
    edit = {"remit.toml": swap(("cloud = false", "cloud = false\nmax_tokens = 2000"))}
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=edit) as cell:
        assert cell.operations.changed == []


async def test_processes_that_open_a_new_fleet_at_once_all_have_it(tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    shutil.copytree(REFUNDS, folder, ignore=shutil.ignore_patterns("__pycache__", ".remit", "*.py"))
    cells = [build(folder) for _ in range(4)]
    try:
        loaded = await asyncio.gather(*(cell.operations.load() for cell in cells))
        assert sum(len(each) for each in loaded) == 1
        assert kinds(cells[0]) == ["release.registered", "release.approved"]
        assert all(cell.operations.changed == [] for cell in cells)
    finally:
        for cell in cells:
            await cell.close()


async def test_a_new_version_takes_the_work_and_the_old_one_drains(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet"):
        pass
    edit = {CONTRACT: swap(("version: 1.0.0", "version: 1.1.0"))}
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=edit) as cell:
        assert cell.parts.registry.current("refund-desk").version == "1.1.0"
        old = cell.parts.registry.find("refund-desk", "1.0.0")
        assert old is not None
        assert old.state is ReleaseState.DRAINING


async def test_where_people_release_nothing_runs_before_they_did(tmp_path: Path) -> None:
    edit = {"remit.toml": swap(("on-load", "by-person"))}
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=edit) as cell:
        with pytest.raises(NotFoundError, match="No live version"):
            await work(cell)
        assert await cell.operations.load() == []
        approved = await cell.operations.promote("refund-desk", "1.0.0", by=TOM)
        assert (approved.state, approved.approved_by) == (ReleaseState.APPROVED, TOM)
        assert (await work(cell)).state is RunState.DONE
        assert kinds(cell) == ["release.registered", "release.approved"]


async def test_a_text_that_awaits_approval_may_still_change(tmp_path: Path) -> None:
    by_person = {"remit.toml": swap(("on-load", "by-person"))}
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=by_person) as cell:
        before = cell.parts.registry.find("refund-desk", "1.0.0")
    edit = {CONTRACT: swap(("at most once per order", "once"))}
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=edit) as cell:
        after = cell.parts.registry.find("refund-desk", "1.0.0")
        assert before is not None
        assert after is not None
        assert after.release != before.release
        await cell.operations.promote("refund-desk", "1.0.0", by=TOM)
        assert (await work(cell)).state is RunState.DONE


async def test_nothing_unknown_is_promoted(cell: Cell) -> None:
    with pytest.raises(NotFoundError):
        await cell.operations.promote("refund-desk", "9.9.9", by=TOM)


async def test_a_stop_says_how_long_it_took_and_what_was_running(cell: Cell) -> None:
    receipt = await cell.operations.stop("fleet", because="a test", by=CARA)
    assert receipt["micros"] == receipt["in_force_at"] - receipt["asked_at"]
    assert 0 < receipt["micros"] < 5_000_000
    assert receipt["running"] == 0
    entry = cell.log.entries("cell")[-1]
    assert entry.fields == {"scope": "fleet", "stopped": True, "because": "a test", "by": CARA}
    assert entry.at <= receipt["in_force_at"]


@pytest.mark.parametrize("scope", ["", "everything", "fleet:x", "agent:", "agent", "planet:earth"])
async def test_a_scope_that_is_none_stops_nothing(cell: Cell, scope: str) -> None:
    with pytest.raises(InputError, match="Not a scope"):
        await cell.operations.stop(scope, because="a test", by=CARA)
    assert cell.parts.controls.switches() == []


async def test_a_switch_takes_a_reason(cell: Cell) -> None:
    with pytest.raises(InputError, match="takes a reason"):
        await cell.operations.stop("fleet", because=" ", by=CARA)


async def test_the_desk_works_from_ticket_to_answer(cell: Cell) -> None:
    run = await work(cell, "Please refund 20.00")
    assert run.state is RunState.DONE, run.reason
    assert "20" in output(cell, run)["text"]


async def test_a_yes_lets_the_run_go_on_and_a_no_ends_it(cell: Cell) -> None:
    for answer, state in (("reject", RunState.FAILED), ("approve", RunState.DONE)):
        run = await work(cell, "Please refund 400", order="R-2")
        assert run.state is RunState.WAITING
        assert cell.operations.waiting_runs() == []
        (question,) = cell.parts.approvals.of_run(run.id)
        await cell.operations.answer(question.id[-8:], person=CARA, answer=answer, reason="as we agreed")  # type: ignore[arg-type]
        assert [each.id for each in cell.operations.waiting_runs()] == [run.id]
        run = await cell.operations.drive(run.id)
        assert run.state is state, run.reason
        assert ("as we agreed" in run.reason) is (answer == "reject")


async def test_a_person_carries_a_proposal_out_and_the_run_goes_on(cell: Cell) -> None:
    run = await work(cell, "Please refund 6000", order="R-2")
    (question,) = cell.parts.approvals.of_run(run.id)
    assert question.kind == "proposal"
    answered = await cell.operations.answer(question.id, person=TOM, answer="approve")
    assert answered.state is ApprovalState.USED
    with pytest.raises(ConflictError, match="Nothing to act on"):
        await cell.operations.act(answered, person=TOM)
    run = await cell.operations.drive(run.id)
    assert run.state is RunState.DONE, run.reason
    assert "6000" in output(cell, run)["text"]


async def test_an_answer_to_nothing_is_not_found(cell: Cell) -> None:
    for wrong in ("", "apr_nothing"):
        with pytest.raises(NotFoundError):
            await cell.operations.answer(wrong, person=CARA, answer="approve")


async def test_what_is_over_is_not_cancelled(cell: Cell) -> None:
    run = await work(cell)
    with pytest.raises(ConflictError, match="over already"):
        await cell.operations.cancel(run.id, because="late", by=CARA)


async def test_nobody_unknown_acts(cell: Cell) -> None:
    run = await work(cell, "Please refund 6000", order="R-2")
    (question,) = cell.parts.approvals.of_run(run.id)
    with pytest.raises(RefusedError, match="No such person"):
        await cell.operations.answer(question.id, person=ANN, answer="approve")
