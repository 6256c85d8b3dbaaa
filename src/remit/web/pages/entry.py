"""/login and /logout: by password, or by a link that opens once."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from remit.core import RefusedError
from remit.identity import Session
from remit.web.console import Console, text
from remit.web.session import forget_session, keep_session, local_path, visitor_of

LONGEST_PASSWORD = 1_024


def routes(console: Console) -> list[Route]:
    """Returns the routes of coming in and going out."""

    def come_in(request: Request, session: Session, next_path: str) -> Response:
        response = RedirectResponse(local_path(next_path), 303)
        keep_session(response, request, session, console.settings.http)
        return response

    def form(request: Request, *, status: int = 200, person: str = "", problem: RefusedError | None = None) -> Response:
        wanted = local_path(request.query_params.get("next", "/"))
        return console.page(request, "login.html", status=status, next=wanted, person=person, problem=problem)

    async def ask(request: Request) -> Response:
        wanted = local_path(request.query_params.get("next", "/"))
        return RedirectResponse(wanted, 303) if visitor_of(request) else form(request)

    async def log_in(request: Request, given: FormData) -> Response:
        person = text(given, "person", longest=254)
        password = str(given.get("password", ""))[:LONGEST_PASSWORD]
        try:
            session = await console.access.log_in(person, password, client=_client(request))
        except RefusedError as problem:
            return form(request, status=401, person=person, problem=problem)
        return come_in(request, session, text(given, "next"))

    async def show_link(request: Request) -> Response:
        # Mail programs and chats follow links to look at them: only the button uses one up.
        return console.page(request, "login_link.html", problem=None)

    async def redeem(request: Request, _: FormData) -> Response:
        try:
            session = await console.access.redeem(request.path_params["secret"], client=_client(request))
        except RefusedError as problem:
            return console.page(request, "login_link.html", status=403, problem=problem)
        return come_in(request, session, console.places[0].path)

    async def log_out(request: Request, _: FormData) -> Response:
        await console.access.log_out(console.visitor(request).session)
        response = RedirectResponse("/login", 303)
        forget_session(response, request, console.settings.http)
        return response

    return [
        Route("/login", ask, methods=["GET"]),
        console.post("/login", log_in),
        Route("/login/{secret}", show_link, methods=["GET"]),
        console.post("/login/{secret}", redeem),
        console.post("/logout", log_out),
    ]


def _client(request: Request) -> str:
    return request.client.host if request.client else ""
