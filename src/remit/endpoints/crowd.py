"""At most so many requests are under way at once; one more is told to come back before anything of it is read."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from remit.endpoints.problems import problem

# As soon as another request has ended there is room again, which takes milliseconds.
COME_BACK_SECONDS = 1
# A stop must get through whatever else comes, and who can stop must be able to log in; streams have a bound of their own.
_ALWAYS = re.compile(r"(?:/api/v1)?/switches(?:[/.].*)?|/login(?:/.*)?|/healthz|/readyz|/live", re.DOTALL)


class Crowd:
    """Lets so many requests in at once; those for health, logging in and stopping always."""

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app = app
        self._most = most
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request, or answers 503."""
        if scope["type"] != "http" or _ALWAYS.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        if self._inside >= self._most:
            detail = f"{self._most} requests are under way. Nothing was done"
            crowded = problem(
                503, detail=detail, headers={"retry-after": str(COME_BACK_SECONDS), "connection": "close"}
            )
            await crowded(scope, receive, send)
            return
        self._inside += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._inside -= 1
