"""/live, the stream of cues, and what every page loads by itself."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from remit.operations import Permission
from remit.web.console import Console


def routes(console: Console) -> list[Route]:
    """Returns the routes that pages ask for by themselves."""

    async def live(request: Request) -> Response:
        session, access = console.visitor(request).session, console.access
        # Who sees nothing is not told either when something happens.
        sees = console.actor(request).may(Permission.FLEET_LOG_READ)
        if not console.live.has_room(session.person):
            return PlainTextResponse("Too many pages listen at once.\n", 503, {"retry-after": "30"})
        cues = console.live.listen(
            person=session.person,
            topics=request.query_params.get("topics", "").split() if sees else (),
            since=_since(request),
            is_valid=lambda: access.session(session.secret, touch=False) is not None,
        )
        return StreamingResponse(cues, media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    async def bar(request: Request) -> Response:
        return await console.beside(
            lambda: console.page(request, "_bar.html", path=request.query_params.get("at", "/"))
        )

    return [Route("/live", live, methods=["GET"]), Route("/-/bar", bar, methods=["GET"])]


def _since(request: Request) -> int:
    """Returns the entry that the page, or the stream before this one, has seen last."""
    told = request.headers.get("last-event-id") or request.query_params.get("since", "")
    return int(told) if told.isdecimal() and len(told) < 19 else 0
