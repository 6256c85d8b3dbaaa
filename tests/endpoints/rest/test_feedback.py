"""Feedback over the API: a survey tool hands in what customers say, once for each key."""

from pathlib import Path

import pytest
from tests.endpoints.rest.counter import OTTO, SAID, VERA, open_counter

from remit.operations import person_actor

KEY = {"idempotency-key": '"survey-7"'}


async def test_a_token_for_nothing_but_feedback_hands_it_in_once(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        run, _ = await counter.ask_people()
        otto = person_actor(counter.cell.parts.people.person(OTTO), "command line")
        _, token = await counter.cell.access.create_token(otto, name="survey", permissions=["fleet:feedback:send"])
        said = {"kind": "satisfaction", "score": 2, "words": SAID}
        path = f"/tasks/{run.task}/feedback"
        first, again = [await counter.post(path, said, token=token, headers=KEY) for _ in range(2)]
        assert (first.status_code, first.json()) == (
            200,
            {"task": run.task, "kind": "satisfaction", "is_new": True},
        )
        assert (again.headers["idempotent-replayed"], again.content) == ("true", first.content)
        other = await counter.post(path, {**said, "score": 3}, token=token, headers=KEY)
        assert (other.status_code, other.json()["what"]) == (422, "This Idempotency-Key was used for another request")
        (kept,) = counter.cell.parts.journal.feedback(run.task)
        assert (kept.sent_by, kept.score) == (OTTO, 2)
        assert (await counter.get(f"/tasks/{run.task}", token=token)).status_code == 403
        assert (await counter.get(f"/tasks/{run.task}")).json()["feedback"][0]["words"] == SAID
        assert (await counter.get(f"/tasks/{run.task}", VERA)).json()["feedback"][0]["words"] is None


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"kind": "satisfaction", "score": 9}, 422, "Write a whole number from 1 (worst) to 5 (best)"),
        ({"kind": "satisfaction"}, 422, "Not a score"),
        ({"kind": "satisfaction", "score": "5"}, 422, "body.score"),
        ({"kind": "praise"}, 422, "body.kind"),
        ({"kind": "appeal", "words": "x" * 4_001}, 422, "body.words"),
        ({"kind": "person", "mood": "bad"}, 422, "body.mood"),
    ],
    ids=["too much", "no score", "text", "kind", "words", "unknown field"],
)
async def test_what_is_wrong_is_told(tmp_path: Path, body: dict[str, object], status: int, told: str) -> None:
    async with open_counter(tmp_path) as counter:
        run, _ = await counter.ask_people()
        answer = await counter.post(f"/tasks/{run.task}/feedback", body)
        assert answer.status_code == status
        assert told in answer.text
        assert counter.cell.parts.journal.feedback(run.task) == []


async def test_of_a_task_nobody_knows_it_is_404(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        answer = await counter.post("/tasks/task_nobody/feedback", {"kind": "person"})
        assert (answer.status_code, answer.json()["what"]) == (404, "No such task")
