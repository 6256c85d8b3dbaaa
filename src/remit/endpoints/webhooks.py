"""POST /webhooks/{source}: a signed event comes in, and every agent that takes it starts on it."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from remit.core import SECOND, Clock, ConflictError, CrowdedError, InputError, parse_json
from remit.endpoints.events import EventReceipt
from remit.endpoints.problems import problem, status_of
from remit.endpoints.signatures import SHORTEST_KEY, Message, Source
from remit.journal import RunState
from remit.runtime import Event, Received

_log = logging.getLogger("remit.endpoints")
# Whoever sends a quarter of a megabyte for longer wants to keep a place taken.
BODY_SECONDS = 10.0
_UNSIGNED = "The message is not signed by a source that is known here"


class _Refused(Exception):
    """An answer of RFC 9457; for the log, `why` may say more than the sender is told."""

    def __init__(
        self, status: int, title: str, detail: str = "", *, why: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail
        self.why = why or title
        self.headers = headers or {}

    def response(self) -> Response:
        headers = {"www-authenticate": 'Signature realm="webhooks"'} if self.status == 401 else self.headers
        return problem(self.status, self.title, detail=self.detail, headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpoint:
    """Takes events from `sources` and hands them to `receive`; `dispatch` is told of each run to be driven."""

    sources: Mapping[str, Source]
    receive: Callable[[Event], Awaitable[Received]]
    dispatch: Callable[[str], object]
    clock: Clock
    largest: int
    """Bytes of a body at most: `limits.event_bytes`."""
    body_seconds: float = BODY_SECONDS

    def route(self) -> Route:
        """Returns the route to serve."""
        return Route("/webhooks/{source}", self.handle, methods=["POST"], name="webhooks")

    async def handle(self, request: Request) -> Response:
        """Answers 202 with what was started, 200 when it is known, or a problem of RFC 9457.

        What does not depend on the source is checked first; then an unknown source, a missing header, a message too
        old and a wrong signature get one and the same answer.
        """
        try:
            body = await self._body(request)
            source, message = self._authenticated(request, body)
            received = await self._received(self._event(source, message))
        except _Refused as refused:
            _log.info("webhook answered with %d: %s", refused.status, refused.why)
            return refused.response()
        self._dispatch(received)
        told = EventReceipt.of(received).model_dump(mode="json")
        return JSONResponse(told, 200 if received.is_known else 202, {"cache-control": "no-store"})

    async def _body(self, request: Request) -> bytes:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise _Refused(415, "The body must be application/json")
        too_large = _Refused(413, "The body is too large", f"The limit is {self.largest} bytes")
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self.largest:
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(self.body_seconds):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > self.largest:
                        raise too_large
        except TimeoutError:
            raise _Refused(408, "The body took too long", f"The limit is {self.body_seconds:g} seconds") from None
        return bytes(body)

    def _authenticated(self, request: Request, body: bytes) -> tuple[Source, Message]:
        header = request.headers.get
        message = Message(
            header("webhook-id", ""), header("webhook-timestamp", ""), header("webhook-signature", ""), body
        )
        source = self.sources.get(request.path_params["source"])
        # A key nobody has, so that an unknown source takes as long as a wrong signature.
        is_signed = message.is_signed(source.keys if source else (secrets.token_bytes(SHORTEST_KEY),))
        if source is None:
            raise _Refused(401, _UNSIGNED, why="there is no such source")
        if not message.is_readable or not is_signed:
            raise _Refused(401, _UNSIGNED, why=f"{source.name}: a header is missing or the signature is wrong")
        if not message.is_recent(self.clock.now() // SECOND, source.terms.tolerance_seconds):
            raise _Refused(401, _UNSIGNED, why=f"{source.name}: sent too long ago, or by a clock ahead of ours")
        return source, message

    def _event(self, source: Source, message: Message) -> Event:
        try:
            name, data = _read(message.body, self.largest)
            at, person = int(message.timestamp) * SECOND, source.terms.on_behalf_of
            event = Event(source.name, message.id, name, data, at, person)
        except InputError as fault:
            raise _Refused(400, "The body is no event", fault.text(), why=f"{source.name}: {fault.what}") from fault
        if source.terms.events and event.name not in source.terms.events:
            why = f"{source.name}: an event that is not in its `events`"
            raise _Refused(403, "This source may not send this event", why=why)
        return event

    async def _received(self, event: Event) -> Received:
        try:
            return await self.receive(event)
        except CrowdedError as fault:
            again = {"retry-after": str(fault.retry_after)}
            raise _Refused(status_of(fault), fault.what, fault.hint, why=fault.text(), headers=again) from fault
        except ConflictError as fault:
            raise _Refused(503, "The store is busy", "Send it again", why=f"{event.source}: {fault.text()}") from fault

    def _dispatch(self, received: Received) -> None:
        """Tells the engine; a sender that repeats itself also brings on what was taken and not told of."""
        for started in received.tasks:
            if started.run.state is RunState.QUEUED:
                try:
                    self.dispatch(started.run.id)
                except Exception:  # noqa: BLE001  the task is kept, and whoever drives queued runs finds it
                    _log.exception("run %s was not dispatched", started.run.id)


def _read(body: bytes, largest: int) -> tuple[str, dict[str, Any]]:
    value = parse_json(body, name="The body", largest=largest)
    if not isinstance(value, dict):
        raise InputError("The body is not a JSON object")
    fields = cast("dict[str, Any]", value)
    name, data = fields.get("type"), fields.get("data")
    if not isinstance(name, str):
        raise InputError("The body has no text `type`", hint="It is the name of the event")
    if not isinstance(data, dict):
        raise InputError("The body has no object `data`", hint="It is the input of the tasks it starts")
    return name, cast("dict[str, Any]", data)
