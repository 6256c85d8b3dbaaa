"""What people are shown when something does not work: what, why, and what to do."""

import logging

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from remit.core import (
    BusyError,
    ConflictError,
    InputError,
    NotFoundError,
    OwnCrowdError,
    RefusedError,
    RemitError,
    new_id,
)

_log = logging.getLogger("remit.web")
# The first kind that fits counts; every other fault is ours.
_STATUSES: tuple[tuple[type[RemitError], int], ...] = (
    (OwnCrowdError, 429),
    (BusyError, 503),
    (ConflictError, 409),
    (InputError, 422),
    (NotFoundError, 404),
    (RefusedError, 403),
)


def status_of(fault: RemitError) -> int:
    """Returns the status that says what kind of fault it is."""
    return next((status for kind, status in _STATUSES if isinstance(fault, kind)), 500)


def fault_of(error: HTTPException, request: Request) -> RemitError:
    """Returns what the router found wrong as a fault like any other."""
    if error.status_code == 404:
        return NotFoundError("There is no such page", which=request.url.path, hint="The overview leads everywhere")
    return InputError("The page does not take this", which=request.method, why=error.detail)


class Faults:
    """Tells people of a fault of ours with an id that stands in the process's own log as well, and nothing more."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on; a fault that nobody expected ends here."""
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            identifier = new_id("fault")
            _log.exception("%s: %s %r", identifier, scope.get("method", ""), scope.get("path", ""))
            if has_begun:
                raise
            await _fault_page(identifier)(scope, receive, send)


def _fault_page(identifier: str) -> Response:
    """Returns a page that needs nothing that could fail again."""
    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Remit: a fault</title>'
        f"<h1>This is a fault of Remit</h1><p>Nothing more is known here. It is in the output of "
        f"<code>remit up</code> under <code>{identifier}</code>.</p><p><a href='/'>To the overview</a></p></html>",
        500,
    )
