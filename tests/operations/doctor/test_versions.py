"""Troubles of versions: not approved, changed since, or not to be made any more."""

import asyncio
from pathlib import Path

import pytest

from operations.patients import COFFEE, YOU, amiss, changed, edit, only, starter, typed, worked
from remit.operations.doctor import Health
from remit.testing import open_fleet


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A new starter."""
    return starter(tmp_path / "office")


@pytest.mark.slow
def test_a_version_nobody_has_approved_is_named_and_approved_by_what_is_said(fleet: Path) -> None:
    edit(fleet / "remit.toml", 'releases = "on-load"', 'releases = "by-person"')
    worked(fleet, "agents")
    found = only(fleet, "versions")
    assert (found.health, found.what) == (Health.WARNING, "supplies-desk@1.0.0 awaits approval")
    mended = typed(fleet, found.command)
    assert mended.returncode == 0, mended.stderr
    assert amiss(fleet, "versions") == []


def test_an_approved_text_that_was_changed_is_named(fleet: Path) -> None:
    worked(fleet, "run", "supplies-desk", "--input", COFFEE)
    contract = fleet / "agents" / "supplies-desk.agent.md"
    edit(contract, 'facts.total <= 50"', 'facts.total <= 60"')
    found = only(fleet, "versions")
    assert (found.health, found.what) == (Health.WARNING, "supplies-desk@1.0.0 is not what was approved any more")
    assert "Raise `version` in agents/supplies-desk.agent.md" in found.mend
    edit(contract, "version: 1.0.0", "version: 1.0.1")
    assert amiss(fleet, "versions") == []


def another_version(fleet: Path, *, is_open: bool = False) -> None:
    """Has the first version work, or be queued to, and puts another one into the folder."""
    asyncio.run(queued(fleet)) if is_open else worked(fleet, "run", "supplies-desk", "--input", COFFEE)
    edit(fleet / "agents" / "supplies-desk.agent.md", "version: 1.0.0", "version: 1.0.1")


async def queued(fleet: Path) -> None:
    async with open_fleet(fleet, fleet) as cell:
        await cell.operations.submit("supplies-desk", {"request": "3 bags of coffee"}, on_behalf_of=YOU)


@pytest.mark.slow
def test_a_version_of_before_with_other_model_routes_now_is_named_and_retired_by_what_is_said(fleet: Path) -> None:
    another_version(fleet)
    assert amiss(fleet, "kept_releases") == [], "it was kept"
    edit(fleet / "remit.toml", "cloud = false  ", "cloud = true  ")
    found = only(fleet, "kept_releases")
    told = "supplies-desk@1.0.0 cannot be made of what was kept of it"
    assert (found.health, found.what) == (Health.WARNING, told)
    assert "model routes" in found.why
    mended = typed(fleet, found.command)
    assert mended.returncode == 0, mended.stderr
    assert amiss(fleet, "kept_releases") == []


def test_a_version_that_cannot_be_made_is_a_trouble_where_runs_wait_for_it(fleet: Path) -> None:
    another_version(fleet, is_open=True)
    changed(fleet, lambda connection: connection.execute("update releases set body = x'7b'"))
    found = only(fleet, "kept_releases")
    assert (found.health, found.what.endswith(", and its runs wait for it")) == (Health.TROUBLE, True)
    assert "cannot be read" in found.why


def test_a_version_whose_tools_org_policies_of_today_do_not_know_is_named_with_what_they_say(fleet: Path) -> None:
    another_version(fleet)
    gives = "        total: {{type: number}}\n        {}: {{type: boolean}}"
    edit(fleet / "tools" / "store.yaml", gives.format("hazardous"), gives.format("harmful"))
    told = "context.facts has {0} && context.facts.{0} == false"
    edit(fleet / "policies" / "org.cedar", told.format("hazardous"), told.format("harmful"))
    assert amiss(fleet, "fleet_files") == []
    found = only(fleet, "kept_releases")
    assert found.health is Health.WARNING
    assert "policies/org.cedar" in found.why
    assert "harmful" in found.why
