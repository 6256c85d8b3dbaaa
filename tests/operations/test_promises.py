"""While an agent's error budget is used up, no version of it is approved without a reason, and the record says so."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.databases import execute
from tests.gateway.desk import CONTRACT, REFUNDS, TOM, swap
from tests.operations.people import done_by
from tests.runtime.workshop import work

from remit.app import Cell
from remit.audit import LogEntry
from remit.core import ConflictError
from remit.journal import RunState
from remit.operations.promises import exhausted_budget, promises
from remit.registry import ReleaseState
from remit.testing import open_fleet

SLO = ("evaluation:", "slo: {success: 90 %}\nevaluation:")
BY_PERSON = {"remit.toml": swap(("on-load", "by-person"))}
NEXT = ("version: 1.0.0", "version: 1.0.1")

Edit = dict[str, Callable[[str], str]]


def promising(*pairs: tuple[str, str], by_person: bool = True) -> Edit:
    """Edits the refund desk so that it promises something."""
    return {CONTRACT: swap(SLO, *pairs)} | (BY_PERSON if by_person else {})


async def fail(cell: Cell, times: int = 6) -> None:
    """Has it fail so often that chance is no excuse."""
    for _ in range(times):
        assert (await work(cell, "Please refund 41")).state is RunState.FAILED


def approvals(cell: Cell) -> list[LogEntry]:
    """Returns what the record says of approvals."""
    return cell.log.since(0, ("release.approved",), limit=100)


async def test_an_exhausted_budget_freezes_promotion_until_somebody_says_why(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=promising()) as cell:
        await cell.operations.promote("refund-desk", "1.0.0", by=TOM)  # nothing is used up yet
        await fail(cell)
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit={CONTRACT: swap(NEXT)}) as cell:
        platform = done_by(cell, "platform")
        for because in ("", "  "):
            with pytest.raises(ConflictError, match="error budget is used up") as refused:
                await platform.promote("refund-desk", "1.0.1", because=because)
        told = refused.value
        assert told.which == "refund-desk@1.0.1"
        assert told.why == "6 of 6 tasks of 28 days did not succeed; at 90 %, 0.6 may"
        assert "--because" in told.hint
        assert len(approvals(cell)) == 1
        approved = await platform.promote("refund-desk", "1.0.1", because="it mends what fails")
        assert approved.state is ReleaseState.APPROVED
        fields = approvals(cell)[-1].fields
        assert (fields["because"], fields["error_budget"]) == ("it mends what fails", "exhausted")
        assert fields["objective"] == told.why


async def test_with_budget_left_no_reason_is_needed_and_none_is_made_up(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=promising()) as cell:
        await cell.operations.promote("refund-desk", "1.0.0", by=TOM)
        await fail(cell, 1)  # one in so few says nothing
        await work(cell)
        assert exhausted_budget(cell.parts, cell.kpis, "refund-desk") is None
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit={CONTRACT: swap(NEXT)}) as cell:
        await done_by(cell, "platform").promote("refund-desk", "1.0.1")
        assert not {"because", "error_budget", "objective"} & approvals(cell)[-1].fields.keys()


async def test_a_version_that_promises_less_is_held_to_what_the_one_before_promised(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=promising()) as cell:
        await cell.operations.promote("refund-desk", "1.0.0", by=TOM)
        await fail(cell)
    without = {CONTRACT: swap(NEXT, ("slo: {success: 90 %}\n", ""))}
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=without) as cell:
        assert (
            promises(cell.parts.registry, cell.parts.releases, cell.parts.registry.among({"refund-desk"}))[
                "refund-desk"
            ].version.version
            == "1.0.0"
        )
        with pytest.raises(ConflictError, match="error budget is used up"):
            await cell.operations.promote("refund-desk", "1.0.1", by=TOM)
        await cell.operations.promote("refund-desk", "1.0.1", by=TOM, because="its cases are being rewritten")
        assert promises(cell.parts.registry, cell.parts.releases, cell.parts.registry.among({"refund-desk"})) == {}


async def test_what_a_folder_would_approve_by_itself_waits_for_a_person(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=promising(by_person=False)) as cell:
        await fail(cell)
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit={CONTRACT: swap(NEXT)}) as cell:
        (held,) = cell.operations.changed
        assert (held.which, "error budget is used up" in held.what) == ("refund-desk@1.0.1", True)
        assert cell.parts.registry.current("refund-desk").version == "1.0.0"
        assert (await work(cell)).version == "1.0.0"
        await cell.operations.promote("refund-desk", "1.0.1", by=TOM, because="it mends what fails")
        assert cell.parts.registry.current("refund-desk").version == "1.0.1"
        assert cell.operations.changed == [], "whoever serves for long does not say so any more"


async def test_agents_that_promise_nothing_are_never_frozen(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        await fail(cell)
        assert (
            promises(cell.parts.registry, cell.parts.releases, cell.parts.registry.among({"refund-desk", "nobody"}))
            == {}
        )
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit={CONTRACT: swap(NEXT)}) as cell:
        assert cell.operations.changed == []
        assert cell.parts.registry.current("refund-desk").version == "1.0.1"


async def test_what_was_kept_and_cannot_be_read_any_more_freezes_nothing(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=promising(by_person=False)) as cell:
        await fail(cell)
        assert exhausted_budget(cell.parts, cell.kpis, "refund-desk") is not None
        execute(cell.database, "update releases set body = ?", b"{")
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit={CONTRACT: swap(NEXT)}) as cell:
        assert cell.parts.registry.current("refund-desk").version == "1.0.1"
