"""Feedback on the command line: what somebody served says of a task, one thing at a time."""

from pathlib import Path

import pytest

from journeys.command_line import Command

SMALL = '{"order_id": "R-1", "message": "Please refund 40.00 of my order R-1."}'


@pytest.fixture
def task(remit: Command, refunds: Path) -> str:
    """A task that is done."""
    return remit("run", "refund-desk", "--fleet", refunds, "--input", SMALL, "--json").value["task"]


def test_a_score_an_appeal_and_the_wish_for_a_person_are_handed_in(remit: Command, refunds: Path, task: str) -> None:
    def handed_in(*said: str) -> dict[str, object]:
        return remit("feedback", task[-8:], *said, "--fleet", refunds, "--json").value

    scored = handed_in("--satisfaction", "4", "--key", "survey-1")
    assert scored == {"task": task, "kind": "satisfaction", "score": 4, "is_new": True}
    assert handed_in("--satisfaction", "4", "--key", "survey-1") == {**scored, "is_new": False}
    assert handed_in("--appeal", "the lamp was broken")["kind"] == "appeal"
    assert handed_in("--person")["kind"] == "person"
    assert "satisfaction" in remit("feedback", task, "--satisfaction", "1", "--fleet", refunds).out


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ((), "Give --satisfaction 1..5, --appeal 'WORDS' or --person"),
        (("--satisfaction", "4", "--person"), "Say one thing at a time"),
        (("--satisfaction", "7"), "Write a whole number from 1 (worst) to 5 (best)"),
        (("--appeal", "x" * 4_001), "at most 4000 are kept"),
    ],
    ids=["nothing", "two things", "no such score", "too long"],
)
def test_what_cannot_be_counted_is_told(
    remit: Command, refunds: Path, task: str, given: tuple[str, ...], told: str
) -> None:
    ended = remit("feedback", task, *given, "--fleet", refunds)
    assert ended.code == 2
    assert told in " ".join(ended.err.split())


def test_a_task_nobody_knows_is_told(remit: Command, refunds: Path) -> None:
    ended = remit("feedback", "task_nobody", "--person", "--fleet", refunds)
    assert (ended.code, "No such task 'task_nobody'" in ended.err) == (2, True)
