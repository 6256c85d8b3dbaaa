"""Either engine drives what it is handed, once, and leaves to the next start what it could not end."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.engines import (
    CONCURRENCY,
    DONE,
    KINDS,
    Door,
    Kind,
    asks,
    at_work,
    drive,
    hands_over,
    looks,
    open_cell,
    pays,
    submit,
    until,
    until_run,
    worker_on,
)
from tests.runtime.relay import CARA, Desk

from remit.core import ConflictError
from remit.journal import RunState
from remit.runtime import RunHandle

pytestmark = pytest.mark.slow

either = pytest.mark.parametrize("kind", KINDS)


# --- both


@either
async def test_a_dispatched_run_is_driven_to_its_end(tmp_path: Path, kind: Kind) -> None:
    async with open_cell(tmp_path, giver=pays) as cell, at_work(cell, kind) as engine:
        run = await submit(cell)
        engine.dispatch(run.id)
        run = await until_run(cell, run)
        assert cell.parts.journal.task(run.task).outcome == "success"


@either
async def test_a_run_dispatched_many_times_at_once_is_driven_once(tmp_path: Path, kind: Kind) -> None:
    desk = Desk()
    async with open_cell(tmp_path, server=desk, giver=looks) as cell, at_work(cell, kind) as engine:
        run = await submit(cell)
        told = [engine.dispatch(run.id) for _ in range(5)]
        assert told == (
            [True, False, False, False, False] if kind == "inline" else [False] * 5
        )  # it has claimed none yet
        runs = await asyncio.gather(*(drive(engine, cell, run) for _ in range(5)))
        assert {(each.state, each.attempt) for each in runs} == {(RunState.DONE, 1)}
        assert len(desk.calls) == 2


@either
async def test_a_run_whose_answer_comes_goes_on(tmp_path: Path, kind: Kind) -> None:
    async with open_cell(tmp_path, giver=asks) as cell, at_work(cell, kind) as engine:
        run = await drive(engine, cell, await submit(cell))
        assert run.state is RunState.WAITING
        (asked,) = cell.parts.approvals.of_run(run.id)
        await cell.operations.answer(asked.id, person=CARA, answer="approve")
        engine.dispatch(run.id)
        assert (await until_run(cell, run)).attempt == 2


@either
@pytest.mark.parametrize("waited_for", [True, False], ids=["waited for", "dispatched"])
async def test_whoever_is_handed_the_work_is_driven_and_the_giver_goes_on(
    tmp_path: Path, kind: Kind, waited_for: bool
) -> None:
    async with open_cell(tmp_path, giver=hands_over, taker=looks) as cell, at_work(cell, kind) as engine:
        run = await submit(cell)
        if waited_for:
            assert (await drive(engine, cell, run)).state is RunState.DONE
        else:
            engine.dispatch(run.id)
            await until_run(cell, run)
        (child,) = cell.parts.journal.children(run.id)
        assert (child.agent, child.state) == ("taker", RunState.DONE)
        assert cell.parts.journal.run(run.id).attempt == 2


@either
async def test_room_shrinks_with_what_is_under_way_and_grows_back(tmp_path: Path, kind: Kind) -> None:
    door = Door()
    async with open_cell(tmp_path, server=door, giver=looks) as cell, at_work(cell, kind) as engine:
        empty = engine.room()
        assert empty >= CONCURRENCY
        runs = [await submit(cell) for _ in range(CONCURRENCY)]
        for run in runs:
            engine.dispatch(run.id)
        await until(lambda: len(door.calls) == CONCURRENCY)
        assert engine.room() == empty - CONCURRENCY
        door.open.set()
        for run in runs:
            await until_run(cell, run)
        await until(lambda: engine.room() == empty)


@either
async def test_more_runs_than_there_is_room_for_are_driven_all_the_same(tmp_path: Path, kind: Kind) -> None:
    desk = Desk()
    async with open_cell(tmp_path, server=desk, giver=pays) as cell, at_work(cell, kind) as engine:
        runs = [await submit(cell) for _ in range(8 * CONCURRENCY)]
        done = await asyncio.gather(*(drive(engine, cell, run) for run in runs))
        assert {run.state for run in done} == {RunState.DONE}
        assert len(desk.calls) == len(runs)


@either
async def test_a_caller_that_goes_away_does_not_end_the_attempt(tmp_path: Path, kind: Kind) -> None:
    door = Door()
    async with open_cell(tmp_path, server=door, giver=looks) as cell, at_work(cell, kind) as engine:
        run = await submit(cell)
        stays, goes = (asyncio.create_task(drive(engine, cell, run)) for _ in range(2))
        await until(lambda: bool(door.calls))
        goes.cancel()
        await asyncio.gather(goes, return_exceptions=True)
        door.open.set()
        run = await stays
        assert (run.state, run.attempt) == (RunState.DONE, 1)


@either
async def test_drain_waits_for_what_has_begun(tmp_path: Path, kind: Kind) -> None:
    door = Door()
    async with open_cell(tmp_path, server=door, giver=looks) as cell, at_work(cell, kind) as engine:
        run = await submit(cell)
        engine.dispatch(run.id)
        await until(lambda: bool(door.calls))
        await engine.drain(0.1)
        draining = asyncio.create_task(engine.drain(30))
        await asyncio.sleep(0.1)
        assert not draining.done()
        door.open.set()
        await draining
        assert cell.parts.journal.run(run.id).state is RunState.DONE


@either
async def test_an_attempt_that_is_broken_off_goes_on_with_the_next_start(
    tmp_path: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("remit.app.cell.LAST_OUTCOMES", 0.5)  # none comes as long as the door is closed
    door = Door()
    async with open_cell(tmp_path, server=door, giver=looks) as cell:
        async with at_work(cell, kind) as engine:
            run = await submit(cell)
            engine.dispatch(run.id)
            await until(lambda: bool(door.calls))
        assert cell.parts.journal.run(run.id).state is RunState.RUNNING
        assert f"drive {run.id}" not in {task.get_name() for task in asyncio.all_tasks()}
    door.open.set()
    async with open_cell(tmp_path, server=door, giver=looks) as cell, worker_on(cell, kind):
        assert (await until_run(cell, run)).attempt == 2
    assert len(set(door.calls)) == 2, "one key for each step"


@either
async def test_an_engine_that_is_closed_leaves_runs_in_the_journal(tmp_path: Path, kind: Kind) -> None:
    async with open_cell(tmp_path, giver=pays) as cell:
        async with at_work(cell, kind) as engine:
            pass
        run = await submit(cell)
        assert not engine.dispatch(run.id)
        with pytest.raises(ConflictError):
            await engine.drive(run.id)
        await engine.close()
        assert cell.parts.journal.ready_runs() == [run.id]
        async with at_work(cell, kind) as engine:
            assert (await drive(engine, cell, run)).state is RunState.DONE


@either
@pytest.mark.parametrize("waited_for", [True, False], ids=["waited for", "dispatched"])
async def test_a_fault_of_the_runtime_ends_neither_the_engine_nor_the_run(
    tmp_path: Path, kind: Kind, waited_for: bool, caplog: pytest.LogCaptureFixture
) -> None:
    faults = [OSError("the disk is full")]

    def reach(point: str) -> None:
        if point == "after claim" and faults:
            raise faults.pop()

    async with open_cell(tmp_path, reach=reach, giver=pays) as cell, at_work(cell, kind) as engine:
        run = await submit(cell)
        if waited_for:
            await asyncio.gather(engine.drive(run.id), return_exceptions=True)
        else:
            engine.dispatch(run.id)
        await until(lambda: not faults)
        other = await drive(engine, cell, await submit(cell))
        assert other.state is RunState.DONE
        assert (await until_run(cell, run)).attempt == 2
        assert "the disk is full" in caplog.text


async def test_a_run_that_does_not_exist_is_told_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with open_cell(tmp_path, giver=pays) as cell, at_work(cell, "inline") as engine:
        room = engine.room()
        engine.dispatch("run_nowhere")
        await until(lambda: "run_nowhere could not be driven" in caplog.text)
        assert (await drive(engine, cell, await submit(cell))).state is RunState.DONE
        await until(lambda: engine.room() == room)
    assert caplog.text.count("could not be driven") == 1


# --- the one that claims


async def test_what_is_dispatched_begins_at_once_and_waits_for_nobody_to_look(tmp_path: Path) -> None:
    async with open_cell(tmp_path, giver=pays) as cell, at_work(cell, "claims") as engine:
        for _ in range(3):
            await asyncio.sleep(0.2)  # nothing is to be done meanwhile, and nobody looks
            run = await submit(cell)
            engine.dispatch(run.id)
            assert (await until_run(cell, run)).attempt == 1


async def test_a_slot_that_frees_is_filled_at_once_from_what_waits(tmp_path: Path) -> None:
    async with open_cell(tmp_path, giver=pays) as cell, at_work(cell, "claims", concurrency=1) as engine:
        runs = [await submit(cell) for _ in range(8)]
        engine.dispatch(runs[0].id)
        for run in runs:
            await until_run(cell, run)


async def test_what_did_not_begin_is_driven_by_the_next_start_without_being_asked_for(tmp_path: Path) -> None:
    door, go = Door(), asyncio.Event()

    async def waits(run: RunHandle) -> Any:
        await go.wait()
        return DONE

    async with open_cell(tmp_path, server=door, giver=looks, taker=waits) as cell:
        async with at_work(cell, "claims", concurrency=2) as engine:
            long, short = [await submit(cell, agent) for agent in ("giver", "taker")]
            engine.dispatch(long.id)
            await until(lambda: engine.room() == 0)
            rest = [await submit(cell) for _ in range(2)]
            for run in rest:
                engine.dispatch(run.id)
            draining = asyncio.create_task(engine.drain(30))
            await asyncio.sleep(0.3)
            go.set()
            await until_run(cell, short)
            await asyncio.sleep(0.3)
            states = {cell.parts.journal.run(run.id).state for run in rest}
            assert states == {RunState.QUEUED}, "a draining engine takes nothing more"
            door.open.set()
            await draining
        assert cell.parts.journal.run(long.id).state is RunState.DONE
        async with worker_on(cell, "claims"):
            for run in rest:
                assert (await until_run(cell, run)).attempt == 1


async def test_the_queue_file_of_an_earlier_version_is_left_alone_and_what_waited_in_it_goes_on(tmp_path: Path) -> None:
    async with open_cell(tmp_path, giver=asks, taker=pays) as cell:
        async with at_work(cell, "claims") as engine:
            waiting = await drive(engine, cell, await submit(cell))
        queued = await submit(cell, "taker")
        (asked,) = cell.parts.approvals.of_run(waiting.id)
        await cell.operations.answer(asked.id, person=CARA, answer="approve")
        with closing(sqlite3.connect(cell.folder / ".remit" / "queue.db")) as queue:
            queue.execute("create table workflow_status (workflow_uuid text, status text, inputs text)")
            queue.execute("insert into workflow_status values ('1', 'ENQUEUED', ?)", (queued.id,))
            queue.commit()
        left = (cell.folder / ".remit" / "queue.db").read_bytes()
    async with open_cell(tmp_path, giver=asks, taker=pays) as cell, worker_on(cell, "claims"):
        assert (await until_run(cell, waiting)).attempt == 2
        assert (await until_run(cell, queued)).attempt == 1
        assert (cell.folder / ".remit" / "queue.db").read_bytes() == left
