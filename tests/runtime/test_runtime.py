"""Tasks are taken on once, attempts hold the pen one at a time, and a run that was stopped goes on later."""

import asyncio
import os
from pathlib import Path

import pytest
from tests.gateway.desk import ANN, CARA, Crash, Slow, Till
from tests.runtime.workshop import RUDE_MORE, Script, open_workshop, outcome, work

from remit.core import HOUR, SECOND, InputError, NotFoundError, RefusedError
from remit.identity import issue_secret
from remit.journal import RunState
from remit.journal import here as journal_here
from remit.store import Commit, CommitRefused
from remit.testing import SettableClock, says

VALUE = {"order_id": "R-1", "message": "please"}
CAREFUL = "models: {turns: 6}\ncode: tests.runtime.agents:careful"
LOOK_AND_TELL = ("`shop__get_order` — look.", "model — tell.")
PATIENCE = 6 * SECOND
FINAL = says('{"resolved": true, "text": "please wait"}')


async def test_a_key_that_was_seen_before_starts_nothing_new(tmp_path: Path) -> None:
    async with open_workshop(tmp_path) as cell:
        first = await cell.operations.submit("refund-desk", VALUE, on_behalf_of=ANN, dedup="event-1")
        second = await cell.operations.submit("refund-desk", VALUE, on_behalf_of=ANN, dedup="event-1")
        assert (first.is_new, second.is_new) == (True, False)
        assert second.run.id == first.run.id
        other = await cell.operations.submit("refund-desk", VALUE, on_behalf_of=ANN, dedup="event-2")
        assert other.is_new


async def test_one_key_starts_one_task_however_many_ask_at_once(tmp_path: Path) -> None:
    async with open_workshop(tmp_path) as cell:
        submit = cell.operations.submit
        started = await asyncio.gather(
            *(submit("refund-desk", VALUE, on_behalf_of=ANN, dedup="event-1") for _ in range(16))
        )
        assert len({each.run.id for each in started}) == 1
        assert sum(each.is_new for each in started) == 1
        assert len(cell.parts.journal.runs()) == 1


@pytest.mark.parametrize("value", [{}, {"order_id": "R-1"}, {**VALUE, "more": 1}, {**VALUE, "category": "praise"}])
async def test_an_input_that_does_not_fit_starts_nothing(tmp_path: Path, value: dict[str, object]) -> None:
    async with open_workshop(tmp_path) as cell:
        with pytest.raises(InputError, match="does not fit the contract"):
            await cell.operations.submit("refund-desk", value, on_behalf_of=ANN)
        with pytest.raises(NotFoundError):
            await cell.operations.submit("nobody", VALUE, on_behalf_of=ANN)
        assert cell.parts.journal.runs() == []


@pytest.mark.parametrize("message", [float("nan"), "\ud800", {1, 2}], ids=["nan", "half-a-character", "set"])
async def test_an_input_that_is_not_json_starts_nothing(tmp_path: Path, message: object) -> None:
    async with open_workshop(tmp_path) as cell:
        with pytest.raises(InputError, match="not JSON"):
            await cell.operations.submit("refund-desk", {**VALUE, "message": message}, on_behalf_of=ANN)


async def test_while_a_switch_is_pulled_no_work_is_taken(tmp_path: Path) -> None:
    async with open_workshop(tmp_path) as cell:
        await cell.operations.stop("unit:customer-care", because="stocktaking", by=CARA)
        with pytest.raises(RefusedError, match="stocktaking"):
            await cell.operations.submit("refund-desk", VALUE, on_behalf_of=ANN)
        assert cell.parts.journal.runs() == []


async def test_a_run_that_meets_a_switch_waits_and_goes_on_when_it_is_reset(tmp_path: Path) -> None:
    async with open_workshop(tmp_path, *LOOK_AND_TELL, model=Script(FINAL)) as cell:
        started = await cell.operations.submit("refund-desk", VALUE, on_behalf_of=ANN)
        await cell.operations.stop("fleet", because="stocktaking", by=CARA)
        run = await cell.operations.drive(started.run.id)
        assert run.state is RunState.WAITING
        assert "stocktaking" in run.reason
        await cell.operations.resume("fleet", because="counted", by=CARA)
        assert [each.id for each in cell.operations.waiting_runs()] == [run.id]
        run = await cell.operations.drive(run.id)
        assert run.state is RunState.DONE, run.reason


async def test_driving_a_run_twice_at_once_drives_it_once(tmp_path: Path) -> None:
    async with open_workshop(tmp_path, *LOOK_AND_TELL, model=Script(FINAL)) as cell:
        started = await cell.operations.submit("refund-desk", VALUE, on_behalf_of=ANN)
        runs = await asyncio.gather(*(cell.operations.drive(started.run.id) for _ in range(8)))
        assert {run.state for run in runs} == {RunState.DONE}
        assert runs[0].attempt == 1


@pytest.mark.parametrize(
    ("here", "heard_before", "ended", "state"),
    [
        (True, 0, False, RunState.DONE),
        (False, 0, False, RunState.RUNNING),
        (False, PATIENCE - 1, False, RunState.RUNNING),
        (False, PATIENCE, False, RunState.DONE),
        (False, 0, True, RunState.DONE),
    ],
    ids=["killed here", "just heard of", "heard of in time", "not heard of in time", "ended by itself"],
)
async def test_an_attempt_is_taken_over_once_its_process_is_gone(
    tmp_path: Path, here: bool, heard_before: int, ended: bool, state: RunState
) -> None:
    clock = SettableClock()
    gone = await asyncio.create_subprocess_exec("true")
    await gone.wait()
    executor = f"{journal_here() if here else 'elsewhere'}/{gone.pid}/x"
    async with open_workshop(tmp_path, *LOOK_AND_TELL, model=Script(FINAL), clock=clock) as cell:
        started = await cell.operations.submit("refund-desk", VALUE, on_behalf_of=ANN)
        parts = cell.parts
        beat, end = parts.executors.beat(executor), parts.executors.end(executor)
        begun = parts.journal.begin_attempt(started.run, issue_secret()[1], executor)
        await parts.writer.commit(Commit([*begun, beat]))
        if ended:
            await parts.writer.commit(Commit([end]))
        clock.advance(heard_before)
        assert (cell.runtime.left_runs() == [started.run.id]) is (state is RunState.DONE)
        run = await cell.engine.drive(started.run.id)
        assert run.state is state, run.reason
        assert run.attempt == (2 if state is RunState.DONE else 1)


@pytest.mark.parametrize(
    "well", ["elsewhere/1/well", f"{journal_here()}/{os.getppid()}/well"], ids=["elsewhere", "here"]
)
async def test_what_a_process_left_is_found_however_many_runs_others_drive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, well: str
) -> None:
    monkeypatch.setattr("remit.journal.executors.LEFT_LIMIT", 2)
    clock = SettableClock()
    async with open_workshop(tmp_path, *LOOK_AND_TELL, clock=clock) as cell:
        parts, left = cell.parts, ""
        for executor in (*[well] * 3, "elsewhere/2/gone"):
            left = (await cell.operations.submit("refund-desk", VALUE, on_behalf_of=ANN)).run.id
            begun = parts.journal.begin_attempt(parts.journal.run(left), issue_secret()[1], executor)
            await parts.writer.commit(Commit([*begun, parts.executors.beat(executor)]))
        clock.advance(PATIENCE)
        await parts.writer.commit(Commit([parts.executors.beat(well)]))
        assert cell.runtime.left_runs() == [left]
        own = parts.executors.left_runs(well, ())
        assert len(own) == 2, "to itself, it has left what it does not drive"
        assert [each.run.id for each in parts.executors.left_runs(well, {each.run.id for each in own})][-1] == left


async def test_an_attempt_whose_process_was_heard_of_meanwhile_is_not_taken_over(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_workshop(tmp_path, *LOOK_AND_TELL, clock=clock) as cell:
        started = await cell.operations.submit("refund-desk", VALUE, on_behalf_of=ANN)
        parts, executor = cell.parts, "elsewhere/1/x"
        begun = parts.journal.begin_attempt(started.run, issue_secret()[1], executor)
        await parts.writer.commit(Commit([*begun, parts.executors.beat(executor)]))
        clock.advance(PATIENCE)
        left = parts.executors.left(parts.journal.run(started.run.id), executor)
        assert left is not None
        await parts.writer.commit(Commit([parts.executors.beat(executor)]))
        refused = await parts.writer.commit(Commit(parts.journal.take_over(left, b"secret", "here/1/y")))
        assert isinstance(refused, CommitRefused)


async def test_a_run_that_broke_off_in_the_middle_of_a_write_makes_it_once(tmp_path: Path) -> None:
    shop = Till(failures=1, error=Crash())
    step = "`shop__issue_refund` with `amount = steps.1.amount`, `why = steps.1.why`"
    model = Script(says('{"amount": 5, "why": "x"}'), FINAL)
    async with open_workshop(tmp_path, "model — decide.", step, "model — tell.", server=shop, model=model) as cell:
        started = await cell.operations.submit("refund-desk", VALUE, on_behalf_of=ANN)
        with pytest.raises(Crash):
            await cell.runtime.drive(started.run.id)
        run = cell.parts.journal.run(started.run.id)
        assert run.state is RunState.RUNNING
        await cell.parts.writer.commit(Commit(cell.parts.journal.park(run.id, run.attempt, "its process is gone")))
        run = await cell.operations.drive(run.id)
        assert run.state is RunState.DONE, run.reason
        assert len({call.key for call in shop.effects}) == 1
        assert len(model.asked) == 2


async def test_an_attempt_that_broke_off_in_this_process_is_found_and_made_again(tmp_path: Path) -> None:
    shop = Till(failures=1, error=Crash())
    step = "`shop__issue_refund` with `amount = steps.1.amount`, `why = steps.1.why`"
    model = Script(says('{"amount": 5, "why": "x"}'), FINAL)
    async with open_workshop(tmp_path, "model — decide.", step, "model — tell.", server=shop, model=model) as cell:
        started = await cell.operations.submit("refund-desk", VALUE, on_behalf_of=ANN)
        with pytest.raises(Crash):
            await cell.runtime.drive(started.run.id)
        assert cell.runtime.left_runs() == [started.run.id]
        run = await cell.engine.drive(started.run.id)
        assert (run.state, run.attempt) == (RunState.DONE, 2)
        assert len({call.key for call in shop.effects}) == 1


async def test_a_run_that_is_cancelled_while_it_works_does_nothing_more(tmp_path: Path) -> None:
    shop = Slow()
    async with open_workshop(
        tmp_path, "model — decide.", "`shop__issue_refund`", "model — tell.", server=shop,
        model=Script(says('{"amount": 5, "why": "x"}')),
    ) as cell:  # fmt: skip
        started = await cell.operations.submit("refund-desk", VALUE, on_behalf_of=ANN)
        driving = asyncio.create_task(cell.operations.drive(started.run.id))
        await shop.begun.wait()
        cancelled = await cell.operations.cancel(started.run.id, because="wrong ticket", by=CARA)
        assert cancelled.state is RunState.CANCELLED
        shop.go.set()
        run = await driving
        assert run.state is RunState.CANCELLED
        assert run.reason == "wrong ticket"
        assert outcome(cell, run) == "cancelled"
        assert cell.parts.ledger.holds() == 0
        assert len(shop.effects) == 1


async def test_a_cancelled_run_takes_its_questions_with_it(tmp_path: Path) -> None:
    async with open_workshop(tmp_path, more=CAREFUL) as cell:
        run = await work(cell, order="R-2")
        assert run.state is RunState.WAITING
        await cell.operations.cancel(run.id, because="wrong ticket", by=CARA)
        assert cell.parts.approvals.listing(state="pending") == []


async def test_an_answer_nobody_looked_at_in_time_fails_the_run(tmp_path: Path) -> None:
    clock = SettableClock()
    model = Script(says("rude"))
    async with open_workshop(tmp_path, more=RUDE_MORE, model=model, clock=clock) as cell:
        run = await work(cell)
        assert run.state is RunState.WAITING, run.reason
        assert cell.operations.waiting_runs() == []
        clock.advance(24 * HOUR)
        assert [each.id for each in cell.operations.waiting_runs()] == [run.id]
        run = await cell.operations.drive(run.id)
        assert run.state is RunState.FAILED
        assert "in time" in run.reason
