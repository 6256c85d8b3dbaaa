"""What the pages stand on: who looks, what they see and do, and how that becomes a page or its JSON twin."""

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jinja2 import Environment
from pydantic_core import to_jsonable_python
from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from remit.core import Clock, InputError, RemitError, Settings
from remit.operations import Access, Actor, Permission, Practice, QueueSummary, SwitchRow, Verbs, Views
from remit.web.errors import status_of
from remit.web.live import Live
from remit.web.session import Visitor, visitor_of

# What is said once about what was done; a person who never looks again leaves no more than one.
MOST_SAID = 1_000


class _Place(Convertor[int]):
    """A place in a row, in an address: no longer than the store counts, or it is the address of nothing."""

    regex = "[0-9]{1,18}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("place", _Place())


class Sheet(NamedTuple):
    """A page before anybody decides between HTML and JSON."""

    template: str
    model: Any
    """What the JSON twin shows; `model` in the template."""
    context: Mapping[str, Any] = {}
    """What only the template needs: filters chosen, words."""


class Said(NamedTuple):
    """What is said once, on the page somebody is led to after they did something."""

    text: str
    receipt: Mapping[str, Any] = {}
    """Facts about what was done, for pages that show them."""


class Place(NamedTuple):
    """A page that is reached from everywhere, with `g` and its key."""

    key: str
    path: str
    title: str
    permission: Permission | None


PLACES = (
    Place("o", "/", "Overview", Permission.FLEET_RUNS_READ),
    Place("p", "/approvals", "Approvals", Permission.FLEET_APPROVALS_READ),
    Place("r", "/runs", "Runs", Permission.FLEET_RUNS_READ),
    Place("t", "/tasks", "Tasks", Permission.FLEET_RUNS_READ),
    Place("a", "/agents", "Agents", Permission.FLEET_AGENTS_READ),
    Place("s", "/switches", "Switches", Permission.FLEET_SWITCHES_READ),
    Place("f", "/figures", "Figures", Permission.FLEET_FIGURES_READ),
    Place("l", "/log", "Log", Permission.FLEET_LOG_READ),
    Place("e", "/people", "People", Permission.FLEET_AGENTS_READ),
    Place("c", "/settings", "Settings", Permission.CELL_SETTINGS_READ),
)
"""In the order of the bar on top."""
TOUR = Place("u", "/tour", "Tour", Permission.FLEET_RUNS_READ)
"""Before all of these, where the cell is a demo."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What needs a person, wherever they are."""

    asked: int
    mine: int
    stopped: tuple[SwitchRow, ...]


Show = Callable[[Request], Sheet]
"""Reads views and returns a sheet; it is called beside the event loop."""
Do = Callable[[Request, FormData], Awaitable[Response]]
"""Does what a form asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """What handlers need; nothing of the cell is reached but by these."""

    views: Callable[[Actor], Views]
    verbs: Callable[[Actor], Verbs]
    access: Access
    settings: Settings
    clock: Clock
    templates: Environment
    live: Live
    log_size: Callable[[], int]
    readers: Executor
    """Where views are read and pages are made: they must not hold up the runs that this process drives."""
    practice: Practice | None = None
    """What may be broken on purpose, where a demo is shown."""
    _said: dict[str, "Said"] = field(default_factory=dict[str, "Said"])

    @property
    def places(self) -> tuple[Place, ...]:
        """The pages that are reached from everywhere; the first is where somebody comes in."""
        return (TOUR, *PLACES) if self.settings.demo else PLACES

    # --- who

    def visitor(self, request: Request) -> Visitor:
        """Returns who is logged in; a page that is open to everybody does not ask."""
        visitor = visitor_of(request)
        if visitor is None:
            raise RuntimeError("the entrance let somebody in without a session")
        return visitor

    def actor(self, request: Request) -> Actor:
        """Returns as whom a request sees and acts."""
        return self.visitor(request).actor

    # --- pages

    def routes(self, path: str, show: Show) -> list[Route]:
        """Returns the routes of a page and of its JSON twin, which has `.json` behind the path."""

        async def html(request: Request) -> Response:
            return await self.beside(self._shown, request, show)

        async def twin(request: Request) -> Response:
            return await self.beside(lambda: self.json_twin(show(request).model))

        json_path = f"{path}.json" if path != "/" else "/index.json"
        return [Route(json_path, twin, methods=["GET"]), Route(path, html, methods=["GET"])]

    def post(self, path: str, do: Do) -> Route:
        """Returns the route of something that is done; the entrance has checked session and token by then."""

        async def endpoint(request: Request) -> Response:
            return await do(request, await request.form())

        return Route(path, endpoint, methods=["POST"])

    async def beside(self, work: Callable[..., Response], *arguments: Any) -> Response:
        """Does work that reads or renders beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self.readers, work, *arguments)

    def page(self, request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
        """Returns a page, with all that stands around it."""
        # A fragment of a page has no bar; the one that is the bar has nothing else.
        is_whole = not template.startswith("_") or template == "_bar.html"
        around = self._around(request, has_bar=is_whole and "bar" not in context) | context
        return HTMLResponse(self.templates.get_template(template).render(around), status)

    def error(self, request: Request, fault: RemitError, *, status: int = 0) -> Response:
        """Returns what somebody is told whose request cannot be followed."""
        if is_twin(request):
            return self.json_twin(fault.as_json(), status=status or status_of(fault))
        return self.page(request, "error.html", status=status or status_of(fault), fault=fault)

    def json_twin(self, value: Any, *, status: int = 200) -> Response:
        """Returns what a page shows, as JSON."""
        plain = to_jsonable_python(value, by_alias=False, fallback=_plain)
        body = json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()
        return Response(body, status, media_type="application/json")

    def see(self, request: Request, path: str, said: str = "", receipt: Mapping[str, Any] | None = None) -> Response:
        """Goes on to a page after something was done, and says so there once."""
        if said and len(self._said) < MOST_SAID:
            self._said[self.visitor(request).session.id] = Said(said, receipt or {})
        return RedirectResponse(path, 303)

    def bar(self, actor: Actor, asked: QueueSummary | None = None) -> Bar:
        """Returns what the bar on top shows to somebody; a page that has read how much is asked hands it over."""
        views = self.views(actor)
        if asked is None and actor.may(Permission.FLEET_APPROVALS_READ):
            asked = views.approvals.summary()
        stopped = views.switches.in_force() if actor.may(Permission.FLEET_SWITCHES_READ) else []
        return Bar(asked.asked if asked else 0, asked.mine if asked else 0, tuple(stopped))

    # --- inside

    def _shown(self, request: Request, show: Show) -> Response:
        since = self.log_size()  # before anything is read: what happens meanwhile is a cue
        sheet = show(request)
        twin = "/index.json" if request.url.path == "/" else f"{request.url.path}.json"
        twin += f"?{request.url.query}" if request.url.query else ""
        return self.page(request, sheet.template, model=sheet.model, twin=twin, since=since, **sheet.context)

    def _around(self, request: Request, *, has_bar: bool) -> dict[str, Any]:
        visitor = visitor_of(request)
        around = {
            "request": request,
            "path": request.url.path,
            "here": f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path,
            "cell": self.settings.name,
            "theme": request.cookies.get("theme", "") if request.cookies.get("theme") in ("light", "dark") else "",
            "twin": "",
            "since": self.log_size(),
            "me": None,
            "csrf_token": "",
        }
        if visitor is None:
            return around
        actor, is_by_itself = visitor.actor, "hx-request" in request.headers
        said = Said("") if is_by_itself else self._said.pop(visitor.session.id, Said(""))
        return around | {
            "me": actor,
            "may": {permission.value: actor.may(permission) for permission in Permission},
            "csrf_token": visitor.session.csrf,
            "places": [place for place in self.places if place.permission is None or actor.may(place.permission)],
            "bar": self.bar(actor) if has_bar else None,
            "said": said.text,
            "receipt": said.receipt,
        }


def is_twin(request: Request) -> bool:
    """Whether a page is asked for as JSON."""
    return request.url.path.endswith(".json")


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return str(value)


def text(form: FormData, name: str, *, longest: int = 2_000) -> str:
    """Returns a field of a form as text without blanks around it; a field that is missing is empty."""
    value = form.get(name, "")
    if not isinstance(value, str) or len(value) > longest:
        raise InputError("A field is too long", which=name, why=f"it may have {longest} characters")
    return value.strip()
