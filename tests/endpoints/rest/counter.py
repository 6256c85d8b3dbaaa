"""A fleet behind its API, and somebody of each role who shows a token."""

import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette
from tests.gateway.desk import REFUNDS, Edits

from remit.app import Cell
from remit.app.serve import http_app
from remit.core import DAY, Settings
from remit.identity import Tokens
from remit.journal import Run
from remit.operations import Permission, person_actor
from remit.store import Commit
from remit.testing import SettableClock, open_fleet

VERA, OTTO, AUDE = "vera.viewer@shop.example", "otto.operator@shop.example", "aude.auditor@shop.example"
CARA, PIA, EMIL = "cara.lead@shop.example", "pia.platform@shop.example", "emil.expert@shop.example"
TOM, TINA, OLGA = "tom.treasurer@shop.example", "tina.treasurer@shop.example", "olga.owner@shop.example"
ROLES = {"viewer": VERA, "care-lead": CARA, "operator": OTTO, "platform": PIA, "auditor": AUDE}
"""Who holds which role; emil holds none."""
MORE_PEOPLE = f"""  - {{id: {VERA}, name: Vera Viewer, roles: [viewer]}}
  - {{id: {OTTO}, name: Otto Operator, roles: [operator]}}
  - {{id: {AUDE}, name: Aude Auditor, roles: [auditor]}}
"""
API = "http://remit.example/api/v1"
SAID = "Please refund 400 to me, Zacharias Quill"
"""What no log and no key holds."""


@dataclass
class Counter:
    """An API to send requests to, as anybody."""

    cell: Cell
    app: Starlette
    client: httpx2.AsyncClient
    tokens: dict[str, str] = field(default_factory=dict[str, str])

    async def token(self, person: str) -> str:
        """Returns a token with everything a person may do."""
        if person not in self.tokens:
            actor = person_actor(self.cell.parts.people.person(person), "command line")
            _, self.tokens[person] = await self.cell.access.create_token(actor, name="tests")
        return self.tokens[person]

    async def bare_token(self, person: str, *, age: int = 0) -> str:
        """Returns a token made for everything, of whoever, made so many days ago; it lived for thirty."""
        clock = SettableClock(self.cell.parts.clock.now() - age * DAY)
        everything = [permission.value for permission in Permission]
        tokens = Tokens(self.cell.database, clock)
        _, text, kept = tokens.create(name="bare", owner=person, program="", permissions=everything, days=30)
        await self.cell.parts.writer.commit(Commit([kept]))
        return text

    async def send(self, method: str, path: str, person: str = OTTO, **request: Any) -> httpx2.Response:
        """Sends a request as `person`; `token` stands in for theirs, and an empty one for none."""
        token = request.pop("token", None)
        token = await self.token(person) if token is None else token
        headers: Mapping[str, str] = request.pop("headers", {})
        shown = {"authorization": f"Bearer {token}"} if token else {}
        return await self.client.request(method, f"{API}{path}", headers={**shown, **headers}, **request)

    async def get(self, path: str, person: str = OTTO, **request: Any) -> httpx2.Response:
        """Asks to see something."""
        return await self.send("GET", path, person, **request)

    async def post(self, path: str, body: Any = None, person: str = OTTO, **request: Any) -> httpx2.Response:
        """Asks for something to be done."""
        return await self.send("POST", path, person, json=body, **request)

    async def ask_people(self, message: str = SAID) -> tuple[Run, str]:
        """Starts a refund people are asked about, as Otto; returns its run and the question."""
        given = {"agent": "refund-desk", "input": {"order_id": "R-2", "message": message}}
        answer = await self.post("/tasks?wait=20", given)
        assert (answer.status_code, answer.json()["state"]) == (201, "waiting"), answer.text
        run = self.cell.parts.journal.run(answer.json()["run"])
        return run, self.cell.parts.approvals.of_run(run.id)[0].id

    async def overridden(self) -> str:
        """Has a refund refused by Cara, and returns the case that came of it."""
        _, question = await self.ask_people()
        no = {"answer": "reject", "reason": "not theirs", "category": "wrong-subject"}
        answer = await self.post(f"/approvals/{question}/answers", no, CARA)
        assert answer.status_code == 200, answer.text
        kept = self.cell.parts.approvals.override_of(question)
        assert kept
        return kept.id

    def logged(self, kind: str) -> list[dict[str, Any]]:
        """Returns what the log says of one kind."""
        return [dict(entry.fields) for entry in self.cell.log.entries("cell") if entry.kind == kind]


@asynccontextmanager
async def open_counter(
    folder: Path,
    *,
    clock: SettableClock | None = None,
    edit: Edits | None = None,
    change: Callable[[Settings], Settings] | None = None,
) -> AsyncGenerator[Counter]:
    """Opens the refund desk behind its API."""
    people: Edits = {"people.yaml": lambda text: text if VERA in text else text + MORE_PEOPLE}
    every = {**people, **(edit or {})}
    async with open_fleet(REFUNDS, folder / "fleet", clock=clock, edit=every, change=change) as cell:
        app = http_app(cell)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app)) as client:
            yield Counter(cell, app, client)


def operations(document: Mapping[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Returns every operation of an OpenAPI document by its id: method, path and what it says."""
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def filled(path: str, names: Mapping[str, str]) -> str:
    """Returns a path with its parameters filled in."""
    return re.sub(r"\{(\w+)\}", lambda found: names[found[1]], path)
