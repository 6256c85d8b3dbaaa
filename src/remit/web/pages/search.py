"""/search: whatever has a name or an id, from one field."""

from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from remit.core import NotFoundError, RefusedError, RemitError
from remit.operations import Views
from remit.web.console import Console

LONGEST = 200
FIRST = 20


def routes(console: Console) -> list[Route]:
    """Returns the route of the search field."""

    def look(request: Request) -> Response:
        wanted = request.query_params.get("q", "").strip()[:LONGEST]
        views = console.views(console.actor(request))
        if wanted and (path := place_of(views, wanted)):
            return RedirectResponse(path, 303)
        agents = views.agents.page(search=wanted, limit=FIRST).rows if wanted else ()
        entries = views.log.page(search=wanted, limit=FIRST).rows if wanted else ()
        return console.page(request, "search.html", wanted=wanted, agents=agents, entries=entries)

    async def search(request: Request) -> Response:
        return await console.beside(look, request)

    return [Route("/search", search, methods=["GET"])]


def place_of(views: Views, wanted: str) -> str:
    """Returns where the one thing is that is called so; empty when there is none, or several could be meant."""
    kind, _, _ = wanted.partition("_")
    if wanted.startswith("#") and wanted[1:].isdecimal():
        return f"/log/{wanted[1:]}"
    looks: dict[str, tuple[Callable[[], str], ...]] = {
        "run": (lambda: f"/runs/{views.runs.get(wanted).run}",),
        "task": (lambda: f"/tasks/{views.tasks.get(wanted).task}",),
        "apr": (lambda: f"/approvals/{views.approvals.get(wanted).approval}",),
        "dec": (lambda: f"/log/{views.log.page(search=wanted, limit=1).rows[0].index}",),
    }
    anything = (
        lambda: f"/agents/{quote(views.agents.get(wanted).agent)}",
        *(each for kinds in looks.values() for each in kinds),
    )
    for find in looks.get(kind, anything):
        with suppress(NotFoundError, RefusedError, IndexError, RemitError):
            return find()
    return ""
