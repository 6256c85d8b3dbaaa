"""A cell: built whole or not at all, closed with everything signed, and not alone on its folder."""

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import CARA, CONTRACT, REFUNDS, Till, open_desk, refused, swap
from tests.runtime.workshop import work

from remit.app import FleetError, build, inspect_fleet
from remit.audit import verify_export, write_export
from remit.core import ConflictError
from remit.gateway import Check
from remit.journal import RunState
from remit.testing import PostgresServer, open_fleet

MISTAKES: Any = {
    CONTRACT: swap(
        ("shop__get_order", "shop__get_odrer"),
        ("by: care-lead}", "by: care-laed}"),
        ('amount <= 50"', 'amuont <= 50"'),
    ),
}


async def test_a_fleet_with_mistakes_names_all_of_them_and_runs_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    with pytest.raises(FleetError) as caught:
        async with open_fleet(REFUNDS, folder, edit=MISTAKES):
            pass
    told = "; ".join(map(str, caught.value.findings))
    for mistake in ("shop__get_odrer", "care-laed", "amuont"):
        assert mistake in told
    errors = [finding for finding in caught.value.findings if finding.severity == "error"]
    assert f"The fleet has {len(errors)} mistakes" in caught.value.text()
    assert all(finding.line for finding in errors)
    assert not (folder / ".remit").exists()


async def test_a_cell_that_cannot_be_built_leaves_nothing_open(
    tmp_path: Path, postgresql_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMIT_DATABASE_URL", postgresql_server.fresh())
    for name in ("ours", "theirs"):
        shutil.copytree(REFUNDS, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".remit"))
    cell = build(tmp_path / "theirs")
    await cell.operations.load()
    await cell.close()
    before = set(threading.enumerate())
    with pytest.raises(ConflictError, match="belongs to another cell") as caught:  # which keeps all that was made
        build(tmp_path / "ours")
    assert [each.name for each in threading.enumerate() if each not in before] == []
    del caught


def test_the_shipped_fleets_have_no_mistakes() -> None:
    for folder in (REFUNDS, REFUNDS.parent / "retail"):
        _, fleet, findings = inspect_fleet(folder)
        assert fleet.contracts
        assert [finding for finding in findings if finding.severity == "error"] == []


async def test_closing_signs_the_rest_of_the_log(tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    async with open_fleet(REFUNDS, folder) as cell:
        await work(cell)
        size = cell.log.size()
    cell = build(folder)
    try:
        checkpoint = write_export(cell.log, tmp_path / "export")
        assert checkpoint.size == size == cell.log.size()
        report = verify_export(tmp_path / "export", cell.log.public_key)
        assert report.ok, report.problems
    finally:
        await cell.close()


async def test_a_run_outlives_its_cell(tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    async with open_fleet(REFUNDS, folder) as cell:
        run = await work(cell, "Please refund 400", order="R-2")
        assert run.state is RunState.WAITING
    async with open_fleet(REFUNDS, folder) as cell:
        (question,) = cell.parts.approvals.listing(state="pending")
        await cell.operations.answer(question.id, person=CARA, answer="approve")
        run = await cell.operations.drive(run.id)
        assert run.state is RunState.DONE, run.reason


async def test_two_cells_on_one_folder_see_each_others_switches(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        other = build(tmp_path / "fleet", servers={"shop": Till()})
        try:
            await other.operations.stop("agent:refund-desk", because="seen from outside", by=CARA)
            assert refused(await desk.refund()).step is Check.SWITCHES
            assert desk.server.effects == []
            await desk.cell.operations.resume("agent:refund-desk", because="seen", by=CARA)
            assert other.parts.controls.stopped(["agent:refund-desk"]) is None
            assert not hasattr(await desk.refund(), "reason")
        finally:
            await other.close()


async def test_two_cells_write_one_log(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        other = build(tmp_path / "fleet", servers={"shop": Till()})
        for number in range(3):
            await desk.look(f"R-{number + 1}")
            await work(other, "Please refund 20")
        await other.close()
        size, folder, log = desk.cell.log.size(), tmp_path / "export", desk.cell.log
        commit = log.checkpoint_commit()
        if commit:
            await desk.cell.parts.writer.commit(commit)
        assert write_export(log, folder).size == size
        assert verify_export(folder, log.public_key).ok
