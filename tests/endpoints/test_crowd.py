"""More requests than one process can bear are told to come back; a stop gets through all the same."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from remit.endpoints import Crowd


class Slow:
    """Answers when it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun.set()
        await self.go.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def client(app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://remit.example")


async def test_one_more_than_there_is_room_for_is_told_to_come_back() -> None:
    slow = Slow()
    async with client(Crowd(slow, most=1)) as visitor:
        first = asyncio.create_task(visitor.post("/api/v1/tasks", json={}))
        await slow.begun.wait()
        refused = await visitor.post("/api/v1/tasks", json={})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.headers["content-type"] == "application/problem+json"
        assert "1 requests are under way" in refused.json()["detail"]
        slow.go.set()
        assert (await first).status_code == 204
        assert (await visitor.post("/api/v1/tasks", json={})).status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "is_let_in"),
    [
        ("PUT", "/api/v1/switches/fleet", True),
        ("PUT", "/api/v1/switches/agent:refund-desk", True),
        ("POST", "/switches/stop", True),
        ("GET", "/switches", True),
        ("GET", "/switches.json", True),
        ("POST", "/login", True),
        ("POST", "/login/secret", True),
        ("GET", "/healthz", True),
        ("GET", "/readyz", True),
        ("GET", "/live", True),
        ("GET", "/switcheson", False),
        ("GET", "/", False),
        ("POST", "/webhooks/healthz", False),
        ("POST", "/api/v1/tasks", False),
    ],
)
async def test_health_logging_in_and_stopping_are_always_let_in(method: str, path: str, is_let_in: bool) -> None:
    slow = Slow()
    async with client(Crowd(slow, most=1)) as visitor:
        first = asyncio.create_task(visitor.get("/tasks"))
        await slow.begun.wait()
        second = asyncio.create_task(visitor.request(method, path))
        await asyncio.sleep(0)
        slow.go.set()
        assert (await first).status_code == 204
        assert (await second).status_code == (204 if is_let_in else 503)


async def test_a_request_that_fails_takes_no_room_for_ever() -> None:
    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        raise ConnectionError("gone")

    async with client(Crowd(fails, most=1)) as visitor:
        for _ in range(3):
            with pytest.raises(ConnectionError):
                await visitor.get("/tasks")
