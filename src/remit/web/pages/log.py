"""/log: the tamper-evident record: its head, its entries with their proofs, and whether all of it holds."""

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from remit.audit import Report
from remit.core import InputError, RemitError
from remit.operations import LogViews, Verbs, moment
from remit.web.console import Console, Sheet, text
from remit.web.pages.trying import tried

_log = logging.getLogger("remit.web")
# Older checkpoints somebody kept are short notes.
LONGEST_NOTE = 8_000


@dataclass(frozen=True, slots=True)
class Verification:
    """One look at the whole log; the newest is kept for everybody until the process ends."""

    by: str
    began: str
    entries: int
    since: bool
    """Whether it was also held against an older checkpoint."""
    ended: str = ""
    report: Report | None = None
    problem: str = ""
    """Why it could not be brought to an end."""

    @property
    def is_under_way(self) -> bool:
        """Whether the log is still being read."""
        return not self.ended


def routes(console: Console) -> list[Route]:
    """Returns the routes of the log."""
    pages = _LogPages(console)
    return [
        *console.routes("/log", pages.listing),
        *console.routes("/log/verification", pages.verification),
        console.post("/log/verification", pages.verify),
        Route("/log/{index:place}/proof", pages.proof, methods=["GET"]),
        *console.routes("/log/{index:place}", pages.one),
    ]


class _LogPages:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._verification: Verification | None = None
        self._task: asyncio.Task[None] | None = None

    def listing(self, request: Request) -> Sheet:
        views = self._views(request)
        query = {name: request.query_params.get(name, "") for name in ("kind", "search", "after")}
        page, head = views.page(kind=query["kind"], search=query["search"], after=query["after"]), views.head()
        context: dict[str, Any] = {"head": head, "kinds": views.kinds(), "query": query, "fault": None}
        return Sheet("log.html", page, context | {"verification": self._verification})

    def one(self, request: Request) -> Sheet:
        views = self._views(request)
        entry = views.get(request.path_params["index"])
        return Sheet("log_entry.html", entry, {"head": views.head()})

    async def proof(self, request: Request) -> Response:
        """Answers with the proof of one entry as a file."""
        index = request.path_params["index"]
        name = f"{self._console.settings.name}-{index}.tlog-proof"

        def file() -> Response:
            headers = {"content-disposition": f'attachment; filename="{name}"'}
            return Response(self._views(request).prove(index), media_type="text/plain", headers=headers)

        return await self._console.beside(file)

    def verification(self, request: Request) -> Sheet:
        """Returns how the newest verification stands, for the page to ask again."""
        self._views(request).head()  # who may not see the log does not see this either
        found = self._verification
        report = found.report.as_json() if found and found.report else {}
        told = {"by": found.by, "began": found.began, "ended": found.ended, **report} if found else {}
        return Sheet("_verification.html", told, {"verification": found})

    async def verify(self, request: Request, form: FormData) -> Response:
        """Begins to read the whole log; one at a time is enough for everybody."""
        views, actor = self._views(request), self._console.actor(request)
        if self._task is None or self._task.done():
            try:
                note = text(form, "since", longest=LONGEST_NOTE)
                head = views.head()
                if not head.signed:
                    raise InputError("Nothing in this log is signed yet", hint="Wait for its first checkpoint")
            except RemitError as fault:
                return await tried(self._console, request, self.listing, fault, here="/log")
            now = moment(self._console.clock.now())
            self._verification = Verification(actor.id, now, head.signed, since=bool(note))
            since, verbs = (f"{note}\n",) if note else (), self._console.verbs(actor)
            self._task = asyncio.create_task(self._read(views, verbs, since), name="verify the log")
        return self._console.see(request, "/log#verification")

    async def _read(self, views: LogViews, verbs: Verbs, since: tuple[str, ...]) -> None:
        report, problem = None, ""
        try:
            report = await asyncio.to_thread(views.verify, since=since)
        except RemitError as fault:
            problem = fault.text()
        except Exception:  # noqa: BLE001 - whatever it was, it is told here and never as a log that holds
            _log.exception("the log could not be verified")
            problem = "It could not be read to its end; the output of `remit up` says why."
        if report is not None and report.ok:  # one that does not hold is evidence, and not written to
            try:
                await verbs.verified(report)
            except Exception:  # noqa: BLE001 - what was found is told anyway
                _log.exception("that the log was verified could not be put on the record")
        if self._verification is not None:
            # Told last: whoever reads it may ask for the next one, and is not to find this one still under way.
            ended = moment(self._console.clock.now())
            self._verification = replace(self._verification, ended=ended, report=report, problem=problem)

    def _views(self, request: Request) -> LogViews:
        return self._console.views(self._console.actor(request)).log
