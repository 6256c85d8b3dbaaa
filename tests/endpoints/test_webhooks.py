"""Only who knows the secret hands an event in; each event is taken once; whoever guesses learns nothing."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from tests.gateway.desk import CARA
from tests.runtime.office import TICKET, ZOE, open_office

from remit.app import Cell
from remit.core import MINUTE, SECOND, BusyError, InputError, Webhook
from remit.endpoints import BODY_SECONDS, WebhookEndpoint, load_sources, sign
from remit.journal import RunState
from remit.runtime import Event, Received
from remit.testing import SettableClock

NOW = 1_700_000_000
KEY, OLD_KEY, MAIL_KEY = b"n" * 32, b"the key before, as it is", b"m" * 24
LARGEST = 4_096
ENVIRONMENT = {
    "SHOP_SECRET": f"whsec_{base64.b64encode(KEY).decode()} {OLD_KEY.decode().replace(' ', '_')}",
    "MAIL_SECRET": f"whsec_{base64.b64encode(MAIL_KEY).decode()}",
}
WEBHOOKS = {
    "shop": Webhook(secret="SHOP_SECRET", on_behalf_of=ZOE),
    "mail": Webhook(secret="MAIL_SECRET", on_behalf_of=ZOE, events=("mail.arrived",), tolerance_seconds=60),
}
CREATED = {"type": "ticket.created", "timestamp": "2023-11-14T22:13:20Z", "data": TICKET}

Receive = Callable[[Event], Awaitable[Received]]


@dataclass
class Sender:
    """A source that signs what it sends, rightly or not."""

    client: httpx2.AsyncClient
    dispatched: list[str] = field(default_factory=list[str])

    async def send(
        self,
        value: Any = CREATED,
        *,
        source: str = "shop",
        identifier: str = "msg_1",
        at: int = NOW,
        key: bytes = KEY,
        headers: Mapping[str, str | None] | None = None,
        content: bytes | AsyncIterator[bytes] | None = None,
    ) -> httpx2.Response:
        """Posts a message; `headers` and `content` replace what was signed, None leaves a header out."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        sent = {
            "content-type": "application/json",
            "webhook-id": identifier,
            "webhook-timestamp": str(at),
            "webhook-signature": sign(key, identifier, str(at), body),
            **(headers or {}),
        }
        kept = {name: text for name, text in sent.items() if text is not None}
        return await self.client.post(f"/webhooks/{source}", content=content or body, headers=kept)


@asynccontextmanager
async def served(
    receive: Receive, dispatch: Callable[[str], object] | None = None, *, body_seconds: float = BODY_SECONDS
) -> AsyncGenerator[Sender]:
    """Serves the endpoint without a socket."""
    dispatched: list[str] = []
    endpoint = WebhookEndpoint(
        sources=load_sources(WEBHOOKS, ENVIRONMENT),
        receive=receive,
        dispatch=dispatch or dispatched.append,
        clock=SettableClock(NOW * SECOND),
        largest=LARGEST,
        body_seconds=body_seconds,
    )
    transport = httpx2.ASGITransport(app=Starlette(routes=[endpoint.route()]))
    async with httpx2.AsyncClient(transport=transport, base_url="http://remit.example") as client:
        yield Sender(client, dispatched)


@asynccontextmanager
async def office(folder: Path) -> AsyncGenerator[tuple[Cell, Sender]]:
    """Opens a fleet behind the endpoint."""
    async with open_office(folder) as cell, served(cell.triggers.receive) as sender:
        yield cell, sender


async def nobody(event: Event) -> Received:
    """Takes any event for nobody."""
    return Received(event)


def test_the_signature_is_that_of_the_public_specification() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_signed_event_starts_its_task_and_the_engine_is_told(tmp_path: Path) -> None:
    async with office(tmp_path) as (cell, sender):
        answer = await sender.send()
        (run,) = cell.parts.journal.runs()
        task = cell.parts.journal.task(run.task)
        assert (answer.status_code, answer.json()) == (
            202,
            {
                "event": "msg_1",
                "tasks": [{"agent": "refund-desk", "task": task.id, "run": run.id, "is_new": True}],
                "refused": [],
            },
        )
        assert sender.dispatched == [run.id]
        assert (task.on_behalf_of, cell.parts.journal.content(task.input)) == (ZOE, TICKET)


async def test_an_event_that_is_sent_again_is_known(tmp_path: Path) -> None:
    async with office(tmp_path) as (cell, sender):
        first = (await sender.send()).json()
        again = await sender.send(at=NOW + 120)
        assert (again.status_code, again.json()["tasks"][0]["is_new"]) == (200, False)
        assert again.json()["tasks"][0]["run"] == first["tasks"][0]["run"]
        assert len(cell.parts.journal.runs()) == 1


async def test_what_was_refused_is_told_by_agent(tmp_path: Path) -> None:
    async with office(tmp_path) as (cell, sender):
        await cell.operations.stop("fleet", because="stocktaking", by=CARA)
        answer = await sender.send()
        assert (answer.status_code, answer.json()["tasks"]) == (202, [])
        (refused,) = answer.json()["refused"]
        assert (refused["agent"], "stocktaking" in refused["why"]) == ("refund-desk", True)
        assert sender.dispatched == []


async def test_an_event_for_nobody_is_accepted_and_told_so() -> None:
    async with served(nobody) as sender:
        answer = await sender.send()
        assert (answer.status_code, answer.json()) == (202, {"event": "msg_1", "tasks": [], "refused": []})


UNSIGNED: Mapping[str, Mapping[str, Any]] = {
    "an unknown source": {"source": "nobody"},
    "another source's key": {"key": MAIL_KEY},
    "a key nobody has": {"key": b"x" * 32},
    "another body": {"content": b'{"type": "ticket.created", "data": {}}'},
    "another id": {"headers": {"webhook-id": "msg_2"}},
    "another time": {"headers": {"webhook-timestamp": str(NOW + 1)}},
    "no id": {"headers": {"webhook-id": None}},
    "no time": {"headers": {"webhook-timestamp": None}},
    "no signature": {"headers": {"webhook-signature": None}},
    "an empty signature": {"headers": {"webhook-signature": "v1,"}},
    "another scheme": {"headers": {"webhook-signature": "v1a,AAAA"}},
    "no plain id": {"identifier": 'msg".1'},
    "too long an id": {"identifier": "m" * 257},
    "no whole number": {"headers": {"webhook-timestamp": f"{NOW}.0"}},
    "too long ago": {"at": NOW - 301},
    "too far ahead": {"at": NOW + 301},
    "too long ago for this source": {"source": "mail", "key": MAIL_KEY, "at": NOW - 61},
}


async def test_whoever_cannot_sign_gets_one_and_the_same_answer(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Event] = []

    async def note(event: Event) -> Received:
        seen.append(event)
        return Received(event)

    caplog.set_level(logging.DEBUG)
    async with served(note) as sender:
        answers = {name: await sender.send(**given) for name, given in UNSIGNED.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(UNSIGNED, 401)
    assert len({(answer.content, *sorted(answer.headers.items())) for answer in answers.values()}) == 1
    assert seen == []
    told = "\n".join(record.getMessage() for record in caplog.records)
    assert "SHOP_SECRET" not in told
    assert not any(secret in told for variable in ENVIRONMENT.values() for secret in variable.split())


@pytest.mark.parametrize("at", [NOW - 300, NOW + 300])
async def test_clocks_may_differ_a_little_both_ways(at: int) -> None:
    async with served(nobody) as sender:
        assert (await sender.send(at=at)).status_code == 202


async def test_while_keys_rotate_both_are_good() -> None:
    body, old = json.dumps(CREATED).encode(), OLD_KEY.replace(b" ", b"_")
    both = f"{sign(b'x' * 32, 'msg_1', str(NOW), body)} v1a,AAAA {sign(KEY, 'msg_1', str(NOW), body)}"
    async with served(nobody) as sender:
        assert (await sender.send(key=old)).status_code == 202
        assert (await sender.send(headers={"webhook-signature": both})).status_code == 202


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff", "not UTF-8"),
        (b'{"type": "x", "type": "y", "data": {}}', "stands there twice"),
        (b'{"data": {}}', "no text `type`"),
        (b'{"type": "x"}', "no object `data`"),
        (b'{"type": "x", "data": [1]}', "no object `data`"),
        (b'{"type": "", "data": {}}', "event's name"),
        (b'{"type": "a\\nb", "data": {}}', "event's name"),
        (b'{"type": "x", "data": ' + b'{"a":' * 40 + b"1" + b"}" * 40 + b"}", "nested too deeply"),
    ],
)
async def test_a_signed_body_that_is_no_event_is_told_what_is_wrong(body: bytes, told: str) -> None:
    async with served(nobody) as sender:
        answer = await sender.send(body)
        problem = answer.json()
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
        assert (problem["status"], problem["title"]) == (400, "The body is no event")
        assert told in problem["detail"]


async def test_an_event_the_source_may_not_send_is_refused() -> None:
    async with served(nobody) as sender:
        assert (await sender.send(source="mail", key=MAIL_KEY)).status_code == 403
        arrived: dict[str, Any] = {"type": "mail.arrived", "data": {}}
        assert (await sender.send(arrived, source="mail", key=MAIL_KEY)).status_code == 202


async def endless() -> AsyncIterator[bytes]:
    """Sends more than is taken, without saying so before."""
    for _ in range(10):
        yield b" " * 1_000


async def test_a_body_that_is_too_large_is_not_read() -> None:
    async with served(nobody) as sender:
        assert (await sender.send(b" " * (LARGEST + 1))).status_code == 413
        answer = await sender.send(content=endless())
        assert (answer.status_code, answer.json()["detail"]) == (413, "The limit is 4096 bytes")


async def dripping() -> AsyncGenerator[bytes]:
    yield b"{"
    await asyncio.Event().wait()


async def test_a_body_that_never_ends_is_given_up() -> None:
    async with served(nobody, body_seconds=0.1) as sender:
        answer = await sender.send(content=dripping())
        assert (answer.status_code, answer.json()["title"]) == (408, "The body took too long")


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
async def test_only_json_is_taken(kind: str | None) -> None:
    async with served(nobody) as sender:
        assert (await sender.send(headers={"content-type": kind})).status_code == 415
        assert (await sender.send(headers={"content-type": "Application/JSON; charset=utf-8"})).status_code == 202


async def test_while_the_store_is_busy_the_sender_is_asked_to_come_back() -> None:
    async def busy(_: Event) -> Received:
        raise BusyError("The database is busy", hint="Try again")

    async with served(busy) as sender:
        answer = await sender.send()
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["title"] == "The store is busy"


async def test_an_engine_that_fails_loses_no_answer(tmp_path: Path) -> None:
    def fails(run: str) -> object:
        raise ConnectionError(run)

    async with open_office(tmp_path) as cell, served(cell.triggers.receive, fails) as sender:
        assert (await sender.send()).status_code == 202
        assert [run.state for run in cell.parts.journal.runs()] == [RunState.QUEUED]


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_events_are_posted(method: str) -> None:
    async with served(nobody) as sender:
        assert (await sender.client.request(method, "/webhooks/shop")).status_code == 405


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        (None, "SHOP_SECRET is not set"),
        (" ", "SHOP_SECRET is not set"),
        ("a b c", "more than two"),
        ("whsec_AAAA", "fewer than 24 bytes"),
        ("tooshort", "fewer than 24 bytes"),
        ("whsec_" + "!" * 40, "not base64"),
        ("whsec_" + "é" * 40, "not base64"),
    ],
)
def test_a_secret_that_cannot_be_used_is_told_without_telling_it(secret: str | None, why: str) -> None:
    environment = {} if secret is None else {"SHOP_SECRET": secret}
    with pytest.raises(InputError, match=why) as told:
        load_sources({"shop": WEBHOOKS["shop"]}, environment)
    assert not (secret or "").strip() or (secret or "") not in str(told.value)


def test_the_default_tolerance_is_that_of_the_specification() -> None:
    assert WEBHOOKS["shop"].tolerance_seconds * SECOND == 5 * MINUTE
