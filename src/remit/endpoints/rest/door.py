"""What every request passes first: whoever comes is known by a token, and what they bring can be read."""

import asyncio
import re
from collections.abc import Callable
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from remit.core import InputError, parse_json
from remit.endpoints.problems import problem, problem_of
from remit.operations import Actor

# Whoever sends a megabyte for longer wants to keep a place taken.
BODY_SECONDS = 10.0
DESCRIPTION = "/openapi.json"
"""What anybody may read: it says nothing of this cell."""

_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9_]{1,256})")
_JSON = "application/json"


class _Refused(Exception):
    """An answer that ends the request at the door."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


class Door:
    """Lets in who shows a live token, with a body that is JSON and not too large; the rest is answered here."""

    def __init__(self, app: ASGIApp, *, token_actor: Callable[[str], Actor | None], largest: int) -> None:
        self._app = app
        self._token_actor = token_actor
        self._largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request; there are no websockets here."""
        if scope["type"] != "http":
            raise RuntimeError(f"the API takes no {scope['type']}")
        sends = _marked(send)
        try:
            if scope["path"].removeprefix(scope.get("root_path", "")) != DESCRIPTION:
                scope.setdefault("state", {})["actor"] = self._actor(Headers(scope=scope))
            body = await self._body(Request(scope, receive))
        except _Refused as refused:
            await refused.answer(scope, receive, sends)
            return
        await self._app(scope, _again(body, receive), sends)

    def _actor(self, headers: Headers) -> Actor:
        """Whatever is wrong with what was shown, the answer is one and the same."""
        shown = headers.getlist("authorization")
        form = _BEARER.fullmatch(shown[0]) if len(shown) == 1 else None
        actor = self._token_actor(form[1]) if form else None
        if actor is None:
            raise _Refused(
                problem(
                    HTTPStatus.UNAUTHORIZED,
                    detail="Show a token that is live: Authorization: Bearer rmt_…",
                    headers={"www-authenticate": 'Bearer realm="remit"'},
                )
            )
        return actor

    async def _body(self, request: Request) -> bytes:
        if request.method in ("GET", "HEAD"):
            return b""
        body = await self._read(request)
        if not body:
            return body
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != _JSON:
            raise _Refused(problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail=f"The body must be {_JSON}"))
        try:
            parse_json(body, name="The body", largest=self._largest)
        except InputError as fault:
            raise _Refused(problem_of(fault, status=HTTPStatus.BAD_REQUEST)) from fault
        return body

    async def _read(self, request: Request) -> bytes:
        detail = f"The limit is {self._largest} bytes"
        too_large = _Refused(problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail=detail))
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self._largest:
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > self._largest:
                        raise too_large
        except TimeoutError:
            detail = f"The body took longer than {BODY_SECONDS:g} seconds"
            raise _Refused(problem(HTTPStatus.REQUEST_TIMEOUT, detail=detail)) from None
        return bytes(body)


def _marked(send: Send) -> Send:
    """Says on every answer that it is nobody else's, and nothing but what it says it is."""

    async def sends(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("cache-control", "no-store")
            headers["x-content-type-options"] = "nosniff"
            headers.add_vary_header("authorization")
        await send(message)

    return sends


def _again(body: bytes, receive: Receive) -> Receive:
    """Hands on a body that was read already."""
    is_read = False

    async def receives() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receives
