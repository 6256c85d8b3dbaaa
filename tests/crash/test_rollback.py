"""A rollback killed in the middle undoes everything once: what a second call would do again waits for who knows."""

from pathlib import Path

import pytest
from tests.crash.station import Station

from remit.core import ConflictError
from remit.journal import Run, RunState

pytestmark = pytest.mark.slow

STEPS = 3


async def begin(station: Station, run: Run) -> Run:
    """Begins the rollback of a run; nobody drives it here."""
    rollback = await station.cell.operations.rollback(run.id, because="wrong", by="tests")
    assert rollback is not None
    return rollback


async def killed_and_checked(station: Station, folder: Path) -> None:
    """Two rollbacks, each killed once: what `mark` did is undone by calls that are no use to repeat, what `send` did by calls that may be."""
    told_of, repeated = [await station.submit(tool=tool, steps=STEPS, account=tool) for tool in ("mark", "send")]
    station.work()
    first = await begin(station, told_of)
    station.work("after effect", 2)
    second = await begin(station, repeated)
    station.work("after effect", 2)
    station.work()
    (asked,) = station.questions()
    assert (asked.kind, asked.run) == ("unknown", first.id)
    with pytest.raises(ConflictError, match="still at work"):
        await begin(station, told_of)
    await station.answer()
    station.work()
    for run, rollback, tool in ((told_of, first, "post"), (repeated, second, "mark")):
        assert station.run(rollback).state is RunState.DONE
        assert len(station.attempts(rollback)) > 1
        station.check_effects(rollback, tool=tool, count=STEPS)
        assert [call["n"] for call in station.desk.calls(rollback.id) if call["fate"] == "done"] == [3, 2, 1]
        assert station.cell.parts.journal.task(run.task).outcome == "undone"
        assert await station.cell.operations.rollback(run.id, because="once more", by="tests") is None
    station.check_over(folder)


async def test_a_rollback_that_is_killed_undoes_everything_once(station: Station, tmp_path: Path) -> None:
    await killed_and_checked(station, tmp_path)


@pytest.mark.parametrize("variables", ["postgresql"], indirect=True)
async def test_what_a_killed_rollback_has_left_another_worker_undoes_once(floor: Station, tmp_path: Path) -> None:
    await killed_and_checked(floor, tmp_path)
