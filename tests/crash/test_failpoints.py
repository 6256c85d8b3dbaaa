"""Killed at every point between claim, effect and outcome: it goes on there, and nothing happens twice."""

import signal
from pathlib import Path

import pytest
from tests.crash.sample import pairs, some
from tests.crash.station import PATIENCE, TOOLS, Station, wait_for

from remit.journal import Run, RunState

pytestmark = pytest.mark.slow

STEPS, AT = 10, 7
AROUND_THE_EFFECT = ("before effect", "after effect", "before outcome")
# Of a first worker: its heartbeat, the claim, a permit and an outcome, the question, the parked run.
COMMITS = (1, 2, 9, 10, 15, 16)


async def finish(station: Station, run: Run, folder: Path, *, tool: str, lost: int) -> None:
    """Works until the run is over, answering what people are asked, and checks everything."""
    station.work()
    if await station.answer():
        station.work()
    ended = station.run(run)
    assert (ended.state, ended.reason) == (RunState.DONE, "")
    attempts = station.attempts(run)
    assert [number for number, _ in attempts] == list(range(1, ended.attempt + 1))
    assert [state for _, state in attempts][:lost] == ["lost"] * lost
    assert [state for _, state in attempts].count("lost") == lost
    assert attempts[-1][1] == "done"
    station.check_effects(run, tool=tool, count=STEPS)
    station.check_over(folder)


@pytest.mark.parametrize("tool", some(["mark", "send"]))
async def test_a_run_killed_once_it_is_claimed_begins(station: Station, tmp_path: Path, tool: str) -> None:
    run = await station.submit(tool=tool, steps=STEPS)
    station.work("after claim")
    assert station.desk.calls(run.id) == []
    await finish(station, run, tmp_path, tool=tool, lost=1)


@pytest.mark.parametrize(("point", "tool"), pairs(AROUND_THE_EFFECT, TOOLS))
async def test_a_run_killed_around_its_seventh_effect_has_it_once(
    station: Station, tmp_path: Path, point: str, tool: str
) -> None:
    run = await station.submit(tool=tool, steps=STEPS)
    station.work(point, nth=AT)
    called = AT - 1 if point == "before effect" else AT
    assert len(station.desk.calls(run.id)) == called
    station.work()
    asked = [(question.kind, question.step) for question in station.questions()]
    assert asked == ([("unknown", AT)] if tool == "post" else [])
    await finish(station, run, tmp_path, tool=tool, lost=1)
    keys = [call["key"] for call in station.desk.calls(run.id)]
    repeated = 2 if tool == "mark" and point != "before effect" else 1
    if tool == "mark" or called == AT:
        assert keys.count(f"{run.id}:{AT}") == repeated
    else:  # it had not happened, so the agent did it again as a step of its own
        assert keys.count(f"{run.id}:{AT}") == 0


@pytest.mark.parametrize("tool", some(TOOLS))
async def test_a_run_killed_after_its_seventh_outcome_calls_exactly_three_more_tools(
    station: Station, tmp_path: Path, tool: str
) -> None:
    run = await station.submit(tool=tool, steps=STEPS)
    station.work("after outcome", nth=AT)
    before = station.desk.calls(run.id)
    await finish(station, run, tmp_path, tool=tool, lost=1)
    after = station.desk.calls(run.id)
    assert len(before) == AT
    assert [call["n"] for call in after[AT:]] == [8, 9, 10]


@pytest.mark.parametrize("tool", some(TOOLS))
async def test_a_run_killed_while_its_seventh_call_is_in_flight_has_it_once(
    station: Station, tmp_path: Path, tool: str
) -> None:
    run = await station.submit(tool=tool, steps=STEPS, slow_at=AT, seconds=PATIENCE)
    worker = station.driver()
    wait_for(lambda: len(station.desk.calls(run.id)) == AT)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    await finish(station, run, tmp_path, tool=tool, lost=1)
    assert len(station.desk.calls(run.id)) == STEPS + (tool == "mark")


@pytest.mark.parametrize("tool", some(TOOLS))
async def test_a_run_killed_again_while_it_resumes_goes_on(station: Station, tmp_path: Path, tool: str) -> None:
    run = await station.submit(tool=tool, steps=STEPS)
    station.work("after effect", nth=AT)
    station.work("resuming")
    await finish(station, run, tmp_path, tool=tool, lost=2)


@pytest.mark.parametrize("tool", some(TOOLS))
async def test_a_run_killed_while_it_is_parked_goes_on_with_the_answer(
    station: Station, tmp_path: Path, tool: str
) -> None:
    run = await station.submit(tool=tool, steps=STEPS, heavy_at=AT)
    station.work("parked")
    (question,) = station.questions()
    assert (question.kind, question.step, len(station.desk.calls(run.id))) == ("action", AT, AT - 1)
    assert await station.answer() == 1
    await finish(station, run, tmp_path, tool=tool, lost=0)
    assert len(station.desk.calls(run.id)) == STEPS
    assert station.run(run).attempt == 2


@pytest.mark.parametrize("nth", some(COMMITS, 3))
async def test_a_commit_that_a_kill_interrupts_has_not_been(station: Station, tmp_path: Path, nth: int) -> None:
    run = await station.submit(tool="mark", steps=STEPS, heavy_at=AT)
    station.work("inside commit", nth=nth)
    station.work()
    await station.answer()
    station.work()
    assert station.run(run).state is RunState.DONE
    station.check_effects(run, tool="mark", count=STEPS)
    station.check_over(tmp_path)
