"""/switches: what is stopped, what a switch would stop, stopping and letting go on again."""

from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from remit.core import InputError, RemitError
from remit.operations import DryRun, Permission, Receipt, Views
from remit.web.console import Console, Sheet, text
from remit.web.pages.trying import tried

FLEET = "fleet"
# Of a thousand switches that were used once, these are shown; the twin has all.
MOST_ROWS = 100


def routes(console: Console) -> list[Route]:
    """Returns the routes of switches."""
    pages = _SwitchPages(console)
    return [
        *console.routes("/switches", pages.listing),
        *console.routes("/switches/dry-run", pages.dry_run),
        console.post("/switches/stop", pages.stop),
        console.post("/switches/resume", pages.resume),
    ]


class _SwitchPages:
    def __init__(self, console: Console) -> None:
        self._console = console

    def listing(self, request: Request) -> Sheet:
        views, query = self._views(request), request.query_params
        scope, shown, search = (query.get(name, "") for name in ("scope", "state", "q"))
        switches = [s for s in views.switches.listing() if search.lower() in f"{s.scope} {s.because} {s.by}".lower()]
        counts = {"stopped": sum(s.stopped for s in switches), "resumed": sum(not s.stopped for s in switches)}
        rows = [s for s in switches if shown not in counts or s.stopped == (shown == "stopped")]
        dry: dict[str, Any] = {"dry": None, "problem": None, "scopes": []}
        pulled = next((s for s in switches if s.stopped and s.scope == query.get("resume", "")), None)
        if scope:
            dry = _dry_run(views, scope)
        context: dict[str, Any] = {"counts": counts, "shown": shown, "scope": scope, "fault": None, "because": ""}
        context |= {"rows": rows[:MOST_ROWS], "search": search, "resumed": pulled}
        return Sheet("switches.html", rows, context | dry)

    def dry_run(self, request: Request) -> Sheet:
        views, scope = self._views(request), request.query_params.get("scope", "").strip()
        found = _dry_run(views, scope)
        told: Any = found["dry"] or (found["problem"].as_json() if found["problem"] else {})
        return Sheet("_dry_run.html", told, {"scope": scope, **found})

    async def stop(self, request: Request, form: FormData) -> Response:
        scope, because = text(form, "scope"), text(form, "because")
        try:
            if scope == FLEET and text(form, "confirm") != FLEET:
                raise InputError("To stop the whole fleet, type its word", which=FLEET, hint="Nothing was stopped")
            receipt = await self._console.verbs(self._console.actor(request)).stop(scope, because=because)
        except RemitError as fault:
            return await self._told(request, fault, scope, because)
        return await self._done(request, receipt)

    async def resume(self, request: Request, form: FormData) -> Response:
        scope, because = text(form, "scope"), text(form, "because")
        try:
            receipt = await self._console.verbs(self._console.actor(request)).resume(scope, because=because)
        except RemitError as fault:
            pulled = next((row for row in self._views(request).switches.listing() if row.scope == scope), None)
            return await self._told(request, fault, "", because, resumed=pulled if pulled and pulled.stopped else None)
        return await self._done(request, receipt)

    async def _told(self, request: Request, fault: RemitError, scope: str, because: str, **more: Any) -> Response:
        return await tried(self._console, request, self.listing, fault, scope=scope, because=because, **more)

    async def _done(self, request: Request, receipt: Receipt) -> Response:
        facts = {**receipt, "log_index": None}
        actor = self._console.actor(request)
        if actor.may(Permission.FLEET_LOG_READ):
            newest = self._console.views(actor).log.page(kind="switch", search=receipt["scope"], limit=1).rows
            facts["log_index"] = newest[0].index if newest else None
        done = "is stopped" if receipt["stopped"] else "goes on"
        return self._console.see(request, "/switches", f"{receipt['scope']} {done}", facts)

    def _views(self, request: Request) -> Views:
        return self._console.views(self._console.actor(request))


def _dry_run(views: Views, scope: str) -> dict[str, Any]:
    """Returns what a switch would stop, or what is wrong with its scope, and scopes that begin like it."""
    dry: DryRun | None = None
    problem: RemitError | None = None
    try:
        dry = views.switches.dry_run(scope) if scope else None
    except RemitError as fault:
        problem = fault
    return {"dry": dry, "problem": problem, "scopes": [] if dry else views.switches.scopes(scope)}
