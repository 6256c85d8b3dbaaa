"""Either engine drives what it is handed, once, and leaves to the next start what it could not end."""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS, WorkflowStatus
from tests.runtime.engines import (
    CONCURRENCY,
    DONE,
    KINDS,
    Door,
    Kind,
    asks,
    at_work,
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
from tests.runtime.relay import CARA, Desk

from remit.core import ConflictError
from remit.journal import RunState
from remit.runtime import RunHandle
from remit.runtime.dbos_engine import QUEUE, WORKFLOW

pytestmark = pytest.mark.slow

either = pytest.mark.parametrize("kind", KINDS)


def entries(*status: str) -> list[WorkflowStatus]:
    """Returns what is in the queue of the engine at work; DBOS is asked from a thread without an event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(DBOS.list_workflows, status=list(status) or None).result()


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
        assert [engine.dispatch(run.id) for _ in range(5)] == [True, False, False, False, False]
        runs = await asyncio.gather(*(engine.drive(run.id) for _ in range(5)))
        assert {(each.state, each.attempt) for each in runs} == {(RunState.DONE, 1)}
        assert len(desk.calls) == 2


@either
async def test_a_run_whose_answer_comes_goes_on(tmp_path: Path, kind: Kind) -> None:
    async with open_cell(tmp_path, giver=asks) as cell, at_work(cell, kind) as engine:
        run = await engine.drive((await submit(cell)).id)
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
            assert (await engine.drive(run.id)).state is RunState.DONE
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
        done = await asyncio.gather(*(engine.drive(run.id) for run in runs))
        assert {run.state for run in done} == {RunState.DONE}
        assert len(desk.calls) == len(runs)


@either
async def test_a_caller_that_goes_away_does_not_end_the_attempt(tmp_path: Path, kind: Kind) -> None:
    door = Door()
    async with open_cell(tmp_path, server=door, giver=looks) as cell, at_work(cell, kind) as engine:
        run = await submit(cell)
        stays, goes = (asyncio.create_task(engine.drive(run.id)) for _ in range(2))
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
async def test_an_attempt_that_is_broken_off_goes_on_with_the_next_start(tmp_path: Path, kind: Kind) -> None:
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
            assert (await engine.drive(run.id)).state is RunState.DONE


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
        other = await engine.drive((await submit(cell)).id)
        assert other.state is RunState.DONE
        assert (await until_run(cell, run)).attempt == 2
        assert "the disk is full" in caplog.text


@either
async def test_a_run_that_does_not_exist_is_told_of_once(
    tmp_path: Path, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_cell(tmp_path, giver=pays) as cell, at_work(cell, kind) as engine:
        room = engine.room()
        engine.dispatch("run_nowhere")
        await until(lambda: "run_nowhere could not be driven" in caplog.text)
        assert (await engine.drive((await submit(cell)).id)).state is RunState.DONE
        await until(lambda: engine.room() == room)
    assert caplog.text.count("could not be driven") == 1


# --- the durable one


@pytest.mark.slow
async def test_what_was_queued_is_driven_by_the_next_start_without_being_asked_for(tmp_path: Path) -> None:
    door, go = Door(), asyncio.Event()

    async def waits(run: RunHandle) -> Any:
        await go.wait()
        return DONE

    async with open_cell(tmp_path, server=door, giver=looks, taker=waits) as cell:
        async with at_work(cell, "dbos", concurrency=2) as engine:
            long, short, *rest = [await submit(cell, agent) for agent in ("giver", "taker", "giver", "giver")]
            for run in (long, short):
                engine.dispatch(run.id)
            await until(lambda: len(entries("PENDING")) == 2)
            for run in rest:
                engine.dispatch(run.id)
            await until(lambda: len(entries("ENQUEUED")) == 2)
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
        async with at_work(cell, "dbos"):
            for run in rest:
                assert (await until_run(cell, run)).attempt == 1


@pytest.mark.slow
async def test_a_queue_that_was_deleted_between_two_starts_has_lost_nothing(tmp_path: Path) -> None:
    async with open_cell(tmp_path, giver=asks, taker=pays) as cell:
        async with at_work(cell, "dbos", concurrency=1) as engine:
            waiting = await engine.drive((await submit(cell)).id)
        queued = await submit(cell, "taker")
        for file in cell.folder.glob("queue.db*"):
            file.unlink()
        (asked,) = cell.parts.approvals.of_run(waiting.id)
        await cell.operations.answer(asked.id, person=CARA, answer="approve")
        async with worker_on(cell, "dbos"):
            await until_run(cell, waiting)
            await until_run(cell, queued)


@pytest.mark.slow
async def test_what_dead_processes_had_begun_is_taken_out_of_the_queue(tmp_path: Path) -> None:
    door = Door()
    async with open_cell(tmp_path, server=door, giver=looks) as cell, at_work(cell, "dbos") as engine:
        run = await submit(cell)
        engine.dispatch(run.id)
        await until(lambda: bool(door.calls))
        gone = cell.runtime.executor
        assert [each.executor_id for each in entries("PENDING")] == [gone]
    door.open.set()
    async with open_cell(tmp_path, server=door, giver=looks) as cell, at_work(cell, "dbos") as engine:
        assert cell.runtime.executor != gone
        assert entries() == []
        assert (await engine.drive(run.id)).state is RunState.DONE


@pytest.mark.slow
async def test_finished_entries_do_not_pile_up(tmp_path: Path) -> None:
    async with open_cell(tmp_path, giver=pays) as cell, at_work(cell, "dbos") as engine:
        for _ in range(5):
            await engine.drive((await submit(cell)).id)
        assert entries() != []
        await until(lambda: entries() == [])


@pytest.mark.slow
async def test_an_entry_the_queue_has_lost_is_queued_again(tmp_path: Path) -> None:
    door = Door()
    async with open_cell(tmp_path, server=door, giver=looks) as cell, worker_on(cell, "dbos"):
        runs = [await submit(cell) for _ in range(CONCURRENCY + 1)]
        await until(lambda: len(door.calls) == CONCURRENCY and len(entries("ENQUEUED")) == 1)
        (lost,) = entries("ENQUEUED")
        await DBOS.delete_workflows_async([lost.workflow_id])
        await until(lambda: len(entries("ENQUEUED")) == 1)
        door.open.set()
        for run in runs:
            await until_run(cell, run)
        assert len(set(door.calls)) == len(door.calls)


@pytest.mark.slow
async def test_a_second_entry_of_a_run_under_way_ends_nothing(tmp_path: Path) -> None:
    door = Door()
    async with open_cell(tmp_path, server=door, giver=looks) as cell, at_work(cell, "dbos") as engine:
        run = await submit(cell)
        engine.dispatch(run.id)
        await until(lambda: bool(door.calls))
        room, driving = engine.room(), asyncio.create_task(engine.drive(run.id))
        await DBOS.enqueue_workflow_with_options_async({"queue_name": QUEUE, "workflow_name": WORKFLOW}, run.id)
        await until(lambda: len(entries("SUCCESS")) == 1)
        assert (engine.room(), driving.done()) == (room, False)
        door.open.set()
        assert (await driving).attempt == 1


async def test_the_queue_notes_attempts_only_never_steps_or_children(tmp_path: Path) -> None:
    async with open_cell(tmp_path, giver=hands_over, taker=looks) as cell, at_work(cell, "dbos") as engine:
        run = await submit(cell)
        engine.dispatch(run.id)
        await until_run(cell, run)
        with sqlite3.connect(cell.folder / "queue.db") as queue:
            assert queue.execute("select count(*) from operation_outputs").fetchone() == (0,)
        queue.close()


async def test_two_engines_in_one_process_are_refused(tmp_path: Path) -> None:
    async with open_cell(tmp_path / "one", giver=pays) as cell, at_work(cell, "dbos") as engine:
        async with open_cell(tmp_path / "two", giver=pays) as other:
            second = new_engine(other, "dbos")
            with pytest.raises(ConflictError, match="in this process"):
                await second.start()
            await second.close()
        assert (await engine.drive((await submit(cell)).id)).state is RunState.DONE


async def test_the_event_loop_keeps_its_own_threads(tmp_path: Path) -> None:
    async with open_cell(tmp_path, giver=pays) as cell:
        async with at_work(cell, "dbos") as engine:
            await engine.drive((await submit(cell)).id)
        assert await asyncio.to_thread(lambda: "still there") == "still there"
