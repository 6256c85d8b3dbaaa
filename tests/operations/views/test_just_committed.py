"""Whoever looks sees what the log says of what was committed a moment before, also where entries gather for their place."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from tests.operations.demos import Forgetful, open_demo
from tests.operations.people import seen_by
from tests.runtime.workshop import work

from remit.app import Cell
from remit.journal import Run
from remit.store.postgresql import sequencer

Worked = tuple[Cell, Run]


@pytest.fixture
async def worked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Worked]:
    """A run that has just claimed what is not so; on PostgreSQL nobody moves its entries but whoever reads."""
    monkeypatch.setattr(sequencer, "GATHER_SECONDS", 600.0)
    async with open_demo(tmp_path, 20, server=Forgetful()) as cell:
        yield cell, await work(cell, "please refund 20")


def test_the_tour_shows_the_claim_that_was_just_refuted(worked: Worked) -> None:
    cell, run = worked
    found = seen_by(cell, "operator").tour().claim.latest
    assert found is not None
    assert (found.run, found.after) == (run.id, True)


def test_the_history_of_a_task_says_that_it_was_refuted(worked: Worked) -> None:
    cell, run = worked
    (row,) = seen_by(cell, "operator").tasks.get(run.task).history
    assert (row.kind, row.run, row.ended) == ("refuted", run.id, "after")


def test_the_log_is_searched_to_its_end(worked: Worked) -> None:
    cell, run = worked
    log = seen_by(cell, "auditor").log
    rows = log.page(search=run.id).rows
    assert rows[0].kind in ("attempt", "run.completed", "run.failed", "run.parked")
    assert cell.log.entries(run.id)[-1].index == rows[0].index
