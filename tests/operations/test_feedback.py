"""What those served say of a task: kept once, with its content, and on the record without a word of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import REFUNDS
from tests.operations.people import done_by, seen_by
from tests.runtime.workshop import work

from remit.app import Cell
from remit.core import ConflictError, InputError, NotFoundError, RefusedError
from remit.operations import LONGEST_WORDS
from remit.testing import open_fleet

WORDS = "Nobody asked me, Zacharias Quill, and the money is not there"


@pytest.fixture
async def cell(tmp_path: Path) -> AsyncIterator[Cell]:
    """The refund desk as it is shipped."""
    async with open_fleet(REFUNDS, tmp_path / "fleet") as opened:
        yield opened


async def a_task(cell: Cell) -> str:
    return (await work(cell, "Please refund 20")).task


async def test_it_is_shown_with_the_task_in_the_order_it_came_in(cell: Cell) -> None:
    task, desk = await a_task(cell), done_by(cell, "operator")
    await desk.feedback(task, kind="satisfaction", score=2)
    await desk.feedback(task, kind="appeal", words=WORDS)
    await desk.feedback(task, kind="person")
    await desk.feedback(task, kind="satisfaction", score=5, words="better now")
    told = [(one.kind, one.score, one.words, one.sent_by) for one in seen_by(cell, "auditor").tasks.get(task).feedback]
    by = desk.actor.id
    assert told == [
        ("satisfaction", 2, "", by),
        ("appeal", None, WORDS, by),
        ("person", None, "", by),
        ("satisfaction", 5, "better now", by),
    ]


async def test_whoever_sees_no_content_sees_scores_and_no_words(cell: Cell) -> None:
    task = await a_task(cell)
    await done_by(cell, "operator").feedback(task, kind="satisfaction", score=1, words=WORDS)
    shown = seen_by(cell, "viewer").tasks.get(task)
    assert [(one.score, one.words) for one in shown.feedback] == [(1, None)]
    assert "Quill" not in shown.model_dump_json()


async def test_the_log_says_that_something_was_said_and_binds_it_without_words_or_score(cell: Cell) -> None:
    task = await a_task(cell)
    sent = await done_by(cell, "operator").feedback(task, kind="satisfaction", score=3, words=WORDS)
    (entry,) = cell.log.since(0, ("feedback",), limit=9)
    assert entry.fields == {
        "task": task,
        "feedback": "satisfaction",
        "said": sent.feedback.said,
        "by": "operator@shop.example",
    }
    assert cell.parts.journal.content(sent.feedback.said) == {"score": 3, "words": WORDS}
    assert entry.stream == cell.parts.journal.runs_of(task)[0].id, "where figures look for what changes a task"


async def test_a_key_counts_once_for_each_sender(cell: Cell) -> None:
    task, desk = await a_task(cell), done_by(cell, "operator")
    first = await desk.feedback(task, kind="satisfaction", score=4, key="survey-1")
    again = await desk.feedback(task, kind="satisfaction", score=4, key="survey-1")
    assert (first.is_new, again.is_new, again.feedback) == (True, False, first.feedback)
    for other in ({"score": 1}, {"score": 4, "words": "x"}):
        with pytest.raises(ConflictError, match="Something else was said under this key 'survey-1'"):
            await desk.feedback(task, kind="satisfaction", key="survey-1", **other)  # type: ignore[arg-type]
    with pytest.raises(ConflictError):
        await desk.feedback(task, kind="person", key="survey-1")
    assert (await done_by(cell, "operator", "auditor").feedback(task, kind="person", key="survey-2")).is_new
    assert len(cell.parts.journal.feedback(task)) == 2
    assert len(cell.log.since(0, ("feedback",), limit=9)) == 2


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"kind": "praise"}, "Write one of satisfaction, appeal, person"),
        ({"kind": "satisfaction"}, "Not a score 'nothing'"),
        ({"kind": "satisfaction", "score": 0}, r"'0'. Write a whole number from 1 \(worst\) to 5 \(best\)"),
        ({"kind": "satisfaction", "score": 6}, "Not a score '6'"),
        ({"kind": "satisfaction", "score": 4.5}, "Not a score '4.5'"),
        ({"kind": "satisfaction", "score": True}, "Not a score 'True'"),
        ({"kind": "appeal", "score": 1}, "Only satisfaction has a score 'appeal'"),
        ({"kind": "appeal", "words": "x" * (LONGEST_WORDS + 1)}, "too long. it has 4001 characters, at most 4000"),
        ({"kind": "person", "key": "k" * 257}, "The key is too long"),
    ],
    ids=["kind", "no score", "too little", "too much", "a half", "yes", "of an appeal", "words", "key"],
)
async def test_what_cannot_be_counted_is_refused_and_nothing_is_kept(
    cell: Cell, given: dict[str, Any], told: str
) -> None:
    task = await a_task(cell)
    with pytest.raises(InputError, match=told):
        await done_by(cell, "operator").feedback(task, **given)
    assert cell.parts.journal.feedback(task) == []
    assert cell.log.since(0, ("feedback",), limit=9) == []


async def test_of_a_task_nobody_knows_nothing_is_said(cell: Cell) -> None:
    with pytest.raises(NotFoundError, match="No such task 'task_x'"):
        await done_by(cell, "operator").feedback("task_x", kind="person")


@pytest.mark.parametrize("role", ["viewer", "care-lead", "platform", "auditor"])
async def test_only_operators_and_programs_hand_it_in_and_an_attempt_is_on_the_record(cell: Cell, role: str) -> None:
    task = await a_task(cell)
    with pytest.raises(RefusedError, match="fleet:feedback:send"):
        await done_by(cell, role).feedback(task, kind="person")
    assert cell.log.since(0, ("access.refused",), limit=9)[-1].fields["permission"] == "fleet:feedback:send"
    assert cell.parts.journal.feedback(task) == []


async def test_of_another_units_task_nobody_says_anything(cell: Cell) -> None:
    task = await a_task(cell)
    with pytest.raises(RefusedError, match="they work for logistics, this is of customer-care"):
        await done_by(cell, "operator", units=("logistics",)).feedback(task, kind="person")
    assert (await done_by(cell, "operator", units=("customer-care",)).feedback(task, kind="person")).is_new
