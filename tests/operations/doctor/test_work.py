"""Troubles of the work: runs nobody drives, runs that broke off, questions nobody may answer, stops."""

import asyncio
import re
from pathlib import Path

import pytest

from operations.patients import CHAIRS, COFFEE, SAM, YOU, amiss, only, said, starter, typed, worked
from remit.core import HOUR, MINUTE, SystemClock
from remit.operations.doctor import Health
from remit.testing import SettableClock, open_fleet

# An order that takes the process down, as often as the file says.
DEADLY = """
        import os, pathlib
        left = pathlib.Path(__file__).parent / "deaths"
        if number := int(left.read_text()):
            left.write_text(str(number - 1))
            os._exit(9)
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    return starter(tmp_path / "office")


def later(micros: int) -> SettableClock:
    return SettableClock(SystemClock().now() + micros)


async def submitted(fleet: Path, request: str, person: str, *, drive: bool) -> None:
    """Takes a task on, and leaves it to somebody else unless it is to be driven."""
    async with open_fleet(fleet, fleet) as cell:
        started = await cell.operations.submit("supplies-desk", {"request": request}, on_behalf_of=person)
        if drive:
            await cell.operations.drive(started.run.id)


@pytest.mark.slow
def test_a_run_that_nobody_drives_is_named_and_driven_by_what_is_said(fleet: Path) -> None:
    asyncio.run(submitted(fleet, "3 bags of coffee", YOU, drive=False))
    found = only(fleet, "ready_runs", clock=later(MINUTE))
    assert (found.health, found.what) == (Health.TROUBLE, "1 run could go on, and no process drives it")
    assert amiss(fleet, "ready_runs") == [], "a run that was queued just now has somebody, as a rule"
    assert typed(fleet, found.command).returncode == 0
    assert amiss(fleet, "ready_runs", clock=later(MINUTE)) == []


def deadly(fleet: Path, deaths: int) -> Path:
    store = fleet / "office_store.py"
    text = store.read_text(encoding="utf-8")
    body = '"""Orders once for each key: called again after a crash, nothing is ordered twice."""\n'
    assert body in text
    store.write_text(text.replace(body, body + DEADLY), encoding="utf-8")
    (fleet / "deaths").write_text(str(deaths), encoding="utf-8")
    return fleet


@pytest.mark.slow
def test_a_run_that_broke_off_is_named_and_taken_over_by_what_is_said(fleet: Path) -> None:
    assert typed(deadly(fleet, 1), f"remit run supplies-desk --input '{COFFEE}'").returncode == 9
    found = only(fleet, "lost_runs")
    assert (found.health, found.what) == (Health.TROUBLE, "1 run broke off with the process that drove it")
    assert typed(fleet, found.command).returncode == 0
    assert amiss(fleet, "lost_runs") == []


@pytest.mark.slow
def test_a_run_that_takes_its_process_down_is_named_and_tried_again_by_what_is_said(fleet: Path) -> None:
    assert typed(deadly(fleet, 3), f"remit run supplies-desk --input '{COFFEE}'").returncode == 9
    typed(fleet, "remit runs --drive", "remit runs --drive", "remit runs --drive")
    found = only(fleet, "questions")
    assert found.health is Health.WARNING
    assert "cannot go on by itself" in found.what
    mended = typed(fleet, found.command, "remit runs")
    assert re.search(r"supplies-desk@1\.0\.0 +done +success", mended.stdout), mended
    assert amiss(fleet, "questions") == []


@pytest.mark.slow
def test_a_question_nobody_may_answer_is_named_and_taken_back_by_what_is_said(fleet: Path) -> None:
    asyncio.run(submitted(fleet, "2 chairs", SAM, drive=True))
    found = only(fleet, "questions")
    assert found.health is Health.TROUBLE
    assert found.what.startswith("Nobody may answer apr_")
    assert typed(fleet, found.command).returncode == 0
    assert amiss(fleet, "questions") == []


def test_a_question_that_is_about_to_expire_is_named_with_who_may_answer(fleet: Path) -> None:
    worked(fleet, "run", "supplies-desk", "--input", CHAIRS)
    assert amiss(fleet, "questions") == []
    found = only(fleet, "questions", clock=later(24 * HOUR - 10 * MINUTE))
    assert found.health is Health.WARNING
    assert SAM in found.why
    assert "remit approvals" in found.mend


def test_what_is_stopped_is_named_with_who_and_why(fleet: Path) -> None:
    worked(fleet, "stop", "agent:supplies-desk", "--because", "it looks odd", "--as", YOU)
    found = only(fleet, "stops")
    assert (found.health, found.what) == (Health.WARNING, "agent:supplies-desk is stopped")
    assert found.why.startswith(f"it looks odd ({YOU}, ")
    worked(fleet, "resume", "agent:supplies-desk", "--because", "it was nothing", "--as", YOU)
    assert [each.health for each in said(fleet, "stops")] == [Health.OK]
