"""One row per step: opened by the attempt that holds the pen, closed once, never decided twice."""

import pytest

from journal.desk import ASKED, Desk
from remit.journal import StepState

DECIDED = "the step was decided already, or another attempt has taken over"


def test_a_step_is_decided_then_done(desk: Desk) -> None:
    desk.store.commit(desk.open_step(desk.begin()))
    assert desk.step().state is StepState.DECIDED
    desk.store.commit(desk.close_step())
    row = desk.step()
    assert (row.state, row.result, row.is_error, row.cost) == (StepState.DONE, "done", False, 5)
    assert row.ended_at == desk.clock.now()


@pytest.mark.parametrize("state", ["decided", "done", "denied", "unknown"])
def test_a_step_that_is_not_waiting_is_not_opened_again(desk: Desk, state: str) -> None:
    attempt = desk.begin()
    if state == "denied":
        desk.store.commit(desk.deny_step(attempt))
    else:
        desk.store.commit(desk.open_step(attempt))
    if state == "done":
        desk.store.commit(desk.close_step())
    if state == "unknown":
        desk.store.commit(desk.doubt_step())
    before = desk.step()
    assert desk.store.refusal(desk.open_step(attempt)) == DECIDED
    assert desk.store.refusal(desk.deny_step(attempt)) == DECIDED
    assert desk.store.refusal(desk.act_on_step()) == DECIDED
    assert desk.step() == before


def test_a_waiting_step_is_opened_again_by_the_next_attempt(desk: Desk) -> None:
    attempt = desk.begin()
    desk.store.commit(desk.open_step(attempt, state="waiting", approval="apr_1"))
    desk.park(attempt)
    desk.store.commit(desk.open_step(desk.begin(), judged="edited", decision="dec_2", approval="apr_1"))
    row = desk.step()
    assert (row.state, row.asked, row.judged, row.decision) == (StepState.DECIDED, ASKED, "edited", "dec_2")


def test_a_waiting_step_is_opened_again_only_for_what_was_asked(desk: Desk) -> None:
    attempt = desk.begin()
    desk.store.commit(desk.open_step(attempt, state="waiting"))
    assert desk.store.refusal(desk.open_step(attempt, asked="hmac-sha256:other")) == DECIDED
    assert desk.store.refusal(desk.deny_step(attempt, asked="hmac-sha256:other")) == DECIDED
    assert desk.step().state is StepState.WAITING


def test_two_decisions_of_one_step_at_once_let_one_stand(desk: Desk) -> None:
    attempt = desk.begin()
    answers = desk.store.at_once(*[[desk.open_step(attempt, decision=f"dec_{n}")] for n in range(5)])
    assert sorted(answers) == ["", *[DECIDED] * 4]
    assert desk.step().decision == f"dec_{answers.index('')}"


def test_a_step_is_closed_once(desk: Desk) -> None:
    assert desk.store.refusal(desk.close_step()) == DECIDED
    desk.store.commit(desk.open_step(desk.begin()))
    answers = desk.store.at_once(*[[desk.close_step(result=f"result {n}")] for n in range(5)])
    assert sorted(answers) == ["", *[DECIDED] * 4]
    assert desk.step().result == f"result {answers.index('')}"


def test_an_effect_that_took_place_is_kept_even_when_its_attempt_was_overtaken(desk: Desk) -> None:
    desk.store.commit(desk.open_step(desk.begin()))
    desk.begin()
    desk.store.commit(desk.close_step())
    assert desk.step().state is StepState.DONE


@pytest.mark.parametrize("state", ["waiting", "denied", "done"])
def test_only_a_decided_step_is_doubted(desk: Desk, state: str) -> None:
    attempt = desk.begin()
    if state == "denied":
        desk.store.commit(desk.deny_step(attempt))
    else:
        desk.store.commit(desk.open_step(attempt, state="waiting" if state == "waiting" else "decided"))
    if state == "done":
        desk.store.commit(desk.close_step())
    assert desk.store.refusal(desk.doubt_step()) == DECIDED
    if state != "done":
        assert desk.store.refusal(desk.close_step()) == DECIDED
    assert desk.step().state == state


def test_a_doubted_step_is_closed_when_somebody_knows(desk: Desk) -> None:
    desk.store.commit(desk.open_step(desk.begin()))
    desk.store.commit(desk.doubt_step())
    assert (desk.step().state, desk.step().approval) == (StepState.UNKNOWN, "apr_1")
    assert desk.store.refusal(desk.doubt_step()) == DECIDED
    assert desk.store.refusal(desk.close_step()) == DECIDED
    desk.store.commit(desk.close_step(result="it did happen", query="close_doubted"))
    assert desk.step().result == "it did happen"


def test_a_refused_step_keeps_what_was_told(desk: Desk) -> None:
    desk.store.commit(desk.deny_step(desk.begin()))
    row = desk.step()
    assert (row.state, row.result, row.refused_at, row.ended_at) == (StepState.DENIED, "told", 6, desk.clock.now())


def test_a_waiting_step_is_refused_when_its_answer_is_no(desk: Desk) -> None:
    attempt = desk.begin()
    desk.store.commit(desk.open_step(attempt, state="waiting"))
    desk.store.commit(desk.deny_step(attempt, decision="dec_2"))
    assert (desk.step().state, desk.step().decision) == (StepState.DENIED, "dec_2")


def test_a_person_acts_on_a_proposal_while_the_run_waits(desk: Desk) -> None:
    attempt = desk.begin()
    desk.store.commit(desk.open_step(attempt, state="waiting"))
    desk.park(attempt)
    desk.store.commit(desk.act_on_step())
    assert (desk.step().state, desk.step().decision) == (StepState.DECIDED, "dec_2")
    assert desk.store.refusal(desk.act_on_step()) == DECIDED


def test_nobody_acts_on_a_proposal_of_a_run_that_is_over(desk: Desk) -> None:
    attempt = desk.begin()
    desk.store.commit(desk.open_step(attempt, state="waiting"))
    desk.park(attempt)
    desk.store.commit(desk.journal.cancel(desk.run_id, "not needed"))
    assert desk.store.refusal(desk.act_on_step()) == DECIDED


def test_a_value_is_kept_once(desk: Desk) -> None:
    attempt = desk.begin()
    desk.store.commit(desk.keep_value(attempt))
    row = desk.step()
    assert (row.kind, row.state, row.result) == ("value", StepState.DONE, "kept")
    assert desk.store.refusal(desk.keep_value(attempt)) == DECIDED
