"""/tour: what a demo has to show, one station for each promise, with a tick for what has happened."""

import asyncio
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from remit.core import NotFoundError, RemitError, Settings
from remit.operations import Permission
from remit.web.console import TOUR, Console, Sheet, text
from remit.web.pages.trying import nothing_tried, tried

# A worker that is killed while it drives nothing leaves nothing to take over: for three seconds its next run is waited for.
MOST_LOOKS, LOOK_SECONDS = 100, 0.03


def routes(console: Console) -> list[Route]:
    """Returns the routes of the tour; a cell that is no demo has none."""
    if not console.settings.demo:
        return []
    pages = _TourPages(console)
    return [
        *console.routes(TOUR.path, pages.show),
        console.post("/tour/kill", pages.kill),
        console.post("/tour/fault", pages.fault),
    ]


class _TourPages:
    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, request: Request) -> Sheet:
        actor, practice = self._console.actor(request), self._console.practice
        tour = self._console.views(actor).tour()
        faults = practice.faults if practice else ()
        context: dict[str, Any] = {
            "can_kill": practice is not None,
            "faults": faults,
            "may_cause": actor.may(Permission.CELL_FAULTS_CAUSE),
            "simulated": _sources(self._console.settings),
            **nothing_tried(),
        }
        return Sheet("tour.html", {"tour": tour, "can_kill": practice is not None, "faults": faults}, context)

    async def kill(self, request: Request, _: FormData) -> Response:
        if self._console.practice and self._console.actor(request).may(Permission.CELL_FAULTS_CAUSE):
            await self._wait_for_a_run(request)
        return await self._cause(request, "")

    async def fault(self, request: Request, form: FormData) -> Response:
        # Without a name it would kill the worker; the form always sends one.
        return await self._cause(request, text(form, "fault", longest=100) or "none")

    async def _wait_for_a_run(self, request: Request) -> None:
        runs = self._console.views(self._console.actor(request)).runs
        for _ in range(MOST_LOOKS):
            if (await asyncio.to_thread(runs.states))["running"]:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _cause(self, request: Request, fault: str) -> Response:
        practice = self._console.practice
        try:
            if practice is None:
                raise NotFoundError(
                    "Nothing can be broken here", which=fault or "the worker", hint="Start `remit demo`"
                )
            said = await self._console.verbs(self._console.actor(request)).cause(practice, fault)
        except RemitError as refusal:
            return await tried(self._console, request, self.show, refusal, acting="kill", here=TOUR.path)
        return self._console.see(request, f"{TOUR.path}#kill", said)


def _sources(settings: Settings) -> str:
    """Returns in a word what stands in for models here; nothing where real ones answer."""
    kinds = {route.kind for route in settings.models.values()}
    return " and ".join(sorted(kinds & {"simulated", "recorded"}))
