"""/people: who holds which role, who answers for what; letting somebody in and putting them out."""

from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from remit.operations import Permission, permissions_of
from remit.web.console import Console, Sheet, text

# Of a large organisation, these are shown; the rest is found by searching, and the twin has all.
MOST_ROWS = 100


def routes(console: Console) -> list[Route]:
    """Returns the routes of people."""
    pages = _PeoplePages(console)
    return [
        *console.routes("/people", pages.listing),
        console.post("/people/links", pages.link),
        console.post("/people/sessions/end", pages.end_sessions),
    ]


class _PeoplePages:
    def __init__(self, console: Console) -> None:
        self._console = console

    def listing(self, request: Request) -> Sheet:
        actor = self._console.actor(request)
        views = self._console.views(actor).people
        people = views.listing() if actor.may(Permission.CELL_PEOPLE_READ) else None
        search = request.query_params.get("q", "").lower()
        found = [one for one in people or () if search in f"{one.id} {one.name} {' '.join(one.roles)}".lower()]
        shown = found[:MOST_ROWS]
        sessions = {one.id: self._console.access.session_count(one.id) for one in shown}
        roles = {role for one in people or () for role in one.roles}
        model = {"people": people, "chart": views.chart()}
        context: dict[str, Any] = {"shown": shown, "found": len(found), "search": search, "sessions": sessions}
        context |= {"roles": {role: sorted(permissions_of([role])) for role in sorted(roles)}}
        minutes = self._console.settings.http.link_minutes
        return Sheet("people.html", model, {**context, "link": "", "minutes": minutes})

    async def link(self, request: Request, form: FormData) -> Response:
        """Makes a link that lets somebody in once; it is shown here and nowhere else."""
        person, actor = text(form, "person"), self._console.actor(request)
        secret = await self._console.access.issue_link(person, by=actor)
        base = self._console.settings.http.public_url or str(request.base_url).rstrip("/")

        def page() -> Response:
            sheet = self.listing(request)
            told: dict[str, Any] = {
                **sheet.context,
                "link": f"{base}/login/{secret}",
                "person": person,
                "here": "/people",
            }
            return self._console.page(request, sheet.template, model=sheet.model, **told)

        return await self._console.beside(page)

    async def end_sessions(self, request: Request, form: FormData) -> Response:
        person, actor = text(form, "person"), self._console.actor(request)
        ended = await self._console.access.end_sessions(actor, person)
        said = f"{person}: {ended} session{'' if ended == 1 else 's'} ended, open links taken back"
        return self._console.see(request, "/people", said)
