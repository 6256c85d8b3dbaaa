"""What an attempt asks at every step is answered from memory, and as the journal would."""

import pytest

from journal.desk import Desk


def test_an_attempts_run_is_remembered_with_its_secret(desk: Desk) -> None:
    attempt = desk.begin()
    before = desk.journal.underway.run(desk.run_id, attempt)
    assert before == desk.run
    desk.begin()
    assert desk.journal.underway.run(desk.run_id, attempt) == before
    assert desk.journal.underway.run(desk.run_id, attempt + 1) == desk.run


def test_an_attempt_that_does_not_hold_the_pen_is_not_remembered(desk: Desk) -> None:
    attempt = desk.begin()
    assert desk.journal.underway.run(desk.run_id, attempt + 1) == desk.run
    desk.park(attempt)
    assert desk.journal.underway.run(desk.run_id, attempt) == desk.run
    assert desk.begin() == attempt + 1
    assert desk.journal.underway.run(desk.run_id, attempt + 1) == desk.run
    assert desk.journal.underway.run("run_none", 1) is None


def test_recent_actions_are_those_just_before_newest_first(desk: Desk) -> None:
    attempt = desk.begin()
    for step in range(1, 6):
        desk.store.commit(desk.open_step(attempt, step=step, asked=f"a{step}"))
    recent = desk.journal.underway.recent
    assert recent(desk.run_id, attempt, 6, 3) == (None, ["a5", "a4", "a3"])
    assert recent(desk.run_id, attempt, 5, 3) == (desk.step(5), ["a4", "a3", "a2"])
    assert recent(desk.run_id, attempt, 1, 3) == (desk.step(1), [])
    assert [row.step for row in desk.journal.steps(desk.run_id)] == [1, 2, 3, 4, 5]
    assert desk.journal.step(desk.run_id, 6) is None


def take(desk: Desk, attempt: int, step: int, asked: str) -> None:
    """Takes a step as the gateway does: looks, commits, remembers."""
    desk.journal.underway.recent(desk.run_id, attempt, step, 3)
    desk.store.commit(desk.open_step(attempt, step=step, asked=asked))
    desk.journal.underway.taken(desk.run_id, attempt, step, asked)


def test_what_an_attempt_has_not_asked_for_yet_is_new_without_a_look(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = desk.begin()
    take(desk, attempt, 1, "a1")
    monkeypatch.setattr(desk.store.database, "read", None)
    for step in range(2, 6):
        take(desk, attempt, step, f"a{step}")
    assert desk.journal.underway.recent(desk.run_id, attempt, 6, 3) == (None, ["a5", "a4", "a3"])


def test_a_step_asked_for_again_is_looked_up(desk: Desk) -> None:
    attempt = desk.begin()
    take(desk, attempt, 1, "a1")
    assert desk.journal.underway.recent(desk.run_id, attempt, 2, 3) == (None, ["a1"])
    desk.store.commit(desk.open_step(attempt, step=2, asked="a2"))
    assert desk.journal.underway.recent(desk.run_id, attempt, 2, 3) == (desk.step(2), ["a1"])


def test_steps_taken_side_by_side_come_in_their_order(desk: Desk) -> None:
    attempt = desk.begin()
    recent = desk.journal.underway.recent
    for step in (1, 2, 3):
        recent(desk.run_id, attempt, step, 3)
    for step in (1, 3, 2):  # the second waited for a lock
        desk.store.commit(desk.open_step(attempt, step=step, asked=f"a{step}"))
        desk.journal.underway.taken(desk.run_id, attempt, step, f"a{step}")
    assert recent(desk.run_id, attempt, 4, 3) == (None, ["a3", "a2", "a1"])


def test_the_next_attempt_looks_at_what_was_done_before_it(desk: Desk) -> None:
    attempt = desk.begin()
    take(desk, attempt, 1, "a1")
    take(desk, attempt, 2, "a2")
    again = desk.begin()
    recent = desk.journal.underway.recent
    assert recent(desk.run_id, again, 1, 3) == (desk.step(1), [])
    assert recent(desk.run_id, again, 2, 3) == (desk.step(2), ["a1"])
    assert recent(desk.run_id, again, 3, 3) == (None, ["a2", "a1"])
