"""Error budgets that are used up or burning are named, with the command that says more."""

import asyncio
import shutil
from pathlib import Path

from tests.gateway.desk import REFUNDS
from tests.runtime.workshop import work

from operations.patients import amiss, edit, only
from remit.operations.doctor import Health
from remit.testing import open_fleet

CONTRACT = "agents/refund-desk.agent.md"


def desk(folder: Path, *, promises: bool = True) -> Path:
    """Copies the refund desk, that promises something, and has it fail a few times."""
    shutil.copytree(REFUNDS, folder, ignore=shutil.ignore_patterns("__pycache__", ".remit", "__init__.py"))
    if promises:
        edit(folder / CONTRACT, "evaluation:", "slo: {success: 90 %}\nevaluation:")
    return folder


def failed(folder: Path, times: int) -> None:
    """Has tasks fail."""

    async def fail() -> None:
        async with open_fleet(folder, folder) as cell:
            for _ in range(times):
                await work(cell, "Please refund 41")

    asyncio.run(fail())


def test_a_budget_that_is_used_up_is_named_with_what_says_more(tmp_path: Path) -> None:
    fleet = desk(tmp_path / "desk")
    failed(fleet, 1)
    assert amiss(fleet, "error_budgets") == []
    failed(fleet, 6)
    found = only(fleet, "error_budgets")
    told = "The error budget of refund-desk is used up: 7 of 7 tasks of 28 days did not succeed; at 90 %, 0.7 may"
    assert (found.health, found.what, found.command) == (Health.WARNING, told, "remit slo refund-desk")


def test_a_promise_holds_while_a_version_that_promises_nothing_waits(tmp_path: Path) -> None:
    fleet = desk(tmp_path / "desk")
    failed(fleet, 7)
    edit(fleet / CONTRACT, "slo: {success: 90 %}\nevaluation:", "evaluation:")
    edit(fleet / CONTRACT, "version: 1.0.0", "version: 1.0.1")
    assert only(fleet, "error_budgets").what.startswith("The error budget of refund-desk is used up")


def test_a_promise_that_was_not_approved_yet_is_none(tmp_path: Path) -> None:
    fleet = desk(tmp_path / "desk", promises=False)
    failed(fleet, 6)
    edit(fleet / CONTRACT, "evaluation:", "slo: {success: 90 %}\nevaluation:")
    edit(fleet / CONTRACT, "version: 1.0.0", "version: 1.0.1")
    assert amiss(fleet, "error_budgets") == []
