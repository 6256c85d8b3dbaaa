"""Whose request it is: the session's cookie, and the token that every form of theirs carries."""

import asyncio
from dataclasses import dataclass
from typing import cast
from urllib.parse import parse_qs, quote, urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from remit.core import Http
from remit.identity import Session
from remit.operations import Access, Actor
from remit.web.security import SAFE_METHODS, is_secure

CSRF_FIELD, CSRF_HEADER = "csrf", "x-csrf-token"
# Open to whoever is not logged in.
PUBLIC = ("/login", "/static/")
# Arguments of an action, edited by hand, are far smaller.
MOST_BODY, MOST_FIELDS = 262_144, 200
# Whoever sends so little for longer wants to keep a place taken.
BODY_SECONDS = 10.0
# Of an address, as it is asked for after the login.
LONGEST_NEXT = 1_000


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is logged in, with what they may do now."""

    session: Session
    actor: Actor


def visitor_of(request: Request) -> Visitor | None:
    """Returns who sent a request; None when nobody is logged in."""
    return cast("Visitor | None", request.scope.get("remit.visitor"))


def cookie_name(request: Request, *, secure: bool) -> str:
    """Returns the cookie's name: over TLS one that no other host can set.

    Browsers send a cookie to every port of its host: with the port in its name, two cells on one host keep theirs apart.
    """
    port = request.url.port
    return f"{'__Host-' if secure else ''}remit{f'-{port}' if port else ''}"


def keep_session(response: Response, request: Request, session: Session, http: Http) -> None:
    """Gives the browser a session to keep until it ends or the browser is closed."""
    secure = is_secure(request.scope, http)
    response.set_cookie(
        cookie_name(request, secure=secure), session.secret, secure=secure, httponly=True, samesite="strict"
    )


def forget_session(response: Response, request: Request, http: Http) -> None:
    """Takes the session from the browser."""
    secure = is_secure(request.scope, http)
    response.delete_cookie(cookie_name(request, secure=secure), secure=secure, httponly=True, samesite="strict")


def local_path(given: str) -> str:
    """Returns a path of this origin to go on to; anything else becomes the first page."""
    is_ours = given.startswith("/") and not given.startswith(("//", *PUBLIC))
    is_plain = len(given) <= LONGEST_NEXT and given.isprintable() and "\\" not in given
    return given if is_ours and is_plain else "/"


class Entrance:
    """Lets in whoever has a session, and takes no change that does not carry its token."""

    def __init__(self, app: ASGIApp, *, access: Access, http: Http) -> None:
        self._app = app
        self._access = access
        self._http = http

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on with its visitor, or asks to log in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        visitor = scope["remit.visitor"] = self._visitor(request)
        is_public = request.url.path == PUBLIC[0] or request.url.path.startswith((f"{PUBLIC[0]}/", PUBLIC[1]))
        if visitor is None and not is_public:
            await _please_log_in(request)(scope, receive, send)
            return
        if request.method not in SAFE_METHODS:
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    body = await _body(request)
            except TimeoutError:
                await PlainTextResponse("The form took too long.\n", 408)(scope, receive, send)
                return
            if body is None:
                await PlainTextResponse("This is too large, or no form.\n", 413)(scope, receive, send)
                return
            if visitor is not None and not is_public and not visitor.session.csrf_matches(_token(request, body)):
                told = "The form is of another session. Go back, load the page again, and repeat it.\n"
                await PlainTextResponse(told, 403)(scope, receive, send)
                return
            receive = _again(body, receive)
        await self._app(scope, receive, send)

    def _visitor(self, request: Request) -> Visitor | None:
        secret = request.cookies.get(cookie_name(request, secure=is_secure(request.scope, self._http)), "")
        # What a page does by itself does not show that anybody is there.
        is_by_itself = request.method in SAFE_METHODS and "hx-request" in request.headers
        session = self._access.session(secret, touch=not is_by_itself) if secret else None
        return Visitor(session, self._access.actor(session)) if session else None


def _please_log_in(request: Request) -> Response:
    if request.method not in SAFE_METHODS or request.url.path == "/live":
        return PlainTextResponse("Log in first.\n", 401)
    wanted = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    if wanted.partition("?")[0].endswith(".json"):
        return JSONResponse({"error": "RefusedError", "what": "Log in first"}, 401)
    if "hx-request" in request.headers:
        here = urlsplit(request.headers.get("hx-current-url", ""))
        shown = f"{here.path}?{here.query}" if here.query else here.path
        return Response(status_code=401, headers={"hx-redirect": _login(local_path(shown))})
    if request.headers.get("sec-fetch-site") == "cross-site":
        # A strict cookie stays at home when another site's link is followed; from our own page it comes along.
        return HTMLResponse(_ONCE_MORE, headers={"refresh": f"0; url={quote(local_path(wanted), safe='/?=&%')}"})
    return RedirectResponse(_login(wanted), 303)


_ONCE_MORE = '<!doctype html><html lang="en"><title>Remit</title><p>One moment.</p></html>'


def _login(wanted: str) -> str:
    return "/login" if wanted in ("", "/") else f"/login?next={quote(wanted, safe='/')}"


async def _body(request: Request) -> bytes | None:
    """Returns a form's bytes; None when there are too many, or it is none."""
    kind = request.headers.get("content-type", "application/x-www-form-urlencoded").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY:
            return None
    return bytes(body)


def _token(request: Request, body: bytes) -> str:
    if given := Headers(scope=request.scope).get(CSRF_HEADER):
        return given
    try:
        return parse_qs(body.decode(), max_num_fields=MOST_FIELDS).get(CSRF_FIELD, [""])[0]
    except (UnicodeDecodeError, ValueError):
        return ""


def _again(body: bytes, receive: Receive) -> Receive:
    """Hands a body that was read to whoever reads it next."""
    given = False

    async def read() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return read
