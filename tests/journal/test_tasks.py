"""A task keeps its input under a name nobody can guess, and whom it is about."""

import pytest

from journal.desk import Desk
from remit.core import NotFoundError, RemitError
from remit.journal import Payload, name_of


def test_a_task_is_read_back_as_it_was_made(desk: Desk) -> None:
    assert desk.journal.task(desk.task.id) == desk.task
    assert desk.task.chain == ("ann",)
    assert desk.journal.content(desk.task.input) == {"order": "W1"}
    with pytest.raises(NotFoundError, match="No such task"):
        desk.journal.task("task_none")


def test_one_content_has_another_name_in_every_task(desk: Desk) -> None:
    other, _ = desk.journal.new_task(agent="desk", value={"order": "W1"}, on_behalf_of="ann")
    assert other.salt != desk.task.salt
    assert other.input != desk.task.input


def test_a_name_depends_on_salt_and_content_and_on_nothing_else() -> None:
    one = Payload.of({"a": 1, "b": 2}, task="t1", salt=b"s")
    assert Payload.of({"b": 2, "a": 1}, task="t2", salt=b"s", labels="pii").digest == one.digest
    assert Payload.of({"a": 1, "b": 3}, task="t1", salt=b"s").digest != one.digest
    assert Payload.of({"a": 1, "b": 2}, task="t1", salt=b"z").digest != one.digest
    assert one.digest == name_of(one.body, b"s")
    assert one.digest.startswith("hmac-sha256:")
    assert one.value() == {"a": 1, "b": 2}


def test_the_same_content_twice_is_kept_once(desk: Desk) -> None:
    payload = Payload.of(["again"], task=desk.task.id, salt=desk.task.salt)
    desk.store.commit(desk.journal.keep(payload), desk.journal.keep(payload))
    assert desk.journal.content(payload.digest) == ["again"]


def test_content_that_is_not_there_is_said_to_be_gone(desk: Desk) -> None:
    with pytest.raises(NotFoundError, match="erased or never kept"):
        desk.journal.content("hmac-sha256:none")


def test_a_subject_is_bound_once_and_the_first_stays(desk: Desk) -> None:
    assert desk.journal.subjects(desk.task.id) == {"user": "u1"}
    desk.store.commit(
        desk.journal.bind_subject(desk.task.id, "user", "u2", "run:3"),
        desk.journal.bind_subject(desk.task.id, "order", "W1", "run:3"),
        desk.journal.bind_subject(desk.task.id, "order", "W2", "run:4"),
    )
    assert desk.journal.subjects(desk.task.id) == {"user": "u1", "order": "W1"}


def test_two_that_bind_a_subject_at_once_let_the_first_stay(desk: Desk) -> None:
    desk.store.at_once(*[[desk.journal.bind_subject(desk.task.id, "order", f"W{n}", "x")] for n in range(5)])
    assert desk.journal.subjects(desk.task.id)["order"] == "W0"


def test_a_key_that_was_seen_before_finds_its_task_and_starts_no_other(desk: Desk) -> None:
    first, kept = desk.journal.new_task(agent="desk", value={}, on_behalf_of="ann", dedup="mail-7")
    _, again = desk.journal.new_task(agent="desk", value={}, on_behalf_of="ann", dedup="mail-7")
    desk.store.commit(*kept)
    with pytest.raises(RemitError, match="dedup"):
        desk.store.commit(*again)
    found = desk.journal.task_by_dedup("desk", "mail-7")
    assert found == first
    assert desk.journal.task_by_dedup("desk", "mail-8") is None
    assert (first.reference, desk.task.reference) == ("mail-7", desk.task.id)


def test_one_key_names_a_task_of_each_agent(desk: Desk) -> None:
    desk_task, kept = desk.journal.new_task(agent="desk", value={}, on_behalf_of="ann", dedup="mail-7")
    triage_task, too = desk.journal.new_task(agent="triage", value={}, on_behalf_of="ann", dedup="mail-7")
    desk.store.commit(*kept)
    assert desk.journal.task_by_dedup("triage", "mail-7") is None
    desk.store.commit(*too)
    assert desk.journal.task_by_dedup("desk", "mail-7") == desk_task
    assert desk.journal.task_by_dedup("triage", "mail-7") == triage_task


def test_a_task_is_closed_once(desk: Desk) -> None:
    desk.store.commit(desk.journal.end_task(desk.task.id, "done", "success"))
    desk.clock.advance(1)
    desk.store.commit(desk.journal.end_task(desk.task.id, "failed", "failure"))
    task = desk.journal.task(desk.task.id)
    assert (task.state, task.outcome, task.ended_at) == ("done", "success", desk.clock.now() - 1)


def test_a_chain_names_everybody_who_handed_the_work_on(desk: Desk) -> None:
    task, kept = desk.journal.new_task(agent="desk", value={}, on_behalf_of="ann", chain=("ann", "triage@1.0.0"))
    desk.store.commit(*kept)
    assert desk.journal.task(task.id).chain == ("ann", "triage@1.0.0")
