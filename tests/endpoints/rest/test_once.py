"""Asking twice over the API: the answer of then, one task, and nothing kept that should not be."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.databases import execute
from tests.endpoints.rest.counter import OTTO, PIA, SAID, VERA, Counter, open_counter

from remit.core import DAY, MINUTE
from remit.endpoints.idempotency import Asked, Idempotency, fingerprint
from remit.operations import person_actor
from remit.testing import SettableClock

KEY = {"idempotency-key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
SMALL: dict[str, Any] = {"agent": "refund-desk", "input": {"order_id": "R-1", "message": "please"}}


def replayed(answer: httpx2.Response) -> bool:
    """Whether an answer is one of before."""
    return answer.headers.get("idempotent-replayed") == "true"


async def test_a_task_asked_for_twice_is_started_once(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        first, again = [await counter.post("/tasks", SMALL, headers=KEY) for _ in range(2)]
        assert (first.status_code, replayed(first), replayed(again)) == (201, False, True)
        assert again.status_code == 201
        assert again.content == first.content
        assert again.headers["location"] == first.headers["location"]
        assert len(counter.cell.parts.journal.runs()) == 1
        other = await counter.post("/tasks", {**SMALL, "intent": "another"}, headers=KEY)
        assert (other.status_code, other.json()["what"]) == (422, "This Idempotency-Key was used for another request")
        wrong = await counter.post("/tasks", SMALL, headers={"idempotency-key": "two words"})
        assert (wrong.status_code, wrong.json()["what"]) == (422, "Not an Idempotency-Key")


async def test_while_the_first_is_under_way_the_second_is_told_so(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        await counter.token(OTTO)
        answers = await asyncio.gather(*(counter.post("/tasks?wait=10", SMALL, headers=KEY) for _ in range(5)))
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
        assert len(counter.cell.parts.journal.runs()) == 1


async def test_a_restart_forgets_no_key_and_a_days_end_starts_nothing_twice(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_counter(tmp_path, clock=clock) as counter:
        first = (await counter.post("/tasks?wait=10", SMALL, headers=KEY)).json()
    async with open_counter(tmp_path, clock=clock) as counter:
        again = await counter.post("/tasks?wait=10", SMALL, headers=KEY)
        assert (replayed(again), again.json()) == (True, first)
        clock.advance(2 * DAY)
        later = await counter.post("/tasks", SMALL, headers=KEY)
        assert (replayed(later), later.json()["run"], later.json()["is_new"]) == (False, first["run"], False)
        assert len(counter.cell.parts.journal.runs()) == 1


async def test_what_was_refused_may_be_asked_again_under_its_key(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        body = {"stopped": True, "because": "a test"}
        for scope, person, status in (("planet:earth", OTTO, 422), ("agent:nobody", OTTO, 422), ("fleet", VERA, 403)):
            answer = await counter.send("PUT", f"/switches/{scope}", person, json=body, headers=KEY)
            assert answer.status_code == status
        wrong = await counter.send("PUT", "/switches/fleet", json={"stopped": "yes"}, headers=KEY)
        assert wrong.status_code == 422
        assert (await counter.send("PUT", "/switches/fleet", json=body, headers=KEY)).status_code == 200
        assert (await counter.send("PUT", "/switches/fleet", person=PIA, json=body, headers=KEY)).status_code == 200


@pytest.mark.parametrize(("operation", "status"), [("cancellation", 200), ("forks", 409)])
async def test_after_a_crash_only_what_does_no_more_is_done_again(tmp_path: Path, operation: str, status: int) -> None:
    clock = SettableClock()
    async with open_counter(tmp_path, clock=clock) as counter:
        run, _ = await counter.ask_people()
        body = {"because": "a test"} if operation == "cancellation" else {"step": 1}
        await left_behind(counter, f"/runs/{run.id}/{operation}", body)
        assert (await counter.post(f"/runs/{run.id}/{operation}", body, headers=KEY)).status_code == 409
        clock.advance(2 * MINUTE)
        answer = await counter.post(f"/runs/{run.id}/{operation}", body, headers=KEY)
        assert answer.status_code == status
        if status == 409:
            assert answer.json()["hint"] == "Look first; if it was not, ask again under another key"


async def left_behind(counter: Counter, path: str, body: Any) -> None:
    """Leaves a claim as a process does that dies between doing and answering."""
    request = counter.client.build_request("POST", f"http://remit.example/api/v1{path}", json=body)
    keys = Idempotency(database=counter.cell.database, writer=counter.cell.parts.writer, clock=counter.cell.parts.clock)
    print_of = fingerprint("POST", f"/api/v1{path}", request.content)
    await keys.claim(Asked(OTTO, KEY["idempotency-key"].strip('"'), print_of, repeatable=True))


async def test_what_was_answered_is_told_only_to_who_could_have_asked(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        body = {"stopped": True, "because": "a test"}
        assert (await counter.send("PUT", "/switches/fleet", json=body, headers=KEY)).status_code == 200
        actor = person_actor(counter.cell.parts.people.person(OTTO), "command line")
        _, less = await counter.cell.access.create_token(actor, name="less", permissions=["fleet:runs:read"])
        answer = await counter.send("PUT", "/switches/fleet", token=less, json=body, headers=KEY)
        assert (answer.status_code, replayed(answer)) == (403, False)
        again = await counter.send("PUT", "/switches/fleet", json=body, headers=KEY)
        assert (again.status_code, replayed(again)) == (200, True)


async def test_events_are_taken_once_under_their_key_and_nothing_of_them_is_kept(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        data = {"order_id": 7, "category": "refund", "message": SAID}
        event = {"name": "ticket.created", "data": data}
        first, again = [await counter.post("/events", event, headers=KEY) for _ in range(2)]
        assert first.status_code == 200
        assert first.json()["event"] == again.json()["event"]
        assert "does not fit" in first.json()["refused"][0]["why"]
        assert replayed(again)
        good = {"name": "ticket.created", "id": "evt_1", "data": {**data, "order_id": "R-1"}}
        taken = [(await counter.post("/events", good)).json() for _ in range(2)]
        assert [one["tasks"][0]["is_new"] for one in taken] == [True, False]
        await counter.ask_people()
        kept = [bytes(body).decode() for (body,) in execute(counter.cell.database, "select body from idempotency_keys")]
        assert len(kept) == 1
        assert json.loads(kept[0])["refused"][0]["why"] == "The input does not fit the contract of refund-desk"
