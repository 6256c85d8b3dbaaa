"""Attempts hold the pen one at a time, and a run that is over stays over."""

import pytest

from journal.desk import Desk
from remit.core import MINUTE, SECOND, NotFoundError
from remit.journal import RunState

STALE = "stale attempt"
OVERTAKEN = "another attempt of this run has begun"


def test_a_new_run_is_queued_and_nobody_holds_the_pen(desk: Desk) -> None:
    assert (desk.run.state, desk.run.attempt, desk.run.secret) == (RunState.QUEUED, 0, None)
    assert desk.journal.counts() == {"queued": 1}
    assert desk.journal.open_runs() == []


def test_an_attempt_begins_and_is_on_record(desk: Desk) -> None:
    assert desk.begin("host/7/x") == 1
    assert (desk.run.state, desk.run.attempt, desk.run.secret) == (RunState.RUNNING, 1, b"secret")
    assert desk.journal.executor(desk.run_id, 1) == "host/7/x"
    assert desk.journal.executor(desk.run_id, 2) == ""
    assert [run.id for run in desk.journal.open_runs()] == [desk.run_id]


def test_two_callers_at_once_let_one_begin(desk: Desk) -> None:
    run = desk.run
    answers = desk.store.at_once(*[desk.journal.begin_attempt(run, bytes([n]), f"host/{n}/x") for n in range(5)])
    assert sorted(answers) == ["", *[OVERTAKEN] * 4]
    assert desk.run.attempt == 1
    assert desk.run.secret == bytes([answers.index("")])


def test_two_that_take_over_at_once_let_one_win(desk: Desk) -> None:
    desk.begin()
    run = desk.run
    answers = desk.store.at_once(*[desk.beginning(run, f"host/{n}/x") for n in range(5)])
    assert sorted(answers) == ["", *[OVERTAKEN] * 4]
    assert desk.run.attempt == 2


def test_an_attempt_that_was_overtaken_cannot_write(desk: Desk) -> None:
    old = desk.begin()
    new = desk.begin("host/2/y")
    assert desk.store.refusal(desk.open_step(old))
    assert desk.store.refusal(desk.deny_step(old))
    assert desk.store.refusal(desk.keep_value(old))
    assert desk.store.refusal(*desk.journal.park(desk.run_id, old, "approval")) == STALE
    assert desk.store.refusal(*desk.end(old)) == STALE
    assert desk.journal.steps(desk.run_id) == []
    desk.store.commit(desk.open_step(new))


def test_a_waiting_run_takes_no_steps_until_it_is_driven_again(desk: Desk) -> None:
    desk.park(desk.begin())
    assert (desk.run.state, desk.run.secret) == (RunState.WAITING, None)
    assert desk.store.refusal(desk.open_step(1))
    assert desk.begin() == 2
    desk.store.commit(desk.open_step(2))


@pytest.mark.parametrize("state", [RunState.DONE, RunState.FAILED])
def test_a_run_that_ended_is_over(desk: Desk, state: RunState) -> None:
    attempt = desk.begin()
    desk.store.commit(*desk.end(attempt, state))
    run = desk.run
    assert run.state is state
    assert run.state.is_over
    assert (run.secret, run.ended_at) == (None, desk.clock.now())
    assert desk.store.refusal(*desk.journal.begin_attempt(run, b"s", "host/1/x")) == OVERTAKEN
    assert desk.store.refusal(*desk.end(attempt)) == STALE
    assert desk.store.refusal(desk.open_step(attempt))
    assert desk.store.refusal(desk.journal.cancel(desk.run_id, "late")) == "the run is over already"


def test_cancelling_fences_the_running_attempt_off(desk: Desk) -> None:
    attempt = desk.begin()
    desk.store.commit(desk.journal.cancel(desk.run_id, "not needed"))
    assert (desk.run.state, desk.run.reason, desk.run.secret) == (RunState.CANCELLED, "not needed", None)
    assert desk.store.refusal(desk.open_step(attempt))
    assert desk.store.refusal(*desk.end(attempt)) == STALE
    assert desk.store.refusal(*desk.journal.begin_attempt(desk.run, b"s", "host/1/x")) == OVERTAKEN


def test_parked_time_is_not_working_time(desk: Desk) -> None:
    attempt = desk.begin()
    desk.clock.advance(3 * SECOND)
    assert desk.working_time() == 3 * SECOND
    desk.park(attempt)
    desk.clock.advance(60 * MINUTE)
    assert desk.working_time() == 3 * SECOND
    desk.begin()
    desk.clock.advance(2 * SECOND)
    assert desk.working_time() == 5 * SECOND


def test_a_cancelled_run_works_no_longer(desk: Desk) -> None:
    desk.begin()
    desk.clock.advance(3 * SECOND)
    assert desk.working_time() == 3 * SECOND
    desk.store.commit(desk.journal.cancel(desk.run_id, "not needed"))
    desk.clock.advance(60 * MINUTE)
    assert desk.working_time() == 3 * SECOND


def test_a_lost_attempt_worked_until_it_was_taken_over(desk: Desk) -> None:
    desk.begin()
    desk.clock.advance(3 * SECOND)
    desk.begin()
    desk.clock.advance(2 * SECOND)
    assert desk.working_time() == 5 * SECOND


def test_a_run_is_found_by_its_id_or_the_end_of_it(desk: Desk) -> None:
    assert desk.journal.run(desk.run_id).id == desk.run_id
    assert desk.journal.run(desk.run_id[-8:]).id == desk.run_id
    assert desk.journal.run(f"run_{desk.run_id[-8:]}").id == desk.run_id


@pytest.mark.parametrize("identifier", ["", "run_", "%", "_", "run_nothing", "nothing", "task_"])
def test_no_other_text_finds_a_run(desk: Desk, identifier: str) -> None:
    with pytest.raises(NotFoundError, match="No such run"):
        desk.journal.run(identifier)
    assert desk.journal.find_run(identifier) is None


def test_an_ending_that_several_runs_share_finds_none(desk: Desk) -> None:
    queued = [desk.journal.new_run(desk.task, agent="desk", version="1", release="r")[1] for _ in range(2)]
    twins = [{**each.parameters, "id": f"run_{n}abcdef12"} for n, each in enumerate(queued)]
    desk.store.commit(*[type(each)(each.query, twin) for each, twin in zip(queued, twins, strict=True)])
    with pytest.raises(NotFoundError, match="several runs end like this"):
        desk.journal.run("abcdef12")
    assert desk.journal.run("0abcdef12").id == "run_0abcdef12"


def test_runs_are_listed_newest_first_and_by_state(desk: Desk) -> None:
    desk.clock.advance(SECOND)
    later, queued = desk.journal.new_run(desk.task, agent="desk", version="1.0.0", release="sha256:r")
    desk.store.commit(queued)
    desk.begin()
    assert [run.id for run in desk.journal.runs()] == [later.id, desk.run_id]
    assert [run.id for run in desk.journal.runs(state="running")] == [desk.run_id]
    assert [run.id for run in desk.journal.runs(limit=1)] == [later.id]
    assert [run.id for run in desk.journal.runs_of(desk.task.id)] == [desk.run_id, later.id]
