"""A worker keeps a cell at work: it finds what can go on, whoever made it so, and does its chores in time."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.engines import (
    DONE,
    KINDS,
    Door,
    Kind,
    asks,
    hands_over,
    looks,
    new_engine,
    open_cell,
    pays,
    submit,
    until,
    until_run,
    worker_on,
)
from tests.runtime.relay import CARA

from remit.app import build
from remit.core import HOUR
from remit.identity import issue_secret
from remit.journal import RunState
from remit.runtime import Chore, RunHandle, Worker
from remit.store import Commit
from remit.testing import SettableClock

pytestmark = pytest.mark.slow

either = pytest.mark.parametrize("kind", KINDS)


async def sleeps(run: RunHandle) -> Any:
    """Goes on an hour later."""
    await run.sleep(3_600)
    return DONE


@either
async def test_queued_runs_are_driven_without_being_dispatched(tmp_path: Path, kind: Kind) -> None:
    async with open_cell(tmp_path, giver=hands_over, taker=pays) as cell:
        before = await submit(cell)
        async with worker_on(cell, kind):
            after = await submit(cell)
            for run in (before, after):
                await until_run(cell, run)


@either
async def test_an_answer_that_another_connection_commits_lets_the_run_go_on(tmp_path: Path, kind: Kind) -> None:
    async with open_cell(tmp_path, giver=asks) as cell, worker_on(cell, kind):
        run = await until_run(cell, await submit(cell), RunState.WAITING)
        elsewhere = build(cell.folder)
        await elsewhere.operations.load()
        (asked,) = elsewhere.parts.approvals.of_run(run.id)
        await elsewhere.operations.answer(asked.id, person=CARA, answer="approve")
        await elsewhere.close()
        assert (await until_run(cell, run)).attempt == 2


@either
async def test_a_run_that_sleeps_wakes_in_time_and_not_before(
    tmp_path: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Beside others on PostgreSQL a worker ends when its clock jumps by half of their patience.
    monkeypatch.setenv("REMIT_LIMITS__EXECUTOR_SECONDS", str(3 * 3_600))
    clock = SettableClock()
    async with open_cell(tmp_path, clock=clock, giver=sleeps) as cell, worker_on(cell, kind):
        run = await until_run(cell, await submit(cell), RunState.WAITING)
        clock.advance(HOUR - 1)
        await asyncio.sleep(0.3)
        assert cell.parts.journal.run(run.id).attempt == 1
        clock.advance(1)
        assert (await until_run(cell, run)).attempt == 2


@either
async def test_what_a_dead_process_left_is_taken_over(tmp_path: Path, kind: Kind) -> None:
    gone = await asyncio.create_subprocess_exec("true")
    await gone.wait()
    async with open_cell(tmp_path, giver=pays) as cell:
        run, parts = await submit(cell), cell.parts
        executor = cell.runtime.executor.replace(cell.runtime.executor.split("/")[1], str(gone.pid))
        begun = parts.journal.begin_attempt(run, issue_secret()[1], executor)
        await parts.writer.commit(Commit([*begun, parts.executors.beat(executor)]))
        async with worker_on(cell, kind):
            assert (await until_run(cell, run)).attempt == 2


@either
async def test_chores_go_on_after_one_has_failed(tmp_path: Path, kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    async def fail() -> None:
        done.append("failed")
        raise OSError("no route to the printer")

    async def count() -> None:
        done.append("counted")

    chores = (Chore("print", 0.02, fail), Chore("count", 0.02, count))
    async with open_cell(tmp_path, giver=pays) as cell, worker_on(cell, kind, *chores):
        await until(lambda: min(done.count("failed"), done.count("counted")) > 2)
        await until_run(cell, await submit(cell))
    assert "print failed; it is tried again" in caplog.text


@either
async def test_a_worker_that_is_stopped_parks_what_is_under_way_for_somebody_else(tmp_path: Path, kind: Kind) -> None:
    door = Door()
    async with open_cell(tmp_path, server=door, giver=looks) as cell:
        async with worker_on(cell, kind) as worker:
            run = await submit(cell)
            await until(lambda: bool(door.calls))
            worker.stop()
            later = await submit(cell)
            await asyncio.sleep(0.2)
            door.open.set()
        states = {each.id: each.state for each in cell.parts.journal.runs()}
        assert states == {run.id: RunState.WAITING, later.id: RunState.QUEUED}
        assert sorted(cell.parts.journal.ready_runs()) == sorted(states)
    async with open_cell(tmp_path, server=door, giver=looks) as cell, worker_on(cell, kind):
        await until_run(cell, run)
        await until_run(cell, later)
    assert len(door.calls) == len(set(door.calls)) == 4


@either
async def test_a_worker_whose_task_is_cancelled_leaves_nothing_behind(tmp_path: Path, kind: Kind) -> None:
    door = Door()
    async with open_cell(tmp_path, server=door, giver=looks) as cell:
        worker = Worker(
            runtime=cell.runtime,
            engine=new_engine(cell, kind),
            executor_seconds=6,
            drain_seconds=5,
        )
        here, working = asyncio.all_tasks(), asyncio.create_task(worker.work())
        await submit(cell)
        await until(lambda: bool(door.calls))
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        left = asyncio.all_tasks() - here
        door.open.set()
        await asyncio.gather(*left)
    async with open_cell(tmp_path, server=door, giver=looks) as cell, worker_on(cell, kind):
        await until(lambda: cell.parts.journal.counts() == {"done": 1})


@either
async def test_what_was_left_is_left_to_others_where_its_release_is_not_loaded(tmp_path: Path, kind: Kind) -> None:
    async with open_cell(tmp_path, giver=pays) as cell:
        run, parts, gone = await submit(cell), cell.parts, "elsewhere/1/gone"
        await parts.writer.commit(Commit(parts.journal.begin_attempt(run, issue_secret()[1], gone)))
        missing = parts.releases.pop(run.release)
        async with worker_on(cell, kind):
            await asyncio.sleep(0.3)
            assert parts.journal.run(run.id).attempt == 1
            assert parts.executors.loaded() == {cell.runtime.executor: frozenset(parts.releases)}
            parts.releases[run.release] = missing
            await until_run(cell, run)
            assert parts.executors.loaded() == {cell.runtime.executor: frozenset(parts.releases)}
