"""What was taken on is found by whoever comes, and a run that takes its process down is put to a person."""

from pathlib import Path

import pytest
from tests.crash.station import LEA, Station

from remit.approvals import VoteAnswer
from remit.journal import RunState

STEPS = 3


@pytest.mark.slow
async def test_a_task_taken_on_while_nobody_is_at_work_is_found(station: Station, tmp_path: Path) -> None:
    runs = [await station.submit(tool="mark", account=f"a-{n}", steps=STEPS) for n in range(3)]
    station.work()
    for run in runs:
        assert (station.run(run).state, station.run(run).attempt) == (RunState.DONE, 1)
        station.check_effects(run, tool="mark", count=STEPS)
    station.check_over(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["approve", "reject"])
async def test_a_run_that_kills_its_process_each_time_is_put_to_a_person(
    station: Station, tmp_path: Path, answer: VoteAnswer
) -> None:
    mended = tmp_path / "mended"
    run = await station.submit("deadly", mended=str(mended))
    most = station.cell.settings.limits.lost_attempts
    for number in range(1, most + 1):
        station.work_until_dead()
        assert station.attempts(run)[-1] == (number, "running")
    # Not before: whoever works beside it loses attempts with it, and may be asked about just as well.
    bystander = await station.submit(tool="mark", steps=STEPS, sleep_at=1)
    station.work()  # a fourth attempt would take down this process too
    (question,) = station.questions()
    assert (question.kind, question.name, station.run(run).state) == ("stuck", "lost attempts", RunState.WAITING)
    assert station.attempts(run) == [(1, "lost"), (2, "lost"), (3, "lost"), (4, "waiting")]
    assert station.run(bystander).state is RunState.DONE

    mended.touch()
    await station.cell.operations.answer(question.id, person=LEA, answer=answer, reason="I have looked")
    station.work()
    ended = station.run(run)
    assert ended.state is (RunState.DONE if answer == "approve" else RunState.FAILED), ended.reason
    assert len(station.desk.calls(run.id)) == 1
    station.check_over(tmp_path)


@pytest.mark.slow
async def test_a_run_approved_too_early_is_put_to_a_person_again(station: Station, tmp_path: Path) -> None:
    mended = tmp_path / "mended"
    run = await station.submit("deadly", mended=str(mended))
    for _ in range(2):
        for _ in range(station.cell.settings.limits.lost_attempts):
            station.work_until_dead()
        station.work()
        assert await station.answer() == 1
        assert station.questions() == []
    mended.touch()
    station.work()
    assert station.run(run).state is RunState.DONE
    assert [asked.kind for asked in station.cell.parts.approvals.of_run(run.id)] == ["stuck", "stuck"]
    assert len(station.desk.calls(run.id)) == 1
    station.check_over(tmp_path)
